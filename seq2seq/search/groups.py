"""Diverse beam search: groups of hypotheses that keep away from the tokens of each other."""

from typing import Any

import tensorflow as tf

from seq2seq.search.hypotheses import Hypotheses
from seq2seq.search.settings import Beam
from seq2seq.search.step import MINUS_INFINITY


def choose_apart(settings: Beam, totals: tf.Tensor, tokens: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Choose who goes on in each group: a token loses `diversity` for each time that a group before has chosen it now.

    Args:
        settings: What to search with.
        totals: `[sentences · groups, candidates]` float32, nats, those of the groups of a sentence together.
        tokens: `[sentences · groups, candidates]` int32.

    Returns:
        The totals of those who go on, without what they lost, best first, and their places,
        `[sentences · groups, beam_size / groups]`.
    """
    groups, beam = settings.groups, settings.beam_size // settings.groups
    count = tf.shape(totals)[1]
    of_groups = [tf.unstack(tf.reshape(each, [-1, groups, count]), groups, axis=1) for each in (totals, tokens)]
    taken = tf.zeros_like(of_groups[1][0])[:, :0]
    chosen = []
    for total, token in zip(*of_groups, strict=True):
        times = tf.reduce_sum(tf.cast(token[:, :, tf.newaxis] == taken[:, tf.newaxis], tf.float32), axis=2)
        _, places = tf.math.top_k(total - settings.diversity * times, beam)
        chosen.append(places)
        # What does not exist, as in a group that is done, stands in nobody's way.
        exists = tf.gather(total, places, batch_dims=1) > MINUS_INFINITY
        taken = tf.concat([taken, tf.where(exists, tf.gather(token, places, batch_dims=1), -1)], axis=1)
    places = tf.reshape(tf.stack(chosen, axis=1), [-1, beam])
    going, order = tf.math.top_k(tf.gather(totals, places, batch_dims=1), beam)
    return going, tf.gather(places, order, batch_dims=1)


def while_any_is(opened: tf.Tensor, groups: int) -> tf.Tensor:
    """Keep all groups of a sentence at work, `[sentences · groups]` bool, while one of them is."""
    return tf.repeat(tf.reduce_any(tf.reshape(opened, [-1, groups]), axis=1), groups)


def merged(found: Hypotheses, settings: Beam, pad: int) -> Hypotheses:
    """Put what the groups of a sentence found together, best first, each hypothesis once.

    Args:
        found: `[sentences · groups, beam_size / groups, ...]`.
        settings: What was searched with.
        pad: The id of the padding.

    Returns:
        `[sentences, n_best, ...]`.
    """
    tokens = _together(found.tokens, settings)
    same = tf.reduce_all(tokens[:, :, tf.newaxis] == tokens[:, tf.newaxis], axis=3)
    again = tf.reduce_sum(tf.linalg.band_part(tf.cast(same, tf.int32), -1, 0), axis=2) > 1
    # One that was found before is as if it were not there: padding, behind all that are.
    scores, order = tf.math.top_k(tf.where(again, MINUS_INFINITY, _together(found.scores, settings)), settings.n_best)
    again = tf.gather(again, order, batch_dims=1)

    def chosen(part: tf.Tensor, nothing: Any) -> tf.Tensor:
        part = tf.gather(_together(part, settings), order, batch_dims=1)
        rest = tf.ones([tf.rank(part) - 2], tf.int32)
        return tf.where(tf.reshape(again, tf.concat([tf.shape(again), rest], axis=0)), nothing, part)

    return Hypotheses(
        tokens=chosen(found.tokens, pad),
        scores=scores,
        token_scores=chosen(found.token_scores, 0.0),
        ended=chosen(found.ended, False),
        attention=None if found.attention is None else chosen(found.attention, 0.0),
    )


def _together(part: tf.Tensor, settings: Beam) -> tf.Tensor:
    """Give what all groups of a sentence have beside each other, `[sentences, beam_size, ...]`."""
    return tf.reshape(part, tf.concat([[-1, settings.beam_size], tf.shape(part)[2:]], axis=0))
