"""The score of additive attention."""

import math

import tensorflow as tf
from keras import ops

from seq2seq.layers.scores.score import AttentionScore, ScoreWeight


class AdditiveScore(AttentionScore):
    """v · tanh(W query + U key) (Bahdanau et al. 2015, appendix A.1.2)."""

    multiplies = False

    def weights(self, units: int, memory_units: int) -> list[ScoreWeight]:  # noqa: D102
        # Described, not made: Keras draws the seed of an initializer when it is made, in the order of the weights.
        limit = math.sqrt(3.0 / units)
        uniform = {"class_name": "RandomUniform", "config": {"minval": -limit, "maxval": limit}}
        return [
            ScoreWeight("key_kernel", (memory_units, units)),
            ScoreWeight("query_kernel", (units, units)),
            ScoreWeight("energy", (units,), uniform),
        ]

    def keys(self, memory: tf.Tensor, *weights: tf.Tensor) -> tf.Tensor:  # noqa: D102
        (kernel,) = weights
        return ops.matmul(memory, kernel)

    def compare(self, query: tf.Tensor, keys: tf.Tensor, *weights: tf.Tensor) -> tf.Tensor:  # noqa: D102
        kernel, energy = weights
        # Not by an index with tf.newaxis, nor einsum: their gradients are slow, those of these are plain reshapes.
        mixed = tf.expand_dims(ops.matmul(query, kernel), 2) + tf.expand_dims(keys, 1)
        return tf.tensordot(tf.tanh(mixed), energy, 1)
