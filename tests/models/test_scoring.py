"""Scores of given targets against NumPy, against what searches give, and against all there is."""

from itertools import product

import keras
import numpy as np
import pytest

from seq2seq.layers import StateBridge
from seq2seq.models import Decoder, Encoder, Seq2Seq
from seq2seq.search import Beam
from seq2seq.text.special_ids import PAD, START
from tests import reference

SOURCE = np.array([[5, 6, 7, 2], [8, 2, 0, 0]])


def model(feeding, dtype="float32"):
    keras.utils.set_random_seed(1)
    decoder = Decoder(9, 4, [6], "general", feeding, dropout=0.5, output_dropout=0.5, dtype=dtype)
    made = Seq2Seq(Encoder(9, 4, [6], dtype=dtype), StateBridge([6], dtype=dtype), decoder, 0.1, dtype=dtype)
    for weight in made.trainable_variables:  # an untrained model would say the same to everything
        weight.assign(4 * weight)
    return made


def inputs_of(source, target_out):
    start = np.full((len(target_out), 1), START)
    return {"source": source, "target_in": np.concatenate([start, target_out[:, :-1]], axis=1)}


@pytest.mark.parametrize("feeding", [False, True])
def test_equals_numpy(feeding):
    made = model(feeding, "float64")
    target_out = np.array([[4, 5, 8, 2], [6, 2, 0, 0]])
    inputs = inputs_of(SOURCE, target_out)
    log_probs = reference.log_softmax(np.asarray(made(inputs)))
    expected = np.take_along_axis(log_probs, target_out[..., None], axis=2)[..., 0] * (target_out != PAD)
    np.testing.assert_allclose(made.score(inputs, target_out), expected, atol=1e-12)


@pytest.mark.parametrize("feeding", [False, True])
def test_equals_what_a_search_says_of_the_same_tokens(feeding):
    made = model(feeding)
    found = made.decode(SOURCE, 6, Beam(4, n_best=4, length_penalty=0.0))
    for place in range(4):
        target_out = found.tokens.numpy()[:, place]
        scores = made.score(inputs_of(SOURCE, target_out), target_out)
        np.testing.assert_allclose(scores, found.token_scores[:, place], atol=1e-5)
        np.testing.assert_allclose(np.sum(scores, axis=1), found.scores[:, place], atol=1e-5)


def test_all_targets_of_two_tokens_have_probability_one_together():
    target_out = np.array(list(product(range(1, 9), repeat=2)))  # the ninth is padding, which no target holds
    made = model(False, "float64")
    made.decoder.logits.bias.assign([-1e9, *[0.0] * 8])
    inputs = inputs_of(np.tile(SOURCE[:1], (64, 1)), target_out)
    np.testing.assert_allclose(np.exp(np.sum(made.score(inputs, target_out), axis=1)).sum(), 1)


def test_what_are_no_ids_is_refused_in_words():
    made, target_out = model(False), np.array([[4, 5, 8, 2], [6, 2, 0, 0]])
    inputs = inputs_of(SOURCE, target_out)
    with pytest.raises(ValueError, match=r"reads source and target ids by their names. Received: a list of 2"):
        made.score([*inputs.values()], target_out)
    with pytest.raises(ValueError, match=r"target_out holds ids, whole numbers .* dtype float64"):
        made.score(inputs, target_out + 0.5)
    with pytest.raises(
        ValueError, match=r"Received: source of shape \(2, \d\), target_in \(2, 4\), target_out \(2, 3\)"
    ):
        made.score(inputs, target_out[:, :3])
    with pytest.raises(ValueError, match=r"a target for each source\. Received: source of shape \(1, \d\)"):
        made.score(inputs | {"source": SOURCE[:1]}, target_out)
    with pytest.raises(ValueError, match=r"source holds ids, whole numbers .* dtype float64"):
        made.decode(np.array(SOURCE) + 0.5)
    with pytest.raises(ValueError, match=r"Received: max_length of dtype float32"):
        made.decode(SOURCE, 5.5)
    with pytest.raises(ValueError, match=r"Received: vocabulary of dtype float64"):
        made.decode(SOURCE, vocabulary=np.arange(5.0))
