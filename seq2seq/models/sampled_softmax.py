"""Sampled softmax: a training step that scores some words of a large vocabulary instead of all of them."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf


class SampledWords(NamedTuple):
    """The words that one step scores.

    Attributes:
        words: Their ids, rising, `[candidates]`.
        weights: How many words of the vocabulary each stands for, itself counted: 1 over the probability that it was
            drawn, and 1 for the targets, which are always there, `[candidates]`.
        places: Where the target of each token stands among them, `[tokens]`.
    """

    words: tf.Tensor
    weights: tf.Tensor
    places: tf.Tensor


def inclusion_probabilities(vocab_size: int, count: int) -> np.ndarray:
    """Give the probability of each word to be drawn, so that `count` words are drawn on average.

    It falls as one over the rank, and tokenizers number pieces from the most frequent one on (a log-uniform
    distribution over ids); what would be above 1 is certain.

    Args:
        vocab_size: Number of words.
        count: Words to draw, at most `vocab_size`.

    Returns:
        `[vocab_size]`, float64; the sum is `count`.

    Raises:
        ValueError: For more words than there are.

    Example:
        >>> inclusion_probabilities(4, 4).tolist()
        [1.0, 1.0, 1.0, 1.0]
        >>> inclusion_probabilities(100, 10).sum().round(6).item()
        10.0
    """
    if not 0 < count <= vocab_size:
        raise ValueError(
            "A softmax is sampled from some words of the vocabulary. "
            f"Received: sampled_softmax={count}, vocab_size={vocab_size}. Sample fewer, or set it to 0 for all words."
        )
    shares = np.log1p(1 / np.arange(1, vocab_size + 1))
    certain = vocab_size if count == vocab_size else 0
    while certain < count:
        factor = (count - certain) / shares[certain:].sum()
        above = int(np.count_nonzero(factor * shares[certain:] >= 1))
        if not above:
            break
        certain += above
    probabilities = np.ones(vocab_size)
    if certain < count:
        probabilities[certain:] = factor * shares[certain:]
    return probabilities


def draw_words(targets: tf.Tensor, probabilities: tf.Tensor, seed: tf.Tensor) -> SampledWords:
    """Draw the words that all tokens of a batch are compared with: each for itself, and the targets always.

    Args:
        targets: Ids, `[tokens]`.
        probabilities: Of each word to be drawn, `[vocab]`.
        seed: Two integers; the same two give the same draw.

    Returns:
        The candidates.
    """
    vocab = tf.shape(probabilities)[0]
    drawn = tf.random.stateless_uniform([vocab], seed, dtype=probabilities.dtype) < probabilities
    needed = tf.scatter_nd(targets[:, tf.newaxis], tf.ones_like(targets), [vocab]) > 0
    taken = tf.logical_or(drawn, needed)
    words = tf.cast(tf.where(taken)[:, 0], tf.int32)
    weights = tf.where(tf.gather(needed, words), 1.0, 1 / tf.gather(probabilities, words))
    places = tf.gather(tf.cumsum(tf.cast(taken, tf.int32)) - 1, targets)
    return SampledWords(words, weights, places)
