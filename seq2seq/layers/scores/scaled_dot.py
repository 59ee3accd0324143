"""The score of scaled dot attention."""

import math

import tensorflow as tf

from seq2seq.layers.scores.score import AttentionScore, ScoreWeight, need_one_width


class ScaledDotScore(AttentionScore):
    """query · key / √units, both of one width (Vaswani et al. 2017, equation 1)."""

    def weights(self, units: int, memory_units: int) -> list[ScoreWeight]:  # noqa: D102
        need_one_width("Scaled dot", units, memory_units)
        return []

    def keys(self, memory: tf.Tensor, *weights: tf.Tensor) -> tf.Tensor:  # noqa: D102
        return memory / math.sqrt(memory.shape[-1])
