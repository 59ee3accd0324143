"""What a translation is made of, by hand and by the translator."""

import json
import math

import numpy as np
import pytest

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge, Tokenizer, Translator
from seq2seq.search import Beam, Greedy, Sample
from seq2seq.text.special_ids import END, START
from seq2seq.translation import Hypothesis, Translation
from seq2seq.translation.hypothesis import joined
from tests.marks import quick
from tests.reference import log_softmax

TEXTS = ["ein Haus  am See", "", "Wald"]


def of(*rows: str, words: tuple[int | None, ...], looked: list[int], text: str) -> Hypothesis:
    """A hypothesis whose pieces each look at one source piece."""
    alignment = np.eye(max(looked) + 1, dtype=np.float32)[looked]
    return Hypothesis(text, -1.0, True, 1, rows, (-0.5,) * len(rows), words, alignment)


class TestTranslation:
    def test_links_of_words_are_those_of_their_pieces(self) -> None:
        best = of("▁h", "ouse", "▁a", "</s>", words=(0, 0, 1, None), looked=[2, 1, 0, 3], text="house a")
        found = Translation("x yz", ("▁x", "▁y", "z", "</s>"), (0, 1, 1, None), (best,), "f")
        assert found.piece_links() == [(2, 0), (1, 1), (0, 2), (3, 3)]
        assert found.word_links() == [(0, 1), (1, 0)]
        assert found.pharaoh() == "0-1 1-0"

    def test_json_is_plain(self) -> None:
        best = of("▁a", "</s>", words=(0, None), looked=[0, 1], text="a")
        none = Hypothesis("", float("-inf"), False, alignment=np.zeros((0, 2), np.float32), length=1)
        found = Translation("x", ("▁x", "</s>"), (0, None), (best, none), "f")
        told = json.loads(json.dumps(found.to_json(), allow_nan=False))
        of_best = ["text", "score", "confidence", "ended", "parts", "tokens", "alignment", "lost"]
        assert list(told) == ["source", "source_tokens", *of_best, "others", "model"]
        assert told["source_tokens"] == [{"piece": "▁x", "word": 0}, {"piece": "</s>", "word": None}]
        assert told["tokens"][1] == {"piece": "</s>", "log_probability": -0.5, "word": None}
        assert told["alignment"] == {"pieces": [[0, 0], [1, 1]], "words": [[0, 0]]}
        assert found.to_json(1) == found.to_json() | {"others": []}
        (other,) = told["others"]
        assert (other["score"], other["tokens"], other["alignment"]) == (None, [], {"pieces": [], "words": []})

    def test_what_cannot_be_aligned_is_told(self) -> None:
        found = Translation("x", (), (), (Hypothesis("a", -1.0),), "f")
        assert found.to_json()["alignment"] is None
        with pytest.raises(
            ValueError, match=r"An alignment is what attention looked at\. Received: .* without attention"
        ):
            found.pharaoh()


def test_parts_are_joined_with_their_words() -> None:
    parts = [
        of("▁a", "▁b", "</s>", words=(0, 1, None), looked=[1, 0, 2], text="a b"),
        of("▁c", "</s>", words=(0, None), looked=[0, 1], text="c")._replace(ended=False),
    ]
    (whole,) = joined([[part] for part in parts])
    assert (whole.text, whole.ended, whole.parts, whole.words) == ("a b c", False, 2, (0, 1, None, 2, None))
    assert whole.alignment is not None
    assert whole.alignment.argmax(axis=1).tolist() == [1, 0, 2, 3, 4]
    assert joined([[parts[0]]]) == [parts[0]]
    missing = Hypothesis("", -math.inf, False)
    best, second = joined([[parts[0], missing], [parts[1], parts[0]]])
    assert best.exists and not second.exists and (second.text, second.parts) == ("", 2)
    numbers = [
        Hypothesis("a", 0.0, log_probability=-1.0, length=2),
        Hypothesis("b", 0.0, log_probability=-2.0, length=1),
    ]
    assert joined([[one] for one in numbers])[0].mean_log_probability == -1


