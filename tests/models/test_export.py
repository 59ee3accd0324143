"""What TensorFlow writes of models with our layers: values, and gradients of what was loaded again."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.layers import StackedLSTM, StateBridge
from seq2seq.models import Decoder, Encoder, Seq2Seq
from tests.marks import quick

INPUTS = {"source": tf.constant([[5, 6, 2]]), "target_in": tf.constant([[1, 4]])}


def gradients(run, weights):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(run(INPUTS) ** 2)
    found = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, weights) if gradient is not None]
    return sorted(float(tf.reduce_sum(tf.abs(gradient))) for gradient in found)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("feeding", quick([True, False]))
def test_an_exported_model_gives_the_same_and_trains_on(feeding, tmp_path):
    model = Seq2Seq(
        Encoder(12, 4, [3], bidirectional="all"), StateBridge([6]), Decoder(12, 4, [6], "additive", feeding)
    )
    model.decode(INPUTS["source"], 5)  # what a search leaves behind is no part of the model
    model.export(tmp_path / "model", verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    np.testing.assert_allclose(loaded.serve(INPUTS), model(INPUTS), atol=1e-6)
    expected = gradients(model, model.trainable_weights)
    np.testing.assert_allclose(gradients(loaded.serve, loaded.variables), expected, rtol=1e-5)


@pytest.mark.slow
def test_any_keras_model_with_a_stack_is_written_by_tensorflow(tmp_path):
    given = keras.Input((None, 3))
    model = keras.Model(given, keras.layers.Dense(2)(StackedLSTM([4, 3], "first")(given)))
    values = np.ones((2, 4, 3), "float32")
    model.export(tmp_path / "exported", verbose=False)
    tf.saved_model.save(model, str(tmp_path / "saved"))
    for folder in ("exported", "saved"):
        loaded = tf.saved_model.load(str(tmp_path / folder))
        run = loaded.serve if folder == "exported" else loaded.signatures["serving_default"]
        found = tf.nest.flatten(run(tf.constant(values)))[0]
        np.testing.assert_allclose(found, model(values), atol=1e-6)
