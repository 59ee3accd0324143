"""What sampling draws from: the weight of each next token, as the settings make it of the model's logits."""

from typing import NamedTuple

import tensorflow as tf

from seq2seq.search.settings import Sample
from seq2seq.search.step import IMPOSSIBLE, MINUS_INFINITY, check_end, clean
from seq2seq.search.task import SpecialIds


class Weighed(NamedTuple):
    """The next tokens of each row, and how likely each is drawn.

    Args:
        weights: `[rows, vocab]` float32, not normalised; the greatest is 1, and what cannot be drawn has 0.
        logits: `[rows, vocab]` float32, without NaN.
        total: `[rows, 1]` float32, their log-sum-exp.
    """

    weights: tf.Tensor
    logits: tf.Tensor
    total: tf.Tensor


def weigh(settings: Sample, logits: tf.Tensor, banned: tf.Tensor | None, length: tf.Tensor, ids: SpecialIds) -> Weighed:
    """Weigh the next tokens by temperature.

    Args:
        settings: What to search with.
        logits: `[rows, vocab]` float32.
        banned: `[rows, vocab]` bool, what may not come next; None for nothing.
        length: Tokens with this one, a scalar int32.
        ids: The special ids.
    """
    check_end(logits, ids)
    logits, total = clean(logits)
    vocab = tf.shape(logits)[1]
    excluded = tf.constant(sorted({ids.pad, ids.start} - {ids.end}))
    never = tf.reduce_any(tf.range(vocab)[:, tf.newaxis] == excluded, axis=1)
    if banned is not None:
        never |= banned
    weights = tf.where(never, MINUS_INFINITY, tf.clip_by_value(logits, IMPOSSIBLE, -IMPOSSIBLE))
    # Too early, an end is less than impossible, and still drawn where it is all there is.
    early = (tf.range(vocab) == ids.end) & (length <= tf.cast(settings.min_length, tf.int32))
    weights = tf.where(early, 2 * IMPOSSIBLE, weights)
    weights = tf.exp((weights - tf.reduce_max(weights, axis=1, keepdims=True)) / settings.temperature)
    return Weighed(weights, logits, total)


def is_cut(settings: Sample) -> tf.Tensor:
    """Tell whether only the best are drawn from; all of them need no order."""
    return (tf.cast(settings.top_k, tf.int32) > 0) | (tf.convert_to_tensor(settings.top_p, tf.float32) < 1)


def cut(settings: Sample, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Take the weight from all but the best, by top_k and top_p.

    Args:
        settings: What to search with.
        weights: `[rows, vocab]` float32.

    Returns:
        The weights of the best, in their order, and their tokens, `[rows, n]`.
    """
    vocab = tf.shape(weights)[1]
    top_k, top_p = tf.cast(settings.top_k, tf.int32), tf.convert_to_tensor(settings.top_p, tf.float32)
    best, order = tf.math.top_k(weights, tf.where(top_k > 0, tf.minimum(top_k, vocab), vocab))
    before = tf.cumsum(best, axis=1, exclusive=True)
    enough = tf.where(top_p < 1, top_p * tf.reduce_sum(best, axis=1, keepdims=True), float("inf"))
    return tf.where(before < enough, best, 0.0), order
