"""Attention in the decoder: by name or by object, and its weights on request."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.layers import Memory, StateBridge
from seq2seq.layers.attention import ATTENTIONS
from seq2seq.models import Decoder, Encoder, Seq2Seq
from seq2seq.models.stepping import start_search

SOURCE = tf.constant([[5, 6, 7, 2], [8, 2, 0, 0]])
TARGET_IN = tf.constant([[1, 4, 5, 3], [1, 6, 7, 8]])
INPUTS = {"source": SOURCE, "target_in": TARGET_IN}


@keras.saving.register_keras_serializable("tests")
class Scaled(keras.layers.Layer):
    """A dot product divided by a trained temperature: an attention that is not ours."""

    multiplies = False

    def build(self, query_shape, memory_shape):
        self.temperature = self.add_weight(shape=(1,), initializer=keras.initializers.Constant(3.0), name="temperature")

    def prepare(self, encoded):
        return Memory(encoded.memory, encoded.memory, encoded.mask)

    def query_weights(self, dtype):
        return (tf.cast(self.temperature, dtype),)

    def scores(self, query, keys, temperature):
        return tf.matmul(query, keys, transpose_b=True) / temperature


def model(attention, input_feeding=False):
    keras.utils.set_random_seed(1)
    decoder = Decoder(12, 4, [6], attention, input_feeding)
    return Seq2Seq(Encoder(12, 4, [3], bidirectional="all"), StateBridge([6]), decoder)


@pytest.mark.parametrize("feeding", [False, True])
@pytest.mark.parametrize("attention", [*ATTENTIONS, Scaled])
def test_the_weights_of_a_whole_target_are_those_of_a_search(attention, feeding):
    made = model(attention() if attention is Scaled else attention, feeding)
    weights = made.attention_weights(INPUTS)
    assert weights.shape == (2, 4, 4)
    np.testing.assert_allclose(tf.reduce_sum(weights, axis=2), 1, atol=1e-6)
    np.testing.assert_array_equal(weights[1, :, 2:], 0)
    encoded = made.encoder(SOURCE)
    search = start_search(made.decoder, made.bridge(encoded), encoded, attention=True)
    state = search.state
    for time in range(4):
        _, state, seen = search.step(TARGET_IN[:, time], state, search.memory)
        assert seen.dtype == tf.float32
        np.testing.assert_allclose(seen, weights[:, time], atol=1e-6)


@pytest.mark.parametrize("feeding", [False, True])
def test_an_object_trains_is_saved_and_told(feeding, tmp_path):
    made = model(Scaled(), feeding)
    with tf.GradientTape() as tape:
        totals = made.totals(INPUTS, TARGET_IN, training=True)
    gradient = tape.gradient(totals.loss, made.decoder.attention.temperature.value)
    before, losses = made.decoder.attention.temperature.numpy(), []
    for change in (1e-2, -1e-2):
        made.decoder.attention.temperature.assign(before + change)
        losses.append(float(made.totals(INPUTS, TARGET_IN).loss))
    np.testing.assert_allclose(gradient, [(losses[0] - losses[1]) / 2e-2], rtol=2e-2, atol=1e-4)
    made.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(INPUTS), made(INPUTS))
    assert loaded.decoder.attention_name == "Scaled"


def test_an_object_of_ours_is_the_one_by_name():
    by_name, by_object = model("general"), model(ATTENTIONS["general"]())
    np.testing.assert_array_equal(by_object(INPUTS), by_name(INPUTS))


def test_without_attention_there_is_nothing_to_look_at():
    made = Seq2Seq(Encoder(12, 4, [6]), StateBridge([6]), Decoder(12, 4, [6]))
    with pytest.raises(ValueError, match=r"no weights to look at. Received: attention=None"):
        made.attention_weights(INPUTS)
    encoded = made.encoder(SOURCE)
    with pytest.raises(ValueError, match=r"which source positions it looked at. Received: attention=True"):
        start_search(made.decoder, made.bridge(encoded), encoded, attention=True)


def test_a_layer_that_is_no_attention_is_refused():
    with pytest.raises(ValueError, match=r"An attention is a layer with .* Received: Dense, without prepare, scores"):
        Decoder(12, 4, [6], attention=keras.layers.Dense(3))
