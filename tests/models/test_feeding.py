"""Input feeding over whole targets against the decoder step by step."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.layers import ATTENTIONS, StateBridge
from seq2seq.models import Decoder, Encoder, Seq2Seq
from tests.marks import quick

SOURCE = tf.constant([[5, 6, 7, 2], [8, 2, 0, 0]])
TARGET_IN = tf.constant([[1, 4, 5, 3], [1, 6, 0, 0]])
TARGET_OUT = tf.constant([[4, 5, 3, 2], [6, 2, 0, 0]])


def model(attention, residual_from=None, dropout=0.0, dtype="float32"):
    keras.utils.set_random_seed(1)
    decoder = Decoder(
        12, 4, [7, 7, 7], attention, True, residual_from, dropout=dropout, output_dropout=dropout, dtype=dtype
    )
    bridge = StateBridge([7, 7, 7], mode="last_layer", dtype=dtype)
    return Seq2Seq(Encoder(12, 4, [7, 7], dtype=dtype), bridge, decoder, dtype=dtype)


def step_by_step(model):
    encoded = model.encoder(SOURCE)
    state, memory = model.decoder.start(model.bridge(encoded)), model.decoder.prepare(encoded)
    outputs = []
    for time in range(4):
        output, state, _ = model.decoder.step(TARGET_IN[:, time], state, memory)
        outputs.append(output)
    return model.decoder.project(tf.stack(outputs, axis=1))


@pytest.mark.parametrize(
    ("attention", "residual_from"),
    quick(itertools.product(ATTENTIONS, [None, 1]), ("additive", 1)),
)
def test_logits_and_all_gradients_equal_step_by_step(attention, residual_from):
    made = model(attention, residual_from, dtype="float64")
    real = tf.cast(TARGET_IN != 0, tf.float64)[:, :, tf.newaxis]
    results = []
    for run in (lambda: made({"source": SOURCE, "target_in": TARGET_IN}), lambda: step_by_step(made)):

        def everything(run=run):
            with tf.GradientTape() as tape:
                logits = run() * real
                loss = tf.reduce_sum(tf.sin(logits) * tf.range(1.0, 13.0, dtype=tf.float64))
            return [logits, *map(tf.convert_to_tensor, tape.gradient(loss, made.trainable_weights))]

        results.append(
            (tf.function(everything, autograph=False) if not results else everything)()
        )  # the loop in a graph
    for mine, expected in zip(*results, strict=True):
        np.testing.assert_allclose(mine, expected, atol=1e-9)


def test_the_state_is_the_one_after_the_last_real_token():
    made = model("general")
    encoded = made.encoder(SOURCE)
    _, state = made.decoder(TARGET_IN, made.bridge(encoded), encoded)
    row = made.encoder(SOURCE[1:, :2])
    _, alone = made.decoder(TARGET_IN[1:, :2], made.bridge(row), row)
    for mine, expected in zip(tf.nest.flatten(state), tf.nest.flatten(alone), strict=True):
        np.testing.assert_allclose(mine[1:], expected, atol=1e-6)


def test_the_loops_forward_and_back_drop_the_same():
    """With the drawing of numbers repeated, the gradient of a weight is what a finite difference says."""
    made = model("general", dropout=0.5, dtype="float64")
    weight = made.decoder.stack.forward_layers[1].cell.recurrent_kernel
    inputs = {"source": SOURCE, "target_in": TARGET_IN}

    def loss():
        for layer in (made.decoder.stack.between, made.decoder.drop_output):
            layer.seed_generator.state.assign([3, 0])
        return made.totals(inputs, TARGET_OUT, training=True).loss

    with tf.GradientTape() as tape:
        value = loss()
    computed = tape.gradient(value, weight.value)
    change = np.zeros(weight.shape)
    change[2, 3] = 1e-6
    before = weight.numpy()
    losses = []
    for sign in (1, -1):
        weight.assign(before + sign * change)
        losses.append(float(loss()))
    np.testing.assert_allclose(computed[2, 3], (losses[0] - losses[1]) / 2e-6, rtol=1e-4)
    assert float(made.totals(inputs, TARGET_OUT).loss) != pytest.approx(float(value))
