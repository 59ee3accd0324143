"""What a hypothesis is worth: `(log_probs + word_reward · length) / length ** length_penalty`, or by `length_form`."""

from typing import Any

import tensorflow as tf

from seq2seq.search.settings import Search
from seq2seq.search.step import IMPOSSIBLE


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


def bound(settings: Search, log_probs: tf.Tensor, length: tf.Tensor, longest: tf.Tensor) -> tf.Tensor:
    """Give what open hypotheses can become worth at most.

    Args:
        settings: What is searched with.
        log_probs: `[sentences]` float32, their sums so far, nats.
        length: How many tokens were summed, a scalar int32.
        longest: `[sentences]` int32, the most tokens that they may have.

    Returns:
        `[sentences]` float32, nats: no less than any score of what goes on from them.
    """
    # Log-probabilities only fall, and a negative sum is best divided by the greatest length.
    if not settings.has("word_reward"):
        return log_probs / divisor(settings, longest)
    # Of a reward for each token the greatest sum is at one of both ends, and what is above 0 is best divided by little.
    best = tf.maximum(rewarded(settings, log_probs, length + 1), rewarded(settings, log_probs, longest))
    return best / tf.where(best > 0, divisor(settings, length + 1), divisor(settings, longest))
