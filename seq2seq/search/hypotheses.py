"""What every search gives back."""

from typing import NamedTuple

import tensorflow as tf


class Hypotheses(NamedTuple):
    """The best target sequences of each sentence, in the order in which the sentences came.

    A hypothesis is its tokens up to and with END, then padding. Where fewer than `n_best` hypotheses exist (with a
    maximum length of 1 there is only the empty sentence), the missing ones are all padding and score −inf.

    Args:
        tokens: `[batch, n_best, target_time]` int32; target_time is the length of the longest hypothesis, END counted.
        scores: `[batch, n_best]` float32, nats, best first: what the settings make of the sum of the token scores and
            of the length, END counted; −inf for what the model calls impossible.
        token_scores: `[batch, n_best, target_time]` float32, nats: the log-probability that the model gives each token;
            0 at padding.
        ended: `[batch, n_best]` bool: whether the search would have ended the hypothesis there by itself. False where
            only the maximum length ended it.
        attention: `[batch, n_best, target_time, source_time]` float32: what the model looked at when it produced each
            token; 0 at padding. None where it was not asked for.
    """

    tokens: tf.Tensor
    scores: tf.Tensor
    token_scores: tf.Tensor
    ended: tf.Tensor
    attention: tf.Tensor | None = None
