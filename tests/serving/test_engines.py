"""Translators of both kinds behind one face."""

from types import SimpleNamespace

import pytest

pytest.importorskip("starlette", reason="serving needs starlette: pip install 'seq2seq[serve]'")

from seq2seq.search import Beam, Greedy, Sample
from seq2seq.serving import Asked, load_engine
from seq2seq.serving.engines import TranslatorEngine, _search
from seq2seq.serving.refusal import Refusal
from seq2seq.translation.hypothesis import Hypothesis, Translation

TEXTS = ["ein Haus am See", "", "der Wald"]


class Recorded:
    """A translator that writes down what it is asked, and refuses what begins with "bad"."""

    search = Beam(5)
    source_tokenizer = SimpleNamespace(encode=str.split)

    def __init__(self):
        self.calls = []

    def hypotheses(self, texts, search, **options):
        self.calls.append((search, options))
        if any(text.startswith("bad") for text in texts):
            raise ValueError("It cannot begin so.")
        return [[Hypothesis(text, 0.0), Hypothesis("2", -1.0), Hypothesis("3", -2.0)] for text in texts]

    def translate(self, texts, search, **options):
        found = self.hypotheses(texts, search, **options)
        return [Translation(text, (), (), tuple(best), "f00d") for text, best in zip(texts, found, strict=True)]


def test_asks_only_what_is_asked():
    recorded = Recorded()
    engine = TranslatorEngine(recorded, "tensorflow", ["de", "en"])
    assert [call for call, _ in recorded.calls] == [None, None]  # a first translation of both kinds, when it is read
    assert (engine.languages, engine.tokens("ein Haus"), engine.beam_size) == (("de", "en"), 3, 5)
    found = engine.translate(["a", "b"], ["", ""], Asked(2))
    assert [[one.text for one in each.hypotheses] for each in found] == [["a", "2"], ["b", "2"]]
    assert recorded.calls.pop() == (Beam(5, n_best=5), {"batch_size": 2})
    (found,) = engine.translate(["a"], ["x"], Asked(1, 3, details=True, terms=(("a", "b"),)))
    assert (found.model, len(found.hypotheses)) == ("f00d", 1)
    asked = {"batch_size": 1, "prefixes": ["x"], "terms": {"a": "b"}, "details": True}
    assert recorded.calls.pop() == (Beam(3), asked)


def test_what_a_model_cannot_do_is_refused_and_what_fails_is_not():
    engine = TranslatorEngine(Recorded(), "tensorflow", None)
    with pytest.raises(Refusal, match=r"It cannot begin so\."):
        engine.translate(["bad"], ["x"], Asked())
    with pytest.raises(ValueError, match=r"It cannot begin so\."):
        engine.translate(["bad"], [""], Asked())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tensorflow", "onnx"])
def test_translates_as_the_translator_does(kind, translator, tmp_path, request):
    if kind == "tensorflow":
        path = tmp_path / "model.s2s"
        translator.save(path)
    else:
        path = request.getfixturevalue("exported")
    engine = load_engine(path)
    assert (engine.name, engine.languages) == (kind, None)
    plain = engine.translate(TEXTS, [""] * 3, Asked(n_best=2))
    for mine, theirs in zip(plain, translator.hypotheses(TEXTS, Beam(3, n_best=2)), strict=True):
        # An empty text has one translation.
        assert [one.text for one in mine.hypotheses] == [one.text for one in theirs]
    detailed = engine.translate(TEXTS, [""] * 3, Asked(details=True))
    assert [one.text for one in detailed] == translator.translate(TEXTS)
    assert [bool(one.hypotheses[0].tokens) for one in detailed] == [True, False, True]
    assert detailed[0].to_json()["alignment"]["pieces"]


@pytest.mark.parametrize(
    ("own", "asked", "search"),
    [
        (Greedy(length_penalty=0.5), Asked(3), Beam(3, n_best=3, length_penalty=0.5)),
        (Greedy(length_penalty=0.5), Asked(1, 4), Beam(4, length_penalty=0.5)),
        (Beam(5, length_penalty=0.5), Asked(3), Beam(5, n_best=5, length_penalty=0.5)),
        (Beam(2), Asked(3), Beam(3, n_best=3)),
        (Beam(5), Asked(1, 1), Beam(1)),
        (Beam(5), Asked(2, 8), Beam(8, n_best=8)),
        (Beam(4, groups=2, diversity=0.5), Asked(5), Beam(6, n_best=6, groups=2, diversity=0.5)),
        (Sample(seed=1), Asked(3), Sample(seed=1, n_best=3)),
        (Sample(seed=1), Asked(3, 4), Beam(4, n_best=4)),
    ],
)
def test_what_is_asked_keeps_the_search_of_the_model(own, asked, search):
    assert _search(own, asked) == search
