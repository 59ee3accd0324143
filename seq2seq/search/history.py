"""What a search writes down with each token of its hypotheses."""

from typing import Any, NamedTuple

import tensorflow as tf


class History(NamedTuple):
    """What is known of some hypotheses, or of their latest tokens (then without the axis of time).

    Args:
        tokens: `[sentences, hypotheses, time]` int32.
        token_scores: `[sentences, hypotheses, time]` float32, nats.
        attention: `[sentences, hypotheses, time, source_time]` float32; an empty tuple where nobody asks for it, which
            costs a loop nothing.
    """

    tokens: Any
    token_scores: Any
    attention: Any


def blank(sentences: tf.Tensor, hypotheses: int, source_time: tf.Tensor | int | None) -> History:
    """Begin hypotheses without a token.

    Args:
        sentences: Their number, a scalar int32.
        hypotheses: Hypotheses per sentence.
        source_time: Positions of the source; None where nobody asks for attention.

    Returns:
        The hypotheses, of time 0.

    Example:
        >>> blank(tf.constant(3), 2, 5).attention.shape
        TensorShape([3, 2, 0, 5])
    """
    shape = [sentences, hypotheses, 0]
    attention = () if source_time is None else tf.zeros([*shape, source_time])
    return History(tf.zeros(shape, tf.int32), tf.zeros(shape), attention)


def append(history: History, latest: History) -> History:
    """Write one more token of each hypothesis behind the others.

    Args:
        history: The hypotheses.
        latest: Their next tokens.

    Returns:
        The hypotheses, longer by one.

    Example:
        >>> history = blank(tf.constant(1), 1, None)
        >>> for token in (7, 2):
        ...     history = append(history, History(tf.constant([[token]]), tf.constant([[-0.5]]), ()))
        >>> history.tokens.numpy().tolist(), history.token_scores.numpy().tolist()
        ([[[7, 2]]], [[[-0.5, -0.5]]])
    """
    return tf.nest.map_structure(lambda past, new: tf.concat([past, tf.expand_dims(new, 2)], axis=2), history, latest)


def lengthen(history: History, more: tf.Tensor, pad: int) -> History:
    """Fill up behind the hypotheses.

    Args:
        history: The hypotheses.
        more: How many tokens of padding.
        pad: The id of the padding.

    Returns:
        The hypotheses, longer by `more`.
    """

    def padded(leaf: tf.Tensor, value: float) -> tf.Tensor:
        rest = [[0, 0]] * (leaf.shape.rank - 3)
        return tf.pad(leaf, [[0, 0], [0, 0], [0, more], *rest], constant_values=value)

    unseen = tf.nest.map_structure(lambda leaf: 0.0, history.attention)
    return tf.nest.map_structure(padded, history, History(pad, 0.0, unseen))
