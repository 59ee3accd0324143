import random
import re
import subprocess
import sys

import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.metrics import (
    HIGHER_IS_BETTER,
    METRICS,
    EvaluationSettings,
    alike,
    bleu,
    character_error_rate,
    chrf,
    exact_match,
    measure,
    phoneme_error_rate,
    score,
    sequence_error_rate,
    ter,
    word_error_rate,
)
from seq2seq.metrics.counts import _once

HYPOTHESES = ["The cat sat on the mat .", "It is a Dog", "nothing at all"]
REFERENCES = ["The cat sat on a mat .", "it is a dog", "nothing , at all"]

letters = st.text("abAB ", max_size=8)
sets = st.lists(st.tuples(letters, letters), min_size=1, max_size=6)


def edit_distance(left, right):
    """The textbook table, row by row."""
    row = list(range(len(right) + 1))
    for i, token in enumerate(left, start=1):
        above, row = row, [i]
        for j, other in enumerate(right, start=1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (token != other)))
    return row[-1]


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("tokenize", ["13a", "none", "char", "zh", "intl"])
def test_bleu_is_that_of_sacrebleu(lowercase, tokenize):
    metric = sacrebleu.BLEU(lowercase=lowercase, tokenize=tokenize)
    found = bleu(HYPOTHESES, REFERENCES, lowercase=lowercase, tokenize=tokenize)
    assert found.value == metric.corpus_score(HYPOTHESES, [REFERENCES]).score
    assert found.signature == str(metric.get_signature())
    assert f"|case:{'lc' if lowercase else 'mixed'}|" in found.signature
    assert f"|tok:{tokenize}|" in found.signature


@pytest.mark.parametrize("lowercase", [False, True])
def test_chrf_and_ter_are_those_of_sacrebleu(lowercase):
    for ours, theirs in [
        (chrf, sacrebleu.CHRF(lowercase=lowercase)),
        (ter, sacrebleu.TER(case_sensitive=not lowercase)),
    ]:
        found = ours(HYPOTHESES, REFERENCES, lowercase=lowercase)
        assert found.value == theirs.corpus_score(HYPOTHESES, [REFERENCES]).score
        assert found.signature == str(theirs.get_signature())


def test_tokenised_text_is_warned_of_once_and_only_where_it_is_not_meant(caplog, monkeypatch):
    monkeypatch.setattr(_once, "said", set())
    text = ["ein Haus am See ."] * 150
    bleu(text, text, tokenize="none")
    assert not caplog.messages
    bleu(text, text)
    bleu(text, text)
    assert caplog.text.count("tokenized period") == 1


@pytest.mark.parametrize("ours", [bleu, chrf, ter])
def test_several_references(ours):
    plain = ours(HYPOTHESES, REFERENCES)
    several = ours(HYPOTHESES, [[first, said] for first, said in zip(REFERENCES, HYPOTHESES, strict=True)])
    assert several.value == pytest.approx(0 if ours is ter else 100)
    assert "nrefs:2|" in several.signature
    assert ours(HYPOTHESES, [[first] for first in REFERENCES]) == plain
    unequal = ours(HYPOTHESES, [[REFERENCES[0], HYPOTHESES[0]], *([one] for one in REFERENCES[1:])])
    assert "nrefs:var|" in unequal.signature
    assert (unequal.value > plain.value) == HIGHER_IS_BETTER[ours.__name__]


@given(pairs=sets, lowercase=st.booleans())
def test_exact_match(pairs, lowercase):
    said, right = map(list, zip(*pairs, strict=True))
    equal = [a.lower() == b.lower() if lowercase else a == b for a, b in pairs]
    assert exact_match(said, right, lowercase=lowercase).value == pytest.approx(100 * sum(equal) / len(equal))


@given(pairs=sets, lowercase=st.booleans())
def test_error_rates_count_edits(pairs, lowercase):
    said, right = map(list, zip(*pairs, strict=True))
    for metric, tokens in [(word_error_rate, str.split), (phoneme_error_rate, str.split), (character_error_rate, list)]:
        cut = [[tokens(text.lower() if lowercase else text) for text in pair] for pair in pairs]
        length = sum(len(reference) for _, reference in cut)
        if not length:
            with pytest.raises(ValueError, match="0 tokens in their references"):
                metric(said, right)
            continue
        expected = 100 * sum(edit_distance(*pair) for pair in cut) / length
        assert metric(said, right, lowercase=lowercase).value == pytest.approx(expected)


