"""The step of a search gives what the plain step of the decoder gives."""

import numpy as np
import pytest
import tensorflow as tf

from seq2seq.layers import StateBridge
from seq2seq.layers.scores import SCORES
from seq2seq.models import Decoder, Encoder, Seq2Seq
from seq2seq.models.stepping import start_search
from seq2seq.search import Beam
from tests.marks import quick

SOURCE = np.array([[5, 6, 7, 2], [8, 2, 0, 0]])
TOKENS = np.array([[1, 1, 1, 1], [4, 5, 6, 7], [9, 2, 4, 3], [6, 6, 11, 8]])  # [time, rows]: two beams per sentence

DECODERS = [
    *({"attention": score, "input_feeding": feeding} for score in SCORES for feeding in (False, True)),
    {"attention": None, "residual_from": 1},
    {"attention": "general", "tie_embeddings": True},
    {"attention": "dot", "embedding_dim": 6, "tie_embeddings": True, "residual_from": 0},
]


def model_of(dtype=None, **decoder):
    decoder = {"vocab_size": 12, "embedding_dim": 4, "units": [6, 6], **decoder}
    model = Seq2Seq(
        Encoder(12, 4, [6, 3], "all", dtype=dtype), StateBridge([6, 6], dtype=dtype), Decoder(**decoder, dtype=dtype)
    )
    generator = np.random.default_rng(0)
    for weight in model.trainable_variables:  # biases start at zero, where nobody misses them
        weight.assign(generator.normal(0, 0.5, weight.shape))
    return model


def both(model, vocabulary=None, precision=None):
    """Logits `[time, rows, vocab]` of both steps over TOKENS, and the last state of the fast one."""
    numbers = np.arange(12) if vocabulary is None else np.searchsorted(vocabulary, np.arange(12))
    encoded = model.encoder(SOURCE)
    bridged = model.bridge(encoded)
    memory, plain = model.decoder.prepare(encoded), model.decoder.start(bridged)
    fast = start_search(model.decoder, bridged, encoded, vocabulary, precision)
    plain, state = (tf.nest.map_structure(lambda part: tf.repeat(part, 2, axis=0), one) for one in (plain, fast.state))
    expected, found = [], []
    for tokens in TOKENS if vocabulary is None else np.where(np.isin(TOKENS, vocabulary), TOKENS, 5):
        outputs, plain, _ = model.decoder.step(tf.constant(tokens), plain, memory)
        expected.append(model.decoder.project(outputs))
        logits, state = fast.step(tf.constant(numbers[tokens]), state, fast.memory)
        found.append(logits)
    return np.array(tf.cast(expected, tf.float32)), np.array(tf.cast(found, tf.float32)), state


@pytest.mark.parametrize("decoder", DECODERS)
def test_equals_the_plain_step(decoder):
    expected, found, _ = both(model_of(**decoder))
    np.testing.assert_allclose(found, expected, atol=2e-6)


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_vocabulary_picks_columns(decoder):
    vocabulary = np.array([0, 1, 2, 3, 5, 6, 11], np.int32)
    expected, found, _ = both(model_of(**decoder), vocabulary)
    np.testing.assert_allclose(found, expected[:, :, vocabulary], atol=2e-6)


@pytest.mark.parametrize("beam_size", quick([3, 1]))
@pytest.mark.parametrize("decoder", quick(DECODERS[-3:]))
def test_a_vocabulary_of_all_ids_changes_nothing(decoder, beam_size):
    model = model_of(**decoder)
    plain = model.decode(SOURCE, 9, Beam(beam_size))
    found = model.decode(SOURCE, 9, Beam(beam_size), vocabulary=np.arange(12))
    np.testing.assert_array_equal(found.tokens, plain.tokens)
    np.testing.assert_allclose(found.scores, plain.scores, atol=1e-6)


@pytest.mark.parametrize("decoder", DECODERS[:3])
def test_bfloat16_keeps_the_cell_in_float32(decoder):
    exact, _, _ = both(model_of(**decoder))
    plain, found, state = both(model_of("mixed_bfloat16", **decoder))
    _, chosen, chosen_state = both(model_of(**decoder), precision="bfloat16")
    tf.nest.map_structure(lambda one, other: one.dtype == other.dtype or pytest.fail("types"), state, chosen_state)
    assert all(layer.cell.dtype == tf.float32 and layer.hidden.dtype == tf.bfloat16 for (layer,) in state.layers)
    # No farther from float32 than the plain step is, but for the rounding of single numbers.
    assert 0 < np.abs(found - exact).mean() < 1.2 * np.abs(plain - exact).mean()
    # An encoder in float32 before it can only help.
    assert 0 < np.abs(chosen - exact).mean() < 1.2 * np.abs(plain - exact).mean()
