"""The fused update against Keras' own, alone and on two replicas."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.training.adam import Adam, AdamW

SETTINGS = [
    {},
    {"beta_1": 0.8, "beta_2": 0.98, "epsilon": 1e-9},
    {"global_clipnorm": 0.5},
    {"use_ema": True, "ema_momentum": 0.9},
    {"amsgrad": True},
]


def trained(optimizer, steps=5, dtype="float32"):
    rng = np.random.default_rng(0)
    weights = [keras.Variable(rng.normal(size=shape), dtype=dtype) for shape in ((3, 4), (5,))]

    @tf.function(autograph=False)
    def step(*gradients):
        optimizer.apply_gradients(zip(gradients, weights, strict=True))

    optimizer.build(weights)
    for _ in range(steps):
        step(*(tf.constant(rng.normal(size=weight.shape), dtype) for weight in weights))
    return [np.asarray(value) for value in (*weights, *optimizer.variables)]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize(("ours", "theirs"), [(Adam, keras.optimizers.Adam), (AdamW, keras.optimizers.AdamW)])
def test_updates_equal_keras(ours, theirs, settings):
    results = [trained(kind(0.05, **settings)) for kind in (ours, theirs)]
    for mine, expected in zip(*results, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=2e-5, atol=1e-6)


def test_the_config_gives_the_same_optimizer():
    optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(Adam(0.01, beta_1=0.7, global_clipnorm=2.0)))
    assert type(optimizer) is Adam
    assert (optimizer.beta_1, optimizer.global_clipnorm) == (0.7, 2.0)


TWO_REPLICAS = """
import keras, numpy as np, tensorflow as tf
from seq2seq.training.adam import Adam

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
gradient, results = tf.constant([1.0, -2.0, 0.5]), []
for strategy in (tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])):
    with strategy.scope():
        weight, optimizer = keras.Variable(np.ones(3), dtype="float32"), Adam(0.1)
        optimizer.build([weight])
    share = gradient / strategy.num_replicas_in_sync
    step = tf.function(lambda: strategy.run(lambda: optimizer.apply_gradients([(share, weight)])), autograph=False)
    step()
    step()
    results.append(np.asarray(weight))
print(np.abs(results[0] - results[1]).max(), np.abs(results[0] - 1).max())
"""


@pytest.mark.slow
def test_two_replicas_update_their_copies_by_the_sum_of_gradients():
    done = subprocess.run([sys.executable, "-c", TWO_REPLICAS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    difference, moved = map(float, done.stdout.split())
    assert difference < 1e-5
    assert moved > 0.1