@given(
    entries=st.lists(st.tuples(letters, st.lists(letters, min_size=1, max_size=4)), min_size=1, max_size=5),
    seed=st.integers(0, 99),
)
def test_the_nearest_reference_counts_wherever_it_stands(entries, seed):
    said, right = map(list, zip(*entries, strict=True))
    # Something for every denominator.
    said, right = ["a", *said], [["a"], *right]
    shuffled = [random.Random(seed).sample(texts, len(texts)) for texts in right]
    for metric in (exact_match, word_error_rate, character_error_rate):
        assert metric(said, right) == metric(said, shuffled)
    added = [[*texts, own] for own, texts in zip(said, right, strict=True)]
    assert exact_match(said, added).value == 100
    assert word_error_rate(said, added).value == 0


def test_words_of_a_pronouncing_dictionary():
    # The protocol of CMUdict: wrong if equal to no reference; phonemes against the nearest one, over its length.
    said = ["R EH D", "T AH M EY T OW", "K AE T S"]
    right = [["R IY D", "R EH D"], ["T AH M AA T OW"], ["K AE T"]]
    assert 100 - exact_match(said, right).value == pytest.approx(100 * 2 / 3)
    assert sequence_error_rate(said, right).value == pytest.approx(100 * 2 / 3)
    assert phoneme_error_rate(said, right).value == pytest.approx(100 * (0 + 1 + 1) / (3 + 6 + 3))


@given(
    entries=st.lists(st.tuples(letters, st.lists(letters, min_size=1, max_size=3)), min_size=1, max_size=5),
    lowercase=st.booleans(),
)
def test_the_sequence_error_rate_is_what_exact_match_leaves(entries, lowercase):
    said, right = map(list, zip(*entries, strict=True))
    found = sequence_error_rate(said, right, lowercase=lowercase)
    assert found.value == pytest.approx(100 - exact_match(said, right, lowercase=lowercase).value)


class TestSeveralReferences:
    """One pair per line, as in training; the lines of a source together where it is scored."""

    SOURCES = ("read", "tomato", "read", "cats")
    SAID = ("R EH D", "T AH M EY T OW", "R EH D", "K AE T S")
    RIGHT = ("R IY D", "T AH M AA T OW", "R EH D", "K AE T S")
    RATES = ("sequence_error_rate", "phoneme_error_rate")

    def test_a_source_is_scored_once_against_all_its_references(self):
        settings = EvaluationSettings(self.RATES, several_references=True)
        found = measure(self.SAID, self.RIGHT, settings, self.SOURCES)
        said, right = ["R EH D", "T AH M EY T OW", "K AE T S"], [["R IY D", "R EH D"], ["T AH M AA T OW"], ["K AE T S"]]
        assert found == {name: score(name, said, right) for name in self.RATES}
        assert found["sequence_error_rate"].value == pytest.approx(100 / 3)
        assert measure(self.SAID, [[text] for text in self.RIGHT], settings, self.SOURCES) == found
        apart = measure(self.SAID, self.RIGHT, EvaluationSettings(self.RATES), self.SOURCES)
        assert apart["sequence_error_rate"].value == 50

    def test_of_several_translations_the_first_is_scored_and_of_equal_references_one(self):
        settings = EvaluationSettings(("exact_match",), several_references=True)
        found = measure(["R EH D", "R IY D"], ["R IY D", "R IY D"], settings, ["read", "read"])
        assert found == {"exact_match": score("exact_match", ["R EH D"], ["R IY D"])}
        assert found["exact_match"].value == 0

    @pytest.mark.parametrize("sources", [None, ["read"]])
    def test_needs_the_sources(self, sources):
        with pytest.raises(ValueError, match=r"found by the sources.*sources: (none|1), hypotheses: 4"):
            measure(self.SAID, self.RIGHT, EvaluationSettings(self.RATES, several_references=True), sources)