@pytest.fixture(scope="module")
def translators() -> list[Translator]:
    """With attention and without."""
    tokenizer = Tokenizer.train(["ein Haus am See", "der Wald", "a house by the lake"], kind="char")
    found = []
    for attention in ("general", None):
        encoder = Encoder(tokenizer.vocab_size, 4, [6], bidirectional="all")
        decoder = Decoder(tokenizer.vocab_size, 4, [12], attention=attention)
        model = Seq2Seq(encoder, StateBridge([12]), decoder)
        for place, weight in enumerate(model.trainable_variables):
            weight.assign(np.random.default_rng(place).normal(size=weight.shape))
        found.append(Translator(model, tokenizer, tokenizer))
    return found


class TestDetails:
    @pytest.mark.parametrize("search", quick([Beam(3, n_best=2), Greedy(), Sample(seed=1)]))
    def test_are_those_of_the_hypotheses(self, translators: list[Translator], search) -> None:
        for translator in translators:
            plain = translator.hypotheses(TEXTS, search)
            found = translator.translate(TEXTS, search, details=True)
            assert [[one[:4] for one in each.hypotheses] for each in found] == [
                [one[:4] for one in each] for each in plain
            ]
            for text, each in zip(TEXTS, found, strict=True):
                assert each.source == text and each.model == translator.fingerprint
                assert {word for word in each.source_words if word is not None} == set(range(len(text.split())))
                for one in each.hypotheses:
                    assert (one.alignment is not None) == translator.model.attends
                    assert len(one.tokens) == len(one.token_scores) == len(one.words) == one.length
                    assert one.log_probability == pytest.approx(sum(one.token_scores), abs=1e-4)
                    assert {word for word in one.words if word is not None} == set(range(len(one.text.split())))
                    if one.alignment is not None:
                        assert one.alignment.shape == (len(one.tokens), len(each.source_tokens))
                        np.testing.assert_allclose(one.alignment.sum(axis=1), 1, atol=1e-5)

    def test_scores_of_pieces_are_what_the_model_says(self, translators: list[Translator]) -> None:
        for translator in translators:
            best = translator.translate(["Wald"], Greedy(max_length_factor=0.1), details=True)[0].hypotheses[0]
            assert best.score == pytest.approx(np.mean(best.token_scores), abs=1e-5)
            tokenizer = translator.target_tokenizer
            ids = {tokenizer.piece(number): number for number in range(tokenizer.vocab_size)}
            said = [ids[piece] for piece in best.tokens]
            source = [*translator.source_tokenizer.encode("Wald"), END]
            logits = translator.model({"source": np.array([source]), "target_in": np.array([[START, *said[:-1]]])})
            expected = log_softmax(np.asarray(logits[0]))[np.arange(len(said)), said]
            assert len(said) > 3
            np.testing.assert_allclose(best.token_scores, expected, atol=1e-4)

    def test_of_a_text_in_parts(self, translators: list[Translator], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("seq2seq.translation.parts.LONGEST", 5)
        (found,) = translators[0].translate(["ein Haus am See"], Greedy(), details=True)
        (best,) = found.hypotheses
        assert best.parts == found.source_tokens.count("</s>") == best.tokens.count("</s>") > 1
        assert best.alignment is not None and best.alignment.shape == (len(best.tokens), len(found.source_tokens))
        assert max(source for source, _ in found.word_links()) < 4
        assert max(target for _, target in found.word_links()) < len(found.text.split())

    def test_an_empty_text_has_empty_details(self, translators: list[Translator]) -> None:
        for translator, alignment in zip(translators, ({"pieces": [], "words": []}, None), strict=True):
            told = translator.translate(["  "], details=True)[0].to_json()
            assert (told["text"], told["score"], told["tokens"], told["source_tokens"]) == ("", 0.0, [], [])
            assert told["alignment"] == alignment
