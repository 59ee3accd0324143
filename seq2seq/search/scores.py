"""What a hypothesis is worth: `(log_probs + word_reward · length) / length ** length_penalty`, or by `length_form`."""

from typing import Any

import tensorflow as tf

from seq2seq.search.settings import Search
from seq2seq.search.step import IMPOSSIBLE

LEAST_SEEN = 1e-30
"""Less attention counts as this much, so that scores stay numbers."""


def rewarded(settings: Search, log_probs: tf.Tensor, length: Any) -> tf.Tensor:
    """Add the reward of so many tokens to sums of log-probabilities."""
    if not settings.has("word_reward"):
        return log_probs
    return log_probs + settings.word_reward * tf.cast(length, tf.float32)


def divisor(settings: Search, length: Any) -> tf.Tensor:
    """Give what the sums of so many tokens are divided by; it never falls with their number.

    Example:
        >>> from seq2seq.search import Greedy
        >>> lengths = tf.constant([1, 4, 7])
        >>> divisor(Greedy(length_penalty=0.5), lengths[:2]).numpy().tolist()
        [1.0, 2.0]
        >>> divisor(Greedy(length_form="gnmt"), lengths).numpy().tolist()
        [1.0, 1.5, 2.0]
    """
    length = tf.cast(length, tf.float32)
    return tf.pow(length if settings.length_form == "power" else (5 + length) / 6, settings.length_penalty)


def normalised(log_probs: tf.Tensor, by: tf.Tensor) -> tf.Tensor:
    """Turn sums of log-probabilities into scores.

    Args:
        log_probs: Sums, nats.
        by: What they are divided by. The impossible is not: it stays far below everything else.

    Returns:
        The scores.

    Example:
        >>> normalised(tf.constant([-6.0, float("-inf")]), 3.0).numpy().tolist()
        [-2.0, -inf]
    """
    return tf.where(log_probs > IMPOSSIBLE / 2, log_probs / by, log_probs)


def coverage(seen: tf.Tensor, source_mask: tf.Tensor) -> tf.Tensor:
    """Tell how far hypotheses have looked at the whole source: 0 where every token got an attention of 1 or more.

    Args:
        seen: `[sentences, beam, source_time]` float32, the attention that each position got.
        source_mask: `[sentences, source_time]` bool, True = real token.

    Returns:
        `[sentences, beam]` float32: the sum of log min(1, seen) over real tokens, never above 0.

    Example:
        >>> seen = tf.constant([[[1.5, 0.5, 0.0]]])
        >>> round(float(coverage(seen, tf.constant([[True, True, False]]))[0, 0]), 3)
        -0.693
    """
    logs = tf.math.log(tf.clip_by_value(seen, LEAST_SEEN, 1.0))
    return tf.reduce_sum(tf.where(source_mask[:, tf.newaxis], logs, 0.0), axis=2)


def bound(settings: Search, log_probs: tf.Tensor, length: tf.Tensor, longest: tf.Tensor) -> tf.Tensor:
    """Give what open hypotheses can become worth at most.

    Args:
        settings: What is searched with.
        log_probs: `[sentences]` float32, their sums so far, nats.
        length: How many tokens were summed, a scalar int32.
        longest: `[sentences]` int32, the most tokens that they may have.

    Returns:
        `[sentences]` float32, nats: no less than any score of what goes on from them; a coverage penalty lowers it.
    """
    # Log-probabilities only fall, and a negative sum is best divided by the greatest length.
    if not settings.has("word_reward"):
        return log_probs / divisor(settings, longest)
    # Of a reward for each token the greatest sum is at one of both ends, and what is above 0 is best divided by little.
    best = tf.maximum(rewarded(settings, log_probs, length + 1), rewarded(settings, log_probs, longest))
    return best / tf.where(best > 0, divisor(settings, length + 1), divisor(settings, longest))
