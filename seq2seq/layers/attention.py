"""Attention over the memory of a source, by any score."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from seq2seq.layers.precision import fine
from seq2seq.layers.scores import SCORES
from seq2seq.layers.state import Encoded, Memory
from seq2seq.system.choices import choose


@keras.saving.register_keras_serializable("seq2seq")
class Attention(keras.layers.Layer):
    """Weighs the source positions for each query and gives their weighted mean, the context.

    Keys are computed once per source (`prepare`); a call only compares queries with them. A mask is always there.

    Args:
        score: How a query is compared with a key: a name of `seq2seq.layers.SCORES`.

    Call arguments:
        query: `[batch, queries, units]`; the queries of a sentence may be target positions or beams.
        memory: What `prepare` gave.

    Returns:
        context `[batch, queries, memory_units]` and weights `[batch, queries, source_time]`, which sum to 1 over the
        real source positions.

    Raises:
        ValueError: For an unknown score, or one that multiplies a query with a memory of another width.

    Example:
        >>> attention = Attention("general")
        >>> source = Encoded(keras.ops.ones((2, 5, 8)), keras.ops.ones((2, 5), "bool"), ())
        >>> attention.build((2, 3, 4), (2, 5, 8))
        >>> context, weights = attention(keras.ops.ones((2, 3, 4)), attention.prepare(source))
        >>> context.shape, weights.shape
        (TensorShape([2, 3, 8]), TensorShape([2, 3, 5]))

    Source:
        Bahdanau et al. 2015 (additive scores), Luong et al. 2015, section 3.1 (dot and general), Vaswani et al. 2017
        (scaled products).
    """

    def __init__(self, score: str = "general", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.score = score
        self._score = choose("score", score, SCORES)()

    def build(self, query_shape: Any, memory_shape: Any) -> None:
        """Make the weights.

        Args:
            query_shape: `[batch, queries, units]`.
            memory_shape: `[batch, source_time, memory_units]`, or the shapes of a whole Memory.
        """
        if not isinstance(memory_shape[-1], int):
            memory_shape = memory_shape[0]
        for weight in self._score.weights(query_shape[-1], memory_shape[-1]):
            self.add_weight(name=weight.name, shape=weight.shape, initializer=weight.initializer)

    def prepare(self, encoded: Encoded) -> Memory:
        """Compute the keys, once per source."""
        values, mask = encoded[0], encoded[1]
        # Cast here: Keras casts weights inside a layer's call only, and decoding prepares outside of one.
        of_keys = [tf.cast(weight, values.dtype) for weight in self.weights[:1]]
        return Memory(values, self._score.keys(values, *of_keys), mask)

    @property
    def multiplies(self) -> bool:
        """Whether a score is the product of query and key, and nothing else."""
        return self._score.multiplies

    def query_weights(self, dtype: Any) -> tuple[tf.Tensor, ...]:
        """Give the weights that a query meets: for additive scores W `[units, units]` and v `[units]`, else none."""
        return tuple(tf.cast(weight, dtype) for weight in self.weights[1:])

    def scores(self, query: tf.Tensor, keys: tf.Tensor, *weights: tf.Tensor) -> tf.Tensor:
        """Compare queries with keys: a function of its arguments alone.

        Args:
            query: `[batch, queries, units]`.
            keys: Those of a `Memory`, `[batch, source_time, key_units]`.
            *weights: What `query_weights` gave.

        Returns:
            `[batch, queries, source_time]`.
        """
        return self._score.compare(query, keys, *weights)

    def call(self, query: tf.Tensor, memory: Memory | Encoded) -> tuple[tf.Tensor, tf.Tensor]:  # noqa: D102
        values, keys, mask = self.prepare(memory) if isinstance(memory, Encoded) else memory
        weights = weigh(self.scores(query, keys, *self.query_weights(query.dtype)), mask, values.dtype)
        return tf.matmul(weights, values), weights

    def get_config(self) -> dict[str, Any]:  # noqa: D102
        return {**super().get_config(), "score": self.score}


ATTENTIONS: dict[str, Callable[..., keras.layers.Layer]] = {score: partial(Attention, score) for score in SCORES}
"""The attentions by name."""


def weigh(scores: tf.Tensor, mask: tf.Tensor | None, dtype: Any) -> tf.Tensor:
    """Turn scores into weights that sum to 1 over the real source positions.

    Args:
        scores: `[batch, queries, source_time]`.
        mask: True = real token, `[batch, source_time]`; None where every one is real.
        dtype: Of the result; the softmax is taken in float32 or finer.

    Returns:
        The weights, same shape as the scores.

    Example:
        >>> weigh(tf.ones((1, 1, 4)), tf.constant([[True, True, False, False]]), tf.float32).numpy().tolist()
        [[[0.5, 0.5, 0.0, 0.0]]]
    """
    scores = tf.cast(scores, fine(scores.dtype))
    if mask is not None:
        # A finite floor, not -inf: a row of padding only must give numbers.
        scores = tf.where(mask[:, tf.newaxis], scores, tf.constant(-1e9, scores.dtype))
    return tf.cast(tf.nn.softmax(scores), dtype)
