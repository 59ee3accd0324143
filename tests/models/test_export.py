"""What TensorFlow writes of models with our layers: values, and gradients of what was loaded again."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.layers import CELLS, RNN, StackedLSTM, StateBridge
from seq2seq.models import Decoder, Encoder, Seq2Seq
from tests.layers.recurrent import assert_close
from tests.marks import quick

INPUTS = {"source": tf.constant([[5, 6, 2]]), "target_in": tf.constant([[1, 4]])}


def gradients(run, weights):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(run(INPUTS) ** 2)
    found = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, weights) if gradient is not None]
    return sorted(float(tf.reduce_sum(tf.abs(gradient))) for gradient in found)


@pytest.mark.slow
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


@pytest.mark.parametrize("cell", CELLS)
def test_the_loop_of_a_fixed_batch_has_one_array_and_its_size_is_known(cell):
    """That is what TensorFlow Lite can lower; in training the loop keeps more, for the gradient."""
    layer = RNN(3, cell)
    layer.build((2, 4, 5))
    arrays = {
        training: [
            tf.get_static_value(operation.inputs[0]).tolist()
            for operation in tf.function(layer, autograph=False)
            .get_concrete_function(tf.TensorSpec([2, None, 5]), training=training)
            .graph.get_operations()
            if operation.type == "TensorListReserve"
        ]
        for training in (False, True)
    }
    assert arrays[False] == [[2, 3]]
    assert len(arrays[True]) == 1 + layer.arithmetic.saved


def test_outside_training_a_fixed_batch_has_the_same_gradients():
    stack = StackedLSTM([3, 2], "first")
    stack.build((2, 4, 5))
    values = tf.constant(np.random.default_rng(0).normal(size=(2, 4, 5)), "float32")

    @tf.function(autograph=False)
    def found(training):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(stack(values, training=training) ** 2)
        return [total, *tape.gradient(total, stack.trainable_variables)]

    assert_close(found(False), found(True), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
class TestTensorFlowLite:
    """With its built-in operations alone, for a fixed batch, as a stock `LSTM`."""

    @staticmethod
    def run(converter, *values):
        interpreter = tf.lite.Interpreter(model_content=converter.convert()).get_signature_runner()
        (result,) = interpreter(**dict(zip(sorted(interpreter.get_input_details()), values, strict=True))).values()
        return result

    @pytest.mark.parametrize("time", [5, None])
    @pytest.mark.parametrize("masked", [True, False])
    def test_a_stack(self, time, masked):
        given = keras.Input(batch_shape=(1, time, 3))
        read = keras.layers.Masking()(given) if masked else given
        model = keras.Model(given, StackedLSTM([4, 3], "first")(read))
        values = np.ones((1, 5, 3), "float32")
        values[:, 3:] = 0
        if time is None:  # TensorFlow Lite has one step then, until it is told more
            values = values[:, :1]
        found = self.run(tf.lite.TFLiteConverter.from_keras_model(model), values)
        np.testing.assert_allclose(found, model(values), atol=1e-6)

    @pytest.mark.parametrize("attention", [None, "dot"])
    def test_a_whole_model(self, attention, tmp_path):
        model = Seq2Seq(Encoder(12, 4, [3], bidirectional="all"), StateBridge([6]), Decoder(12, 4, [6], attention))
        source, target_in = (keras.InputSpec(shape=(1, time), dtype="int32") for time in (3, 2))
        signature = [{"source": source, "target_in": target_in}]
        model.export(tmp_path / "model", verbose=False, input_signature=signature)
        found = self.run(tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "model")), *INPUTS.values())
        np.testing.assert_allclose(found, model(INPUTS), atol=1e-6)
