"""Biases against TensorFlow's own."""

import numpy as np
import tensorflow as tf

from seq2seq.layers.bias import add_bias, sum_rows


def test_adds_as_bias_add_does_with_the_same_gradients():
    rng = np.random.default_rng(0)
    values, bias, shares = (tf.constant(rng.normal(size=shape)) for shape in ((5, 3), (3,), (5, 3)))
    results = []
    for add in (add_bias, tf.nn.bias_add):
        with tf.GradientTape() as tape:
            tape.watch((values, bias))
            total = add(values, bias)
        results.append((total, *tape.gradient(total, (values, bias), shares)))
    for mine, expected in zip(*results, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-12)


def test_the_sum_of_no_rows_is_zero():
    np.testing.assert_array_equal(sum_rows(tf.zeros((0, 3))), np.zeros(3))
