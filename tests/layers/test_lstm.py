"""The LSTM kernel against NumPy, stock Keras and finite differences."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from seq2seq.layers.lstm import Gates, lstm

from seq2seq.layers import LSTM, LSTMState
from tests import reference


def data(batch, time, features, units, dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    shapes = (batch, time, features), (batch, units), (batch, units)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def ours_and_stock(units, features, dtype="float32", **options):
    layers = [
        kind(units, return_sequences=True, return_state=True, dtype=dtype, **options)
        for kind in (LSTM, keras.layers.LSTM)
    ]
    for layer in layers:
        layer.build((None, None, features))
    weights = [np.random.default_rng(1).normal(size=w.shape).astype(dtype) for w in layers[0].get_weights()]
    for layer in layers:
        layer.set_weights(weights)
    return layers


def values_and_gradients(layer, inputs, hidden, cell, mask):
    """Everything a user can see: outputs, states, and gradients of a loss that reads all of them."""
    inputs, hidden, cell = map(tf.constant, (inputs, hidden, cell))
    with tf.GradientTape() as tape:
        tape.watch([inputs, hidden, cell])
        outputs, *end = layer(inputs, initial_state=[hidden, cell], mask=mask)
        loss = tf.reduce_sum(outputs * tf.sin(outputs)) + tf.reduce_sum(end[0] ** 2) + tf.reduce_sum(tf.cos(end[1]))
    sources = [inputs, hidden, cell, *(weight.value for weight in layer.trainable_weights)]
    return [np.asarray(value) for value in (outputs, *end, *tape.gradient(loss, sources))]


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    features=st.integers(1, 4),
    units=st.integers(1, 5),
    dtype=st.sampled_from(["float32", "float64"]),
    left=st.booleans(),
    backwards=st.booleans(),
)
def test_equals_stock_keras_for_any_mask(lengths, features, units, dtype, left, backwards):
    time = 5
    mask = np.arange(time) < np.array(lengths)[:, None]
    mask = mask[:, ::-1] if left else mask
    arrays = data(len(lengths), time, features, units, dtype)
    ours, stock = ours_and_stock(units, features, dtype, go_backwards=backwards)
    assert ours.implementation.name == "graph"
    close = {"atol": 1e-5, "rtol": 1e-4} if dtype == "float32" else {"atol": 1e-12, "rtol": 1e-10}
    for mine, theirs in zip(
        values_and_gradients(ours, *arrays, mask), values_and_gradients(stock, *arrays, mask), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, **close)


def test_equals_stock_keras_in_a_graph_without_a_mask():
    arrays = data(3, 6, 4, 5)
    ours, stock = ours_and_stock(5, 4)
    compiled = [tf.function(layer) for layer in (ours, stock)]
    for mine, theirs in zip(*(run(arrays[0], initial_state=arrays[1:]) for run in compiled), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_equals_the_equations():
    inputs, hidden, cell = data(4, 6, 3, 5, "float64")
    mask = np.arange(6) < np.array([6, 1, 0, 4])[:, None]
    layer, _ = ours_and_stock(5, 3, "float64")
    outputs, *end = layer(inputs, initial_state=[hidden, cell], mask=mask)
    expected, *expected_end = reference.lstm(inputs, mask, hidden, cell, layer.get_weights())
    np.testing.assert_allclose(np.asarray(outputs)[mask], expected[mask], atol=1e-12)
    for state, wanted in zip(end, expected_end, strict=True):
        np.testing.assert_allclose(state, wanted, atol=1e-12)


def test_gradients_equal_finite_differences():
    inputs, hidden, cell = data(2, 4, 3, 3, "float64")
    mask = np.array([[True] * 4, [True, True, False, False]])
    layer, _ = ours_and_stock(3, 3, "float64")

    def run(*values):
        outputs, *end = layer(values[0], initial_state=list(values[1:]), mask=mask)
        return tf.reduce_sum(tf.tanh(outputs)) + tf.reduce_sum(end[0] * end[1])

    computed, numeric = tf.test.compute_gradient(run, [inputs, hidden, cell], delta=1e-5)
    for mine, difference in zip(computed, numeric, strict=True):
        np.testing.assert_allclose(mine, difference, atol=1e-6)


def test_one_step_equals_the_sequence():
    inputs, hidden, cell = data(2, 4, 3, 5)
    layer, _ = ours_and_stock(5, 3)
    outputs, *_ = layer(inputs, initial_state=[hidden, cell])
    state = LSTMState(hidden, cell)
    for time in range(4):
        state = layer.step(inputs[:, time], state)
        np.testing.assert_allclose(state.hidden, outputs[:, time], atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "relu"},
        {"recurrent_activation": "hard_sigmoid"},
        {"use_bias": False},
        {"recurrent_dropout": 0.5},
        {"unroll": True},
    ],
)
def test_other_cells_run_on_keras_own_loop(options):
    ours, stock = ours_and_stock(4, 3, **options)
    inputs, hidden, cell = data(2, 3, 3, 4)
    assert ours.implementation.name == "keras"
    for mine, theirs in zip(*(layer(inputs, initial_state=[hidden, cell]) for layer in (ours, stock)), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_half_precision_stays_close():
    inputs, hidden, cell = data(2, 5, 3, 4)
    full, _ = ours_and_stock(4, 3)
    half = LSTM(4, return_sequences=True, dtype="mixed_bfloat16")
    half.build((None, None, 3))
    half.set_weights(full.get_weights())
    expected = full(inputs, initial_state=[hidden, cell])[0]
    outputs = half(inputs, initial_state=[hidden, cell])
    assert outputs.dtype == "bfloat16"
    np.testing.assert_allclose(np.asarray(outputs, "float32"), expected, atol=0.05)


def coupled_forward(inputs, cell):
    f, g, o = tf.sigmoid(inputs[0]), tf.tanh(inputs[1]), tf.sigmoid(inputs[2])
    after = f * cell + (1 - f) * g
    return o * tf.tanh(after), after, (f, g, o, tf.tanh(after))


def coupled_backward(saved, before, d_hidden, d_cell):
    f, g, o, squashed = saved
    d_cell += d_hidden * o * (1 - squashed**2)
    gates = [d_cell * (before - g) * f * (1 - f), d_cell * (1 - f) * (1 - g**2), d_hidden * squashed * o * (1 - o)]
    return gates, d_cell * f


def test_another_cell_runs_on_the_same_loop():
    """Coupled input and forget gates (Greff et al. 2017): three gates, checked against a plain loop."""
    inputs, hidden, cell = (tf.constant(array) for array in data(3, 5, 4, 6, "float64"))
    mask = tf.sequence_mask([5, 2, 0], 5)
    rng = np.random.default_rng(2)
    weights = [tf.constant(rng.normal(size=shape)) for shape in ((4, 18), (6, 18), (18,))]

    def ours():
        gates = Gates(3, coupled_forward, coupled_backward, saved=4)
        outputs, *end = lstm(inputs, mask, hidden, cell, *weights, gates=gates)
        return tf.where(mask[:, :, tf.newaxis], outputs, 0), *end

    def plain():
        h, c, outputs = hidden, cell, []
        for time in range(5):
            z = tf.split(inputs[:, time] @ weights[0] + h @ weights[1] + weights[2], 3, axis=1)
            new_h, new_c, _ = coupled_forward(z, c)
            keep = mask[:, time, tf.newaxis]
            h, c = tf.where(keep, new_h, h), tf.where(keep, new_c, c)
            outputs.append(tf.where(keep, h, 0))
        return tf.stack(outputs, axis=1), h, c

    results = []
    for run in (ours, plain):
        with tf.GradientTape() as tape:
            tape.watch([inputs, hidden, cell, *weights])
            values = run()
            loss = tf.add_n([tf.reduce_sum(tf.sin(value)) for value in values])
        results.append([*values, *tape.gradient(loss, [inputs, hidden, cell, *weights])])
    for mine, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-12)


def test_the_cell_state_is_not_rounded_to_half_precision():
    """Over 200 steps that each add a little, a cell state in bfloat16 would stop growing."""
    layer = LSTM(1, return_sequences=True, return_state=True, dtype="mixed_bfloat16")
    layer.build((None, None, 1))
    # Gates i, f, g, o: i and f open, g small.
    layer.set_weights([np.zeros((1, 4)), np.zeros((1, 4)), np.array([20, 20, 0.002, 20])])
    _, _, cell = layer(np.zeros((1, 2000, 1), "float32"))
    np.testing.assert_allclose(np.asarray(cell, "float32"), 2000 * np.tanh(0.002), rtol=0.01)
