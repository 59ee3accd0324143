"""Recurrent layers with known weights, sequences for them, and a cell that is not ours."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from seq2seq.layers.cells import Cell, CellWeights

# Padding on the right, on the left, gaps, nothing real, everything.
MASK = np.array([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1], [1, 0, 1, 0, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)


def random(*shapes, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def sequences(units, parts, features=3, batch=MASK.shape[0], time=MASK.shape[1], dtype="float64"):
    """Inputs, and the parts of an initial state."""
    inputs, *state = random((batch, time, features), *[(batch, units)] * parts, dtype=dtype)
    return inputs, state


def built(*layers, features=3):
    """The layers, built, all with the same random weights."""
    for layer in layers:
        layer.build((None, None, features))
    weights = random(*(weight.shape for weight in layers[0].get_weights()), seed=1)
    for layer in layers:
        layer.set_weights(weights)
    return layers


def packed(cell, weights):
    """The weights of a layer, in its own order, as the loop takes them."""
    kernel, recurrent_kernel, *others = weights
    return cell.fold(CellWeights(kernel, recurrent_kernel, tuple(others[: cell.biased]), tuple(others[cell.biased :])))


def loss(values):
    """A number that depends on every value in another way."""
    return tf.add_n([tf.reduce_sum(tf.sin(value + place)) for place, value in enumerate(tf.nest.flatten(values))])


def values_and_gradients(run, sources):
    """What a function gives, and the gradients of a loss that reads all of it."""
    sources = [tf.convert_to_tensor(source) for source in sources]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        values = run(*sources)
        total = loss(values)
    return [*tf.nest.flatten(values), *tape.gradient(total, sources)]


def assert_close(results, expected, **tolerance):
    for ours, theirs in zip(results, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, **tolerance)


class MinimalState(NamedTuple):
    hidden: tf.Tensor


@keras.saving.register_keras_serializable("tests")
class MinimalCell(Cell):
    """The minimal gated unit (Zhou et al. 2016) with its gate behind the product: h' = (1 - f)·h + f·tanh(x + f·u)."""

    name = "minimal"
    title = "minimal gated unit"
    State = MinimalState
    gates = parts = 2
    joined = False
    saved = 4

    def __init__(self, opening=0.0):
        self.opening = opening

    def bias_of(self, units):
        return tf.concat([tf.fill([units], self.opening), tf.zeros([units])], axis=0)

    def forward(self, products, state, vectors):
        x_f, x_g, u_f, u_g = products
        before = tf.cast(state.hidden, x_f.dtype)
        f = tf.sigmoid(x_f + u_f)
        g = tf.tanh(x_g + f * u_g)
        return MinimalState((1 - f) * before + f * g), (before, f, g, u_g)

    def backward(self, saved, d_state, vectors):
        before, f, g, u_g = saved
        (d_hidden,) = d_state
        d_g = d_hidden * f * (1 - g**2)
        d_f = (d_hidden * (g - before) + d_g * u_g) * f * (1 - f)
        return [d_f, d_g, d_f, d_g * f], MinimalState(d_hidden * (1 - f)), []

    def get_config(self):
        return {"opening": self.opening}
