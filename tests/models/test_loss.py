"""The fused cross-entropy against its definition."""

import numpy as np
import pytest
import tensorflow as tf

from seq2seq.models.loss import cross_entropy
from tests import reference


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_equals_the_definition(smoothing):
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(5, 7)), rng.integers(0, 7, 5)
    wanted = (1 - smoothing) * np.eye(7)[targets] + smoothing / 7
    loss, nats = cross_entropy(tf.constant(logits), tf.constant(targets), smoothing)
    log_probs = reference.log_softmax(logits)
    np.testing.assert_allclose(loss, -(wanted * log_probs).sum(1), rtol=1e-12)
    np.testing.assert_allclose(nats, -log_probs[np.arange(5), targets], rtol=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_gradient_equals_finite_differences(smoothing):
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(3, 4)), rng.integers(0, 4, 3)
    shares = rng.normal(size=3)
    run = lambda x: tf.reduce_sum(shares * cross_entropy(x, tf.constant(targets), smoothing)[0])  # noqa: E731
    (computed,), (numeric,) = tf.test.compute_gradient(run, [logits], delta=1e-5)
    np.testing.assert_allclose(computed, numeric, atol=1e-8)


def test_large_logits_do_not_overflow():
    loss, _ = cross_entropy(tf.constant([[1e4, -1e4]]), tf.constant([1]))
    np.testing.assert_allclose(loss, 2e4)


def test_places_are_counted_in_64_bits():
    """More than 2³¹ logits in a batch are more than a test has room for: their graph is read instead."""

    @tf.function
    def gradient(logits):
        return tf.gradients(cross_entropy(logits, tf.constant([1, 0]))[0], logits)

    operations = gradient.get_concrete_function(tf.TensorSpec((2, 3))).graph.get_operations()
    indices = [each.inputs[1].dtype for each in operations if each.type in ("GatherNd", "ScatterNdNonAliasingAdd")]
    assert indices == [tf.int64] * 4
