"""Recurrent layers with known weights, and sequences for them."""

import numpy as np
import tensorflow as tf

from seq2seq.layers.cells import CellWeights

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
    biases, vectors = others[: cell.biases], others[cell.biases :]
    return cell.fold(CellWeights(kernel, recurrent_kernel, tuple(biases), tuple(vectors)))


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
