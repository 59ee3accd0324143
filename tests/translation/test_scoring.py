"""Scores of given translations: text in, one score per pair out, whatever the order and the lengths."""

import math

import keras
import numpy as np
import pytest

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge, Tokenizer, Translator
from seq2seq.text import END, START
from seq2seq.translation import TargetScore, perplexity

SOURCES = ["ein Haus", "am See", "ein Haus am See", "Haus"]
TARGETS = ["a house", "", "the house at the lake " * 5, "lake"]


@pytest.fixture(scope="module")
def translator() -> Translator:
    source, target = Tokenizer.train(SOURCES, kind="char"), Tokenizer.train(TARGETS[::2], kind="char")
    keras.utils.set_random_seed(3)
    decoder = Decoder(target.vocab_size, 8, [12], attention="general")
    model = Seq2Seq(Encoder(source.vocab_size, 8, [12]), StateBridge([12]), decoder)
    for weight in model.trainable_variables:  # large weights: an untrained model would say the same to everything
        weight.assign(4 * weight)
    return Translator(model, source, target)


def close(one: TargetScore, other: TargetScore) -> bool:
    return one.tokens == other.tokens and np.allclose(one.token_log_probs, other.token_log_probs, atol=1e-4)


def test_every_pair_alone_has_the_same_score_in_the_same_order(translator: Translator) -> None:
    together = translator.score(SOURCES, TARGETS)
    for source, target, score in zip(SOURCES, TARGETS, together, strict=True):
        assert close(score, translator.score([source], [target])[0])
        assert len(score.tokens) == len(score.token_log_probs) == len(translator.target_tokenizer.encode(target)) + 1
        assert score.log_prob == pytest.approx(sum(score.token_log_probs))
    assert together[1].tokens == ("</s>",)
    backwards = translator.score(SOURCES[::-1], TARGETS[::-1])
    assert all(map(close, together, backwards[::-1]))


def test_is_what_the_model_says_of_the_ids(translator: Translator) -> None:
    source, target = translator.source_tokenizer.encode("am See"), translator.target_tokenizer.encode("a lake")
    inputs = {"source": np.array([[*source, END]]), "target_in": np.array([[START, *target]])}
    (expected,) = translator.model.score(inputs, np.array([[*target, END]]))
    np.testing.assert_allclose(translator.score(["am See"], ["a lake"])[0].token_log_probs, expected, rtol=1e-6)


def test_perplexity_is_of_all_tokens_together(translator: Translator) -> None:
    scores = translator.score(SOURCES, TARGETS)
    every = [log_prob for score in scores for log_prob in score.token_log_probs]
    assert perplexity(scores) == pytest.approx(math.exp(-np.mean(every)))
    assert scores[0].perplexity == pytest.approx(math.exp(-np.mean(scores[0].token_log_probs)))
    with pytest.raises(ValueError, match="at least one scored translation"):
        perplexity([])


def test_a_long_target_is_scored_whole(translator: Translator) -> None:
    long = "a house " * 300  # more than a batch holds
    (score,) = translator.score(["ein Haus"], [long])
    assert len(score.tokens) == len(translator.target_tokenizer.encode(long)) + 1 > 2000


def test_what_the_vocabulary_does_not_have_is_told(translator: Translator) -> None:
    assert "<unk>" in translator.score(["Haus"], ["a \u0416"])[0].tokens


def test_nothing_is_scored_as_nothing(translator: Translator) -> None:
    assert translator.score([], iter([])) == []


def test_what_is_refused(translator: Translator) -> None:
    with pytest.raises(
        TypeError, match=r"targets needs texts one after the other.*Received: targets='house', a single one"
    ):
        translator.score(["Haus"], "house")
    with pytest.raises(TypeError, match=r"Received: sources\[0\]=None"):
        translator.score([None], ["house"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match=r"a target for each source\. Received: 1 sources, 2 targets"):
        translator.score(["Haus"], ["house", "lake"])
    with pytest.raises(ValueError, match=r"never shown an empty source\. Received: sources\[1\]='\\u200b'"):
        translator.score(["Haus", "\u200b"], ["house", "lake"])
