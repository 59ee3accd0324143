"""Steps that are not finite change nothing; steps that are change what Keras alone would change, to the last bit."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.distribution.replicas import sum_gradients
from seq2seq.layers import StateBridge
from seq2seq.models import Decoder, Encoder, Seq2Seq
from tests.marks import quick

GOOD = ({"source": [[5, 6, 2], [7, 2, 0]], "target_in": [[1, 4], [1, 6]]}, [[4, 2], [6, 2]])
BAD = ({"source": [[9, 6, 2]], "target_in": [[1, 4]]}, [[4, 2]])


class Overflow(keras.layers.Layer):
    """Passes values on, and gives infinite gradients to a batch of one."""

    def call(self, values, training=None):
        @tf.custom_gradient
        def pass_on(values):
            return values, lambda gradient: tf.where(tf.shape(values)[0] == 1, np.inf * gradient, gradient)

        return pass_on(values)


def make_model(optimizer, dropout=0.3):
    keras.utils.set_random_seed(0)
    encoder = Encoder(12, 4, [5], dropout=dropout, embedding_dropout=dropout)
    encoder.drop = Overflow()
    model = Seq2Seq(encoder, StateBridge([5]), Decoder(12, 4, [5], output_dropout=dropout))
    model.compile(optimizer=optimizer)
    return model


def fit(model, batches):
    rows = [({name: np.array(ids) for name, ids in inputs.items()}, np.array(out)) for inputs, out in batches]
    ids = tf.TensorSpec([None, None], tf.int32)
    data = tf.data.Dataset.from_generator(lambda: iter(rows), output_signature=({"source": ids, "target_in": ids}, ids))
    model.fit(data.apply(tf.data.experimental.assert_cardinality(len(rows))), verbose=0, shuffle=False)
    return [variable.numpy() for variable in [*model.variables, *model.optimizer.variables, *model.metrics_variables]]


@pytest.mark.slow
@pytest.mark.parametrize(
    "optimizer",
    quick(
        [
            lambda: keras.optimizers.Adam(0.1, global_clipnorm=0.5, use_ema=True, ema_momentum=0.9),
            lambda: keras.optimizers.AdamW(0.1),
            lambda: keras.optimizers.SGD(0.1, momentum=0.9, clipnorm=0.1),
        ]
    ),
)
def test_a_step_that_is_not_finite_is_as_if_it_had_never_been(optimizer):
    with_it, without = make_model(optimizer()), make_model(optimizer())
    for one, two in zip(fit(with_it, [GOOD, BAD, GOOD]), fit(without, [GOOD, GOOD]), strict=True):
        np.testing.assert_array_equal(one, two)
    assert int(with_it.optimizer.iterations) == 2
    assert with_it.optimizer.global_clipnorm == without.optimizer.global_clipnorm == optimizer().global_clipnorm


@pytest.mark.slow
@pytest.mark.parametrize("clip", quick([0.5, None, 1e6]))
def test_a_finite_step_is_what_keras_alone_does(clip):
    model, stock = (make_model(keras.optimizers.Adam(0.1, global_clipnorm=clip), dropout=0.0) for _ in range(2))
    inputs, target_out = {name: tf.constant(ids) for name, ids in GOOD[0].items()}, tf.constant(GOOD[1])

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            totals = stock.totals(inputs, target_out, training=True)
            loss = totals.loss / totals.tokens
        gradients = sum_gradients(tape.gradient(loss, stock.trainable_weights))
        stock.optimizer.apply(gradients, stock.trainable_weights)

    for _ in range(3):
        step()
    fit(model, [GOOD] * 3)
    for one, two in zip(model.get_weights(), stock.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
def test_a_loss_scale_is_left_to_find_its_way():
    model = make_model(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.1), initial_scale=8.0))
    fit(model, [GOOD, BAD])
    assert float(model.optimizer.dynamic_scale) == 4.0
    assert int(model.optimizer.iterations) == 1


TWO_REPLICAS = """
import sys, keras, numpy as np, tensorflow as tf
from seq2seq.layers import StateBridge
from seq2seq.models import Decoder, Encoder, Seq2Seq

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
source, target_in = np.array([[5, 6, 7, 2], [8, 2, 0, 0]]), np.array([[1, 4, 5], [1, 6, 0]])
rows = ({"source": source, "target_in": target_in}, np.array([[4, 5, 2], [6, 2, 0]]))
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = Seq2Seq(Encoder(12, 4, [5], dropout=0.5), StateBridge([5]), Decoder(12, 4, [5], output_dropout=0.5))
    model.compile(optimizer=keras.optimizers.Adam(0.1, global_clipnorm=0.5, use_ema=True))
    model.optimizer.build(model.trainable_variables)
data = tf.data.Dataset.from_tensor_slices(rows).batch(2)
values = lambda: [variable.value.numpy().copy() for variable in [*model.variables, *model.optimizer.variables]]
model.fit(data, verbose=0)
embeddings = model.encoder.embedding.embeddings
good = embeddings.value.numpy().copy()
bad = good.copy()
bad[8] = np.inf  # read by the second replica only
before = values()
embeddings.assign(bad)
model.fit(data, verbose=0)
embeddings.assign(good)
same = [np.array_equal(one, two) for one, two in zip(before, values(), strict=True)]
model.fit(data, verbose=0)
print(all(same), int(model.optimizer.iterations.value.numpy()))
"""


@pytest.mark.slow
def test_replicas_decide_together():
    done = subprocess.run([sys.executable, "-c", TWO_REPLICAS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "2"]
