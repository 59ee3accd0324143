from collections.abc import Iterator
from xml.etree import ElementTree

import keras
import numpy as np
import pytest

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge, Tokenizer, Translator
from seq2seq.analysis.explanation import Chosen, Explanation, Node, explain
from seq2seq.analysis.explanation.page import page, picture
from seq2seq.analysis.explanation.words import text, verdict
from seq2seq.models import Ensemble
from seq2seq.search import Beam, Greedy, Sample

SOURCE = "ein See"
SHORT = {"max_length_factor": 0.1}  # and 10 tokens more: a model that learnt nothing goes on to the limit


def translator(attention: str | None, kind: str = "char") -> Translator:
    tokenizer = Tokenizer.train(["ein Haus", "am See", "der Wald"], kind=kind)
    keras.utils.set_random_seed(3)
    decoder = Decoder(tokenizer.vocab_size, 8, [12], attention=attention)
    model = Seq2Seq(Encoder(tokenizer.vocab_size, 8, [12]), StateBridge([12]), decoder)
    for weight in model.trainable_variables:  # large weights: an untrained model would say the same to everything
        weight.assign(4 * weight)
    return Translator(model, tokenizer, tokenizer)


@pytest.fixture(scope="module")
def looking() -> Translator:
    return translator("dot")


@pytest.fixture(scope="module")
def of_words() -> Translator:
    """Its translations are cut again as they were said."""
    return translator("dot", "word")


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


@pytest.mark.parametrize(
    "search",
    [Greedy(**SHORT), Beam(3, **SHORT), Beam(3, length_penalty=0.2, **SHORT), Sample(seed=4, **SHORT)],
    ids=str,
)
def test_what_is_explained_is_what_is_translated(looking: Translator, search) -> None:
    found = explain(looking, SOURCE, search)
    (best, *_) = looking.hypotheses([SOURCE], search)[0]
    assert (found.translation, found.ended) == (best.text, best.ended)
    assert found.score == pytest.approx(best.score, abs=1e-4)
    total = sum(each.log_prob for each in found.tokens)
    assert total / len(found.tokens) ** search.length_penalty == pytest.approx(best.score, abs=1e-4)


def test_the_tree_holds_the_winner_and_nothing_better(looking: Translator) -> None:
    search = Beam(3, **SHORT)
    found = explain(looking, SOURCE, search)
    every = list(nodes(found.tree))
    ends = [node for node in every if node.score is not None]
    assert max(ends, key=lambda node: node.score) is next(node for node in ends if node.won)
    assert [node.token for node in every if node.won] == ["<s>", *(each.token for each in found.tokens)]
    assert max(node.score for node in ends) == pytest.approx(found.score, abs=1e-4)
    for each in found.tokens:  # not the first in the beam exactly where another was before it
        assert 1 <= each.place <= 3 and (each.leader == "") == (each.place == 1)
        assert len(each.others) == 3 and each.token not in dict(each.others)
        assert sorted(each.others, key=lambda other: -other[1]) == each.others


@pytest.mark.parametrize(
    "search",
    [
        Greedy(length_form="gnmt", **SHORT),
        Greedy(length_penalty=0, word_reward=3, **SHORT),
        Beam(3, length_form="gnmt", length_penalty=0.6, **SHORT),
        Beam(3, length_penalty=0, word_reward=0.5, **SHORT),
    ],
    ids=str,
)
def test_every_score_is_that_of_the_search(of_words: Translator, search) -> None:
    (best, *_) = of_words.hypotheses([SOURCE], search)[0]
    found = explain(of_words, SOURCE, search, reference="der Wald")
    (end,) = (node for node in nodes(found.tree) if node.score is not None and node.won)
    assert end.score == pytest.approx(best.score, abs=1e-4)
    length = len(found.reference.tokens)
    log_prob = sum(row[1] for row in found.reference.tokens) + getattr(search, "word_reward", 0.0) * length
    by = length if search.length_form == "power" else (5 + length) / 6
    assert found.reference.score == pytest.approx(log_prob / by**search.length_penalty, abs=1e-4)
    same = explain(of_words, SOURCE, search, reference=best.text).reference
    assert same.error == "none" and same.score == pytest.approx(found.score, abs=1e-4)


def test_an_ensemble_is_no_model_to_explain(looking: Translator) -> None:
    both = Translator(Ensemble([looking.model] * 2), looking.source_tokenizer, looking.target_tokenizer)
    with pytest.raises(ValueError, match=r"Received: an ensemble\."):
        explain(both, SOURCE)


def test_the_attention_is_that_of_the_search(looking: Translator) -> None:
    found = explain(looking, SOURCE, Greedy(**SHORT))
    assert np.shape(found.attention) == (len(found.tokens), len(found.source))
    np.testing.assert_allclose(np.sum(found.attention, axis=1), 1, rtol=1e-5)


