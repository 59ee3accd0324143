"""Translators of both kinds behind one face."""

import math
from types import SimpleNamespace

import pytest

pytest.importorskip("starlette", reason="serving needs starlette: pip install 'seq2seq[serve]'")

from seq2seq.search import Beam, Greedy, Sample
from seq2seq.serving import Asked, load_engine
from seq2seq.serving.engines import TranslatorEngine, _search
from seq2seq.serving.refusal import Refusal
from seq2seq.text.asked import PrefixError
from seq2seq.translation.hypothesis import Hypothesis, Translation

TEXTS = ["ein Haus am See", "", "der Wald"]


class Recorded:
    """A translator that writes down what it is asked, and refuses what begins with "bad"."""

    source_tokenizer = SimpleNamespace(encode=str.split)

    def __init__(self, search=None, **beside):
        self.search = search or Beam(5)
        self.calls = []
        vars(self).update(beside)

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


@pytest.mark.parametrize("search", [Sample(n_best=32), Beam(32, n_best=32)])
def test_what_the_page_asks_first_is_answered_by_minimum_bayes_risk_too(search):
    recorded = Recorded(search, mbr="chrf")
    engine = TranslatorEngine(recorded, "tensorflow", None)
    (found,) = engine.translate(["a"], [""], Asked(min(engine.beam_size, 10), details=True))  # see worker.js
    assert found.hypotheses
    assert recorded.calls.pop()[0] in (None, search)  # None: the model's own


def test_what_a_model_cannot_do_is_refused_and_what_fails_is_not():
    engine = TranslatorEngine(Recorded(), "tensorflow", None)
    with pytest.raises(Refusal, match=r"It cannot begin so\."):
        engine.translate(["bad"], ["x"], Asked())
    with pytest.raises(ValueError, match=r"It cannot begin so\."):
        engine.translate(["bad"], [""], Asked())


def test_what_holds_beside_the_search_of_the_model_holds_beside_another():
    beside = {"mbr": "chrf", "unknown": "copy", "protect": r"\d+"}
    recorded = Recorded(Sample(n_best=32), **beside)
    engine = TranslatorEngine(recorded, "tensorflow", None)
    engine.translate(["a"], [""], Asked(2))
    assert recorded.calls.pop() == (Sample(n_best=32), beside | {"batch_size": 1})
    engine.translate(["a"], [""], Asked(1, 40))
    assert recorded.calls.pop() == (Beam(40, n_best=40), beside | {"batch_size": 1})
    with pytest.raises(Refusal, match=r"most like 32 hypotheses, which a beam has to have\. Received: beam_size=5"):
        engine.translate(["a"], [""], Asked(1, 5))


def test_an_exported_translator_is_asked_for_none_of_it():
    recorded = Recorded(mbr="none")  # which it says, and takes no argument of that name
    TranslatorEngine(recorded, "onnx", None).translate(["a"], [""], Asked(2))
    assert recorded.calls.pop() == (Beam(5, n_best=5), {"batch_size": 1})


def test_hypotheses_that_do_not_exist_are_not_given(monkeypatch):
    engine = TranslatorEngine(Recorded(), "tensorflow", None)
    found = [[Hypothesis("a", 0.0), Hypothesis("", -math.inf), Hypothesis("b", -1.0)]]
    monkeypatch.setattr(Recorded, "hypotheses", lambda *_, **__: found)
    for details in (False, True):
        (one,) = engine.translate(["x"], [""], Asked(3, details=details))
        assert [each.text for each in one.hypotheses] == ["a", "b"]
    found[0] = [Hypothesis("", -math.inf), Hypothesis("", -math.inf)]
    (one,) = engine.translate(["x"], [""], Asked(3))
    assert len(one.hypotheses) == 1


def test_the_place_of_a_prefix_is_not_that_in_another_request(monkeypatch):
    def refuse(*_, **__):
        raise PrefixError("A prefix is text.", 3, "'x'", "Leave it out.")

    engine = TranslatorEngine(Recorded(), "tensorflow", None)
    monkeypatch.setattr(Recorded, "hypotheses", refuse)
    with pytest.raises(Refusal, match=r"^A prefix is text\. Received: the prefix 'x'\. Leave it out\.$"):
        engine.translate(["x"], ["x"], Asked())


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
        (Sample(n_best=32), Asked(1, 5), Beam(5)),
    ],
)
def test_what_is_asked_keeps_the_search_of_the_model(own, asked, search):
    assert _search(own, asked) == search
