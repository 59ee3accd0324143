"""The score of general attention."""

import tensorflow as tf
from keras import ops

from seq2seq.layers.scores.score import AttentionScore, ScoreWeight


class GeneralScore(AttentionScore):
    """query · W key (Luong et al. 2015, equation 8)."""

    def weights(self, units: int, memory_units: int) -> list[ScoreWeight]:  # noqa: D102
        return [ScoreWeight("key_kernel", (memory_units, units))]

    def keys(self, memory: tf.Tensor, *weights: tf.Tensor) -> tf.Tensor:  # noqa: D102
        (kernel,) = weights
        return ops.matmul(memory, kernel)