def test_whose_error_it_is(looking: Translator) -> None:
    for search, right, error in (
        (Greedy(**SHORT), "Wald", "model"),
        (Sample(seed=4, temperature=50.0, **SHORT), "irrr", "search"),
    ):
        found = explain(looking, SOURCE, search, reference=right)
        assert found.reference is not None and found.reference.error == error
        given = looking.score([SOURCE], [right])[0]
        assert found.reference.score == pytest.approx(given.log_prob / len(given.tokens), abs=1e-4)
        assert (found.reference.score > found.score) == (error == "search")
        assert [token for token, *_ in found.reference.tokens] == list(given.tokens)
        assert "It would first write" in verdict(found.reference)


@pytest.mark.parametrize(
    ("more", "right", "told"),
    [
        ({"no_repeat_ngram": 1}, "rr", "it has 1 tokens twice, where no_repeat_ngram is 1"),
        ({"min_length": 4}, "r", "tokens, where min_length is 4"),
        ({"max_length_factor": 0.1}, 20 * "irrr", "tokens with </s>, where the length limit is"),
    ],
)
def test_what_the_settings_do_not_allow_is_nobodys_error(looking: Translator, more, right: str, told: str) -> None:
    found = explain(looking, SOURCE, Greedy(**(SHORT | more)), reference=right)
    assert found.reference is not None and found.reference.error == "settings"
    assert told in verdict(found.reference) and "do not allow the reference" in verdict(found.reference)


def test_in_words_and_as_a_page(looking: Translator) -> None:
    found = explain(looking, SOURCE, Beam(2, **SHORT), reference="<b>")
    said, html = text(found), page(found, "<i>")
    assert "place in the beam" in said and "* <s>" in said and "1 ▁" in said
    assert verdict(found.reference).endswith("1 of its 2 pieces are scored as unknown ones.")
    assert "<i>" not in html and "&lt;i&gt;" in html and "<h2>The reference</h2>" in html
    assert ElementTree.fromstring(picture(found)).tag == "{http://www.w3.org/2000/svg}svg"


def explained(attention: list[list[float]] | None, *, leader: str = "") -> Explanation:
    """An explanation that no model gave: of thirty pieces, the first token second in the beam."""
    tokens = [Chosen("▁x", -0.1, [("▁y", -2.0)], 2, leader), Chosen("</s>", -0.1, [], 1)]
    return Explanation(["▁a"] * 30, "x", -1.0, True, tokens, attention, Node("<s>", 0.0, [], True))


def test_an_alignment_in_shades_is_as_wide_as_the_terminal() -> None:
    found = explained([[0.07, 0.08, 0.5, 1.0, *[0.0] * 26], [*[0.0] * 29, 0.6]])
    _, _, first, second, shades, *_ = text(found, 60).split("\n\n")
    assert first.splitlines()[1] == "  ▁x     ░░ ▒▒ ██" and first.splitlines()[0].endswith(" 18")
    assert max(map(len, first.splitlines())) <= 60 and second.splitlines()[2].endswith(" ▓▓")
    assert shades == "░ 8 %, ▒ 33 %, ▓ 58 %, █ 83 % and more."


def test_what_was_first_in_the_beam_is_shown_by_its_end() -> None:
    assert f"2: behind '…{'x' * 27}end'" in text(explained(None, leader=f"{'x' * 40}end"))


def test_a_model_without_attention() -> None:
    found = explain(translator(None), SOURCE, Greedy(**SHORT))
    assert found.attention is None and "has no alignment" in page(found, SOURCE) and "█" not in text(found)
    with pytest.raises(ValueError, match="An alignment is what attention looked at"):
        picture(found)


def test_nothing_to_explain(looking: Translator) -> None:
    with pytest.raises(ValueError, match=r"An explanation needs a sentence\. Received: text=' '"):
        explain(looking, " ")


@pytest.mark.parametrize("more", [{"coverage_penalty": 0.2}, {"groups": 2, "diversity": 0.5}], ids=str)
def test_a_search_whose_scores_are_others(looking: Translator, more: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="An explanation draws one beam, scored by log-probability and length"):
        explain(looking, SOURCE, Beam(4, **more))


def test_a_tree_may_be_deeper_than_python_calls_functions() -> None:
    tree = Node("x", -1.0, [], False)
    for _ in range(3000):
        tree = Node("y", -1.0, [tree, Node("z", -2.0, [], False)], True)
    found = Explanation(["a"], "x", -1.0, True, [Chosen("x", -0.1, [], 1)], None, tree)
    assert text(found).count(" z  log p") == 3000
    html = page(found, "a")
    assert html.count("<li>") == html.count("</li>") and html.count("<bdi>z</bdi>") == 3000


def test_a_text_that_is_translated_in_parts_is_no_sentence(looking: Translator) -> None:
    with pytest.raises(ValueError, match=r"a text of 2,401 tokens, which is translated in parts of at most 1,000"):
        explain(looking, "der Wald" * 300, Greedy(**SHORT))
