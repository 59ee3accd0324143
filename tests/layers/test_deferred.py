"""The loop with deferred weight gradients against automatic differentiation of a plain loop."""

import numpy as np
import pytest
import tensorflow as tf

from seq2seq.layers.deferred import Weight, deferred_loop

STEPS, BATCH, UNITS = 4, 3, 5


def data(dtype="float64"):
    rng = np.random.default_rng(0)
    shapes = {
        "inputs": (STEPS, BATCH, 2 * UNITS),
        "state": (BATCH, UNITS),
        "kernel": (UNITS, 2 * UNITS),
        "by_row": (BATCH, UNITS, UNITS),
        "bias": (2 * UNITS,),
        "scale": (UNITS,),
    }
    return {name: tf.constant(rng.normal(size=shape), dtype) for name, shape in shapes.items()}


def step(time, inputs, state, multiply, constants):
    """A gated cell: one product in two parts, one with a matrix for each row, a constant, two uses of the state."""
    (hidden,) = state
    gate, candidate = multiply(0, hidden)
    of_gate, of_candidate = inputs
    gate = tf.sigmoid(gate + of_gate)
    hidden = gate * hidden + (1 - gate) * tf.tanh(candidate + of_candidate + constants[0])
    (looked,) = multiply(1, hidden[:, tf.newaxis])
    return tf.tanh(looked[:, 0]) * constants[0], [hidden + tf.cast(time, hidden.dtype)]


def plain(values):
    weights, state, outputs = [values["kernel"], values["by_row"]], [values["state"]], []

    def multiply(number, tensor):
        product = tf.matmul(tensor, weights[number])
        return [product] if number else tf.split(product + values["bias"], 2, axis=-1)

    for time in range(STEPS):
        inputs = tf.split(values["inputs"][time], 2, axis=1)
        output, state = step(time, inputs, state, multiply, [values["scale"]])
        outputs.append(output)
    return tf.stack(outputs), state[0]


def deferred(values):
    weights = [Weight(values["kernel"], 2, values["bias"]), Weight(values["by_row"])]
    inputs = tf.split(values["inputs"], 2, axis=2)
    outputs, (state,) = deferred_loop(step, inputs, [values["state"]], weights, [values["scale"]])
    return outputs, state


@pytest.mark.parametrize("compiled", [False, True])
def test_values_and_gradients_equal_a_plain_loop(compiled):
    values = data()
    results = []
    for run in (deferred, plain):

        def everything(values, run=run):
            with tf.GradientTape() as tape:
                tape.watch(values)
                outputs, state = run(values)
                loss = tf.reduce_sum(tf.sin(outputs)) + tf.reduce_sum(state**2)
            return outputs, state, tape.gradient(loss, values)

        results.append(tf.nest.flatten((tf.function(everything, autograph=False) if compiled else everything)(values)))
    for mine, expected in zip(*results, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-10)


def test_gradients_equal_finite_differences():
    names, tensors = zip(*data().items(), strict=True)

    @tf.function(autograph=False)
    def loss(*tensors):
        outputs, state = deferred(dict(zip(names, tensors, strict=True)))
        return tf.reduce_sum(tf.sin(outputs)) + tf.reduce_sum(tf.cos(state))

    computed, numeric = tf.test.compute_gradient(loss, tensors, delta=1e-5)
    for mine, difference in zip(computed, numeric, strict=True):
        np.testing.assert_allclose(mine, difference, atol=1e-6)


def test_one_graph_for_any_number_of_steps():
    values = data("float32")
    run = tf.function(deferred, autograph=False, reduce_retracing=True)
    for steps in (1, 3, 2):
        outputs, _ = run({**values, "inputs": tf.tile(values["inputs"][:1], [steps, 1, 1])})
        assert outputs.shape[0] == steps
