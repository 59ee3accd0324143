"""Attention against NumPy, for every score."""

import keras
import numpy as np
import pytest

from seq2seq.layers import Attention, Encoded
from seq2seq.layers.scores import SCORES
from tests import reference


def example(score, memory_units=5, units=5):
    rng = np.random.default_rng(0)
    query = rng.normal(size=(3, 2, units)).astype("float32")
    memory = rng.normal(size=(3, 4, memory_units)).astype("float32")
    mask = np.arange(4) < np.array([4, 2, 1])[:, None]
    attention = Attention(score)
    attention.build(query.shape, memory.shape)
    return attention, query, Encoded(*map(keras.ops.convert_to_tensor, (memory, mask)), ())


ENERGIES = {
    "dot": lambda query, key: query @ key,
    "scaled_dot": lambda query, key: query @ key / np.sqrt(len(query)),
    "general": lambda query, key, kernel: query @ (key @ kernel),
    "additive": lambda query, key, kernel, query_kernel, energy: energy @ np.tanh(query @ query_kernel + key @ kernel),
}


@pytest.mark.parametrize("score", SCORES)
def test_equals_numpy(score):
    # A score without weights multiplies as they are: it needs one width.
    attention, query, encoded = example(score, memory_units=7 if example(score)[0].weights else 5)
    weights = attention.get_weights()
    context, shares = attention(query, attention.prepare(encoded))
    expected = reference.attention(
        query, np.asarray(encoded.memory), np.asarray(encoded.mask), lambda q, k: ENERGIES[score](q, k, *weights)
    )
    np.testing.assert_allclose(context, expected[0], atol=1e-5)
    np.testing.assert_allclose(shares, expected[1], atol=1e-5)


@pytest.mark.parametrize("score", SCORES)
def test_padding_changes_nothing(score):
    attention, query, encoded = example(score)
    longer = Encoded(
        np.pad(encoded.memory, [(0, 0), (0, 3), (0, 0)], constant_values=9.0),
        np.pad(encoded.mask, [(0, 0), (0, 3)]),
        (),
    )
    context, _ = attention(query, attention.prepare(encoded))
    padded, shares = attention(query, attention.prepare(longer))
    np.testing.assert_allclose(padded, context, atol=1e-6)
    np.testing.assert_array_equal(np.asarray(shares)[..., 4:], 0)


@pytest.mark.parametrize("score", SCORES)
def test_without_a_mask_every_position_is_real(score):
    attention, query, encoded = example(score)
    everything = Encoded(encoded.memory, np.ones((3, 4), bool), ())
    context, shares = attention(query, Encoded(encoded.memory, None, ()))
    np.testing.assert_array_equal(context, attention(query, everything)[0])
    np.testing.assert_array_equal(shares, attention(query, everything)[1])


def test_a_seed_gives_the_weights_that_keras_draws_one_after_the_other():
    keras.utils.set_random_seed(1)
    attention, *_ = example("additive", memory_units=7, units=5)
    keras.utils.set_random_seed(1)
    expected = [keras.initializers.GlorotUniform()(shape) for shape in ((7, 5), (5, 5))]
    expected.append(keras.initializers.RandomUniform(-((3 / 5) ** 0.5), (3 / 5) ** 0.5)((5,)))
    for ours, theirs in zip(attention.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_row_of_padding_only_gives_numbers():
    attention, query, encoded = example("general")
    nothing = Encoded(encoded.memory, np.zeros((3, 4), bool), ())
    context, _ = attention(query, attention.prepare(nothing))
    assert np.isfinite(context).all()


@pytest.mark.parametrize("score", ["dot", "scaled_dot"])
def test_dots_refuse_unequal_widths(score):
    with pytest.raises(
        ValueError, match=r"same width. Received: decoder width=4, memory width=5. Use attention='general'"
    ):
        Attention(score).build((None, 2, 4), (None, 3, 5))


def test_unknown_score():
    with pytest.raises(ValueError, match=f"score is one of: {', '.join(sorted(SCORES))}. Received: score='cosine'"):
        Attention("cosine")
