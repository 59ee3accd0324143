"""Phrases that must appear: how far a hypothesis is with them, and which ones of a beam go on so that all come."""

from typing import NamedTuple

import tensorflow as tf


class Progress(NamedTuple):
    """How far hypotheses are with the phrases of their sentence.

    Args:
        met: `[sentences, beam, phrases]` bool: whether the phrase is there.
        begun: `[sentences, beam, phrases, phrase_time]` bool: whether so many of its first tokens are the latest ones.
    """

    met: tf.Tensor
    begun: tf.Tensor


def progress(written: tf.Tensor, phrases: tf.Tensor, pad: int) -> Progress:
    """Look for phrases in what is written.

    Args:
        written: `[sentences, beam, time]` int32, the tokens of the open hypotheses.
        phrases: `[sentences, phrases, phrase_time]` int32, padding on the right.
        pad: The id of the padding.

    Returns:
        How far the hypotheses are.

    Example:
        >>> written, phrases = tf.constant([[[3, 4, 5]]]), tf.constant([[[3, 4], [5, 6]]])
        >>> found = progress(written, phrases, pad=0)
        >>> found.met.numpy().tolist(), found.begun.numpy().tolist()
        ([[[True, False]]], [[[[True, False], [True, True]]]])
    """
    time, longest = tf.shape(written)[2], tf.shape(phrases)[2]
    phrases = phrases[:, tf.newaxis, :, tf.newaxis]
    # Every window of what is written; behind its end nothing matches but the padding of a phrase.
    padded = tf.pad(written, [[0, 0], [0, 0], [longest, longest]], constant_values=-1)
    windows = tf.gather(padded, longest + tf.range(time)[:, tf.newaxis] + tf.range(longest), axis=2)
    fits = (phrases == windows[:, :, tf.newaxis]) | (phrases == pad)
    met = tf.reduce_any(tf.reduce_all(fits, axis=4), axis=3) | tf.reduce_all(phrases == pad, axis=[3, 4])
    count, place = tf.range(longest)[:, tf.newaxis], tf.range(longest)
    ends = tf.gather(padded, longest + time - count + place, axis=2)
    begun = tf.reduce_all((phrases == ends[:, :, tf.newaxis]) | (place >= count), axis=4)
    return Progress(met, begun)


def next_tokens(found: Progress, phrases: tf.Tensor, pad: int) -> tf.Tensor:
    """Give the token that brings each phrase on, `[sentences, beam, phrases]`; padding where it is there already."""
    lengths = tf.math.count_nonzero(phrases != pad, axis=2, dtype=tf.int32)[:, tf.newaxis, :, tf.newaxis]
    count = tf.range(tf.shape(phrases)[2])
    done = tf.reduce_max(tf.where(found.begun & (count < lengths), count, 0), axis=3)
    phrases = tf.broadcast_to(phrases[:, tf.newaxis], tf.shape(found.begun))
    return tf.where(found.met, pad, tf.gather(phrases, done, batch_dims=3))


def fulfilled(found: Progress, phrases: tf.Tensor, tokens: tf.Tensor, pad: int) -> tf.Tensor:
    """Count the tokens of phrases that hypotheses have with one token more: those of whole ones, and of one begun.

    Args:
        found: How far they are without.
        phrases: `[sentences, phrases, phrase_time]` int32.
        tokens: `[sentences, beam, candidates]` int32, the tokens that may come next.
        pad: The id of the padding.

    Returns:
        `[sentences, beam, candidates]` int32.

    Example:
        >>> written, phrases = tf.constant([[[3, 4, 5]]]), tf.constant([[[3, 4], [5, 6]]])
        >>> fulfilled(progress(written, phrases, 0), phrases, tf.constant([[[6, 5, 4]]]), 0).numpy().tolist()
        [[[4, 3, 2]]]
    """
    lengths = tf.math.count_nonzero(phrases != pad, axis=2, dtype=tf.int32)[:, tf.newaxis, tf.newaxis]
    phrases = phrases[:, tf.newaxis, tf.newaxis]
    matches = (phrases == tokens[:, :, :, tf.newaxis, tf.newaxis]) & found.begun[:, :, tf.newaxis] & (phrases != pad)
    matched = tf.reduce_max(tf.where(matches, 1 + tf.range(tf.shape(phrases)[4]), 0), axis=4)
    whole = found.met[:, :, tf.newaxis] | (matched == lengths)
    begun = tf.maximum(tf.reduce_max(tf.where(whole, 0, matched), axis=3), 0)
    return tf.reduce_sum(tf.where(whole, lengths, 0), axis=3) + begun


def allocate(totals: tf.Tensor, banks: tf.Tensor, beam: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Choose who goes on: the best of every bank, then the second best of every bank, and so on.

    Args:
        totals: `[sentences, candidates]` float32, nats; −inf for what does not exist.
        banks: `[sentences, candidates]` int32: how many tokens of phrases each has. Of as good a rank, more come first.
        beam: How many go on.

    Returns:
        Their totals, best first, and their places, `[sentences, beam]`.

    Example:
        >>> totals, banks = tf.constant([[-1.0, -2.0, -9.0, -7.0]]), tf.constant([[0, 0, 1, 1]])
        >>> [each.numpy().tolist() for each in allocate(totals, banks, 3)]
        [[[-1.0, -7.0, -9.0]], [[0, 3, 2]]]
    """
    ordered, order = tf.math.top_k(totals, tf.shape(totals)[1])
    banks = tf.gather(banks, order, batch_dims=1)
    same = tf.cast(banks[:, :, tf.newaxis] == banks[:, tf.newaxis], tf.int32)
    rank = tf.reduce_sum(tf.linalg.band_part(same, -1, 0), axis=2)
    most = tf.reduce_max(banks, axis=1, keepdims=True) + 1
    turn = tf.where(tf.math.is_inf(ordered), tf.int32.max, rank * most - banks)
    chosen = tf.math.top_k(-turn, beam)[1]
    going, again = tf.math.top_k(tf.gather(ordered, chosen, batch_dims=1), beam)
    places = tf.gather(order, tf.gather(chosen, again, batch_dims=1), batch_dims=1)
    return going, places