@pytest.mark.parametrize(
    ("names", "said", "right", "expected"),
    [
        (["word_error_rate", "phoneme_error_rate"], ["a b"], ["a"], "both count what stands between spaces"),
        (
            ["word_error_rate", "bleu", "sequence_error_rate"],
            ["one", ""],
            ["two", "one"],
            "every text here is one word",
        ),
        (["sequence_error_rate", "character_error_rate"], ["a"], [["b", "c"]], "every text here is one character"),
        (["exact_match", "sequence_error_rate"], ["a b"], ["c"], "sequence_error_rate is 100 minus exact_match"),
        (["word_error_rate", "sequence_error_rate"], ["one two"], ["two"], None),
        (["word_error_rate", "character_error_rate"], ["ab"], ["a"], None),
        (["bleu", "chrf"], ["a"], ["a"], None),
    ],
)
def test_metrics_that_cannot_differ_are_told(names, said, right, expected):
    found = alike(names, said, right)
    assert len(found) == (expected is not None)
    if expected:
        assert expected in found[0]
        values = [score(name, said, right).value for name in names if name != "bleu"]
        assert values[0] == pytest.approx(100 - values[1] if "exact_match" in names else values[1])


def test_of_equally_near_references_the_longest_counts():
    assert word_error_rate(["a b c"], [["a b", "a b c d"]]).value == pytest.approx(100 / 4)


def test_score_by_name():
    assert set(METRICS) == set(HIGHER_IS_BETTER)
    for name, metric in METRICS.items():
        assert score(name, HYPOTHESES, REFERENCES, lowercase=True) == metric(HYPOTHESES, REFERENCES, lowercase=True)
        best = score(name, HYPOTHESES, HYPOTHESES).value
        assert best == pytest.approx(100 if HIGHER_IS_BETTER[name] else 0)
    assert "tok:char" in score("bleu", HYPOTHESES, REFERENCES, tokenize="char").signature
    own = {name: score(name, HYPOTHESES, REFERENCES, lowercase=True).signature for name in METRICS}
    assert len(set(own.values())) == len(METRICS)
    assert all("case:lc" in signature and "version:" in signature for signature in own.values())


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize(
    ("hypotheses", "references", "message"),
    [
        (["a"], ["a", "b"], "Received: 1 hypotheses, 2 references."),
        (["a", "b"], [["a", "b"]], "Several references of one hypothesis stand together in a list."),
        ([], [], "nothing to score. Received: 0 hypotheses"),
        (["a", "b"], [["a"], []], "an empty list for 1 of 2, first at index 1"),
        ("ab", ["a", "b"], "hypotheses is a list with one entry per sentence. Received: the string 'ab'"),
        (["a", "b"], "ab", "references is a list with one entry per sentence. Received: the string 'ab'"),
    ],
)
def test_refusals(name, hypotheses, references, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        score(name, hypotheses, references)


def test_unknown_names():
    with pytest.raises(ValueError, match=r"metric is one of: bleu, .*Received: metric='blue'\. Did you mean 'bleu'\?"):
        score("blue", ["a"], ["a"])
    with pytest.raises(ValueError, match=r"tokenize is one of: 13a, .*none, .*Received: tokenize='moses'"):
        bleu(["a"], ["a"], tokenize="moses")


def test_a_tokenizer_that_needs_a_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "MeCab", None)
    monkeypatch.delitem(sys.modules, "sacrebleu.tokenizers.tokenizer_ja_mecab", raising=False)
    with pytest.raises(ValueError, match=r"Received: tokenize='ja-mecab'.*pip install"):
        bleu(["a"], ["a"], tokenize="ja-mecab")


def test_import_is_light():
    code = (
        "import sys, seq2seq.metrics; print([m for m in ('sacrebleu', 'rapidfuzz', 'tensorflow') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize(
    ("hypotheses", "references", "message"),
    [
        (["a", float("nan")], ["a", "b"], r"hypotheses\[1\]=nan, counted from 0"),
        (["a", "b"], ["a", None], r"references\[1\]=None"),
        (["a", "b"], ["a", ["b", float("nan")]], r"references\[1\]\[1\]=nan"),
        (["a"], [b"a"], r"references\[0\]=b'a'"),
        (["a"], [{"a": 1}], r"references\[0\]={'a': 1}"),
        ({"a": 1}, ["a"], "hypotheses has one entry per sentence, in their order. Received: a dict"),
        (["a", "b"], {"a", "b"}, "references has one entry .* Received: a set"),
        (["x", "y"], type("DataFrame", (list,), {})(["x", "y"]), "references has one entry .* Received: a DataFrame"),
    ],
)
def test_what_is_no_text_is_refused_with_its_place(name, hypotheses, references, message):
    with pytest.raises(ValueError, match=message):
        score(name, hypotheses, references)


def test_rows_of_a_shuffled_column_are_taken_in_their_order():
    texts = pytest.importorskip("pandas").Series(["a", "b", "c"])[[2, 0, 1]]
    assert score("exact_match", texts, ["c", "a", "b"]).value == 100
