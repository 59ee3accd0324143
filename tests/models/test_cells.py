"""Every cell in a whole model: step by step, with input feeding, in search, in the model file, in half precision."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.layers import CELLS, StateBridge
from seq2seq.models import Decoder, Encoder, Seq2Seq
from seq2seq.models.stepping import start_search
from tests.marks import quick

SOURCE = tf.constant([[5, 6, 7, 2], [8, 2, 0, 0]])
TARGET_IN = tf.constant([[1, 4, 5, 3], [1, 6, 0, 0]])
INPUTS = {"source": SOURCE, "target_in": TARGET_IN}


def model(cell, dtype="float32", **decoder):
    keras.utils.set_random_seed(1)
    decoder = {"attention": "general", "input_feeding": True, **decoder}
    made = Seq2Seq(
        Encoder(12, 4, [5, 3], bidirectional="first", cell=cell, dtype=dtype),
        StateBridge([6, 6], "last_layer", cell=cell, dtype=dtype),
        Decoder(12, 4, [6, 6], cell=cell, **decoder, dtype=dtype),
        dtype=dtype,
    )
    generator = np.random.default_rng(0)
    for weight in made.trainable_variables:  # biases start at zero, where nobody misses them
        weight.assign(generator.normal(0, 0.5, weight.shape))
    return made


def step_by_step(made):
    encoded = made.encoder(SOURCE)
    state, memory = made.decoder.start(made.bridge(encoded)), made.decoder.prepare(encoded)
    steps = []
    for time in range(4):
        steps.append(made.decoder.step(TARGET_IN[:, time], state, memory))
        state = steps[-1].state
    outputs, attention = (tf.stack([step[place] for step in steps], axis=1) for place in (0, 2))
    return made.decoder.project(outputs), attention


@pytest.mark.parametrize("cell", quick(CELLS, "gru"))
def test_input_feeding_equals_step_by_step_in_values_and_gradients(cell):
    made = model(cell, "float64")
    real = tf.cast(TARGET_IN != 0, tf.float64)[:, :, tf.newaxis]
    results = []
    for run in (made, lambda _: step_by_step(made)[0]):

        def everything(run=run):
            with tf.GradientTape() as tape:
                logits = run(INPUTS) * real
                loss = tf.reduce_sum(tf.sin(logits) * tf.range(1.0, 13.0, dtype=tf.float64))
            return [logits, *map(tf.convert_to_tensor, tape.gradient(loss, made.trainable_weights))]

        # The loop in a graph, the steps as they come.
        results.append((everything if results else tf.function(everything, autograph=False))())
    for mine, expected in zip(*results, strict=True):
        np.testing.assert_allclose(mine, expected, atol=1e-9)


@pytest.mark.parametrize("cell", quick(CELLS, "gru", "layer_norm_lstm"))
def test_a_search_takes_the_same_steps(cell):
    made = model(cell, input_feeding=False)
    expected = made(INPUTS)
    encoded = made.encoder(SOURCE)
    search = start_search(made.decoder, made.bridge(encoded), encoded)
    state = search.state
    for time in range(4):
        logits, state = search.step(TARGET_IN[:, time], state, search.memory)
        np.testing.assert_allclose(logits[: 2 if time < 2 else 1], expected[: 2 if time < 2 else 1, time], atol=1e-5)


@pytest.mark.parametrize("cell", quick(CELLS, "gru", "layer_norm_lstm"))
def test_half_precision_keeps_all_but_the_hidden_state_fine(cell):
    exact, half = model(cell)(INPUTS), model(cell, "mixed_bfloat16")
    np.testing.assert_allclose(tf.cast(half(INPUTS), tf.float32), exact, atol={"simple_rnn": 0.1}.get(cell, 0.045))
    encoded = half.encoder(SOURCE)
    search = start_search(half.decoder, half.bridge(encoded), encoded)
    _, state = search.step(TARGET_IN[:, 0], search.state, search.memory)
    for ((hidden, *others),) in state.layers:
        assert hidden.dtype == tf.bfloat16 and all(part.dtype == tf.float32 for part in others)


@pytest.mark.parametrize("cell", quick(CELLS, "gru", "layer_norm_lstm"))
def test_a_saved_model_is_the_same(cell, tmp_path):
    made = model(cell)
    made.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(INPUTS), made(INPUTS))


def test_recurrent_dropout_in_input_feeding_is_one_mask_for_a_target():
    """With the drawing of numbers repeated, the gradient of a weight is what a finite difference says."""
    made = model("lstm", "float64", recurrent_dropout=0.5)
    cells = [layer.cell for layer in made.decoder.stack.forward_layers]
    target_out = tf.constant([[4, 5, 3, 2], [6, 2, 0, 0]])

    def loss():
        for cell in cells:
            cell.seed_generator.state.assign([3, 0])
        return made.totals(INPUTS, target_out, training=True).loss

    weight = cells[1].recurrent_kernel
    with tf.GradientTape() as tape:
        value = loss()
    computed = tape.gradient(value, weight.value)
    change = np.zeros(weight.shape)
    change[2, 3] = 1e-6
    before, losses = weight.numpy(), []
    for sign in (1, -1):
        weight.assign(before + sign * change)
        losses.append(float(loss()))
    np.testing.assert_allclose(computed[2, 3], (losses[0] - losses[1]) / 2e-6, rtol=1e-4)
    assert float(made.totals(INPUTS, target_out).loss) != pytest.approx(float(value))
