"""What every search gives back."""

from typing import NamedTuple

import tensorflow as tf


class Hypotheses(NamedTuple):
    """The best target sequences of each sentence, in the order in which the sentences came.

    A hypothesis is its tokens up to and with END, then padding. Where fewer than `n_best` hypotheses exist (with a
    maximum length of 1 there is only the empty sentence), the missing ones are all padding and score −inf.

    Args:
        tokens: `[batch, n_best, target_time]` int32; target_time is the length of the longest hypothesis, END counted.
        scores: `[batch, n_best]` float32, nats, best first; −inf for what the model calls impossible.
    """

    tokens: tf.Tensor
    scores: tf.Tensor
