"""The sentences that a search still works on: finished ones leave, and what they found is put back in order."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.search.history import History, blank, lengthen
from seq2seq.search.hypotheses import Hypotheses
from seq2seq.search.step import IMPOSSIBLE, MINUS_INFINITY
from seq2seq.search.task import any_rows


class Found(NamedTuple):
    """What was found for each sentence so far.

    Args:
        history: `[sentences, hypotheses, time, ...]`, best first, END kept, then padding; behind what was found may
            stand what the search goes on from.
        scores: `[sentences, kept]` float32, nats.
        ended: `[sentences, kept]` bool, whether a hypothesis ended by itself.
    """

    history: History
    scores: tf.Tensor
    ended: tf.Tensor


class Sentences(NamedTuple):
    """What a search keeps for each sentence that it works on.

    Args:
        place: `[sentences]` int32, the place of the sentence in the batch that was given.
        max_length: `[sentences]` int32, the most tokens of a hypothesis, END counted.
        open: `[sentences]` bool, True while the search goes on.
        found: What was found for it.
    """

    place: tf.Tensor
    max_length: tf.Tensor
    open: tf.Tensor
    found: Found


Advance = Callable[[tf.Tensor, Any, Sentences, Any], tuple[Any, Sentences]]
"""`advance(length, rows, sentences, fixed) -> rows, sentences`: one more token; `length` counts it."""


def all_sentences(
    max_length: Any, source_time: tf.Tensor | int | None, *, kept: int, score: float, going: int = 0
) -> Sentences:
    """Begin with every sentence open and nothing found.

    Args:
        max_length: `[batch]`, integers of at least 1: the most tokens of a hypothesis, END counted.
        source_time: Positions of the source; None where nobody asks for attention.
        kept: How many hypotheses are kept per sentence.
        score: What a hypothesis begins with, nats.
        going: How many more are in the history of each sentence, behind those that are kept.

    Returns:
        The sentences, in their order.

    Raises:
        ValueError: If max_length is not one positive integer per sentence.

    Example:
        >>> all_sentences([3, 5], None, kept=1, score=0.0).open.numpy().tolist()
        [True, True]
    """
    max_length = tf.convert_to_tensor(max_length)
    if max_length.shape.rank not in (1, None) or not max_length.dtype.is_integer:
        # An empty list has no integers to tell its type by.
        if max_length.shape != [0]:
            raise ValueError(
                "max_length is one integer per sentence, [batch]. "
                f"Received: max_length of shape {max_length.shape} and type {max_length.dtype.name}. "
                "For one length for all, use tf.fill([batch], length)."
            )
    max_length = tf.cast(max_length, tf.int32)
    known = tf.get_static_value(max_length)
    message = "max_length counts the END, so it is at least 1."
    if known is None:
        # Nothing may run on such a length before it is refused.
        with tf.control_dependencies([tf.debugging.assert_positive(max_length, message)]):
            max_length = tf.identity(max_length)
    elif (known < 1).any():
        raise ValueError(f"{message} Received: max_length={known.tolist()}.")
    # Hidden from the graph optimizer. In TensorFlow 2.21 its constant folding believes that what enters a loop within a
    # loop with a known size keeps it, and a step function would be told the size of the whole batch for ever.
    batch = tf.raw_ops.PlaceholderWithDefault(input=tf.size(max_length), shape=[])
    return Sentences(
        place=tf.range(batch),
        max_length=max_length,
        open=tf.fill([batch], True),
        found=Found(
            history=blank(batch, kept + going, source_time),
            scores=tf.fill([batch, kept], tf.constant(score, tf.float32)),
            ended=tf.fill([batch, kept], False),
        ),
    )


def search_all(
    advance: Advance, rows: Any, sentences: Sentences, fixed: Any, *, beam: int, n_best: int, pad: int
) -> Hypotheses:
    """Advance until no sentence is open; when at most half of the sentences at work are open, the others leave.

    Args:
        advance: Adds one token. It must close a sentence at its max_length, at the latest.
        rows: A nest of tensors `[sentences · beam, ...]`, what changes with each token.
        sentences: All sentences, open.
        fixed: A nest of tensors `[sentences, ...]`, what does not change.
        beam: The rows of one sentence.
        n_best: How many of the found hypotheses of each sentence are wanted.
        pad: The id of the padding.

    Returns:
        What was found, in the order of the batch that was given, filled up to the greatest max_length.
    """
    longest = tf.reduce_max(tf.concat([[0], sentences.max_length], axis=0))
    row_shapes, shapes = any_rows(rows), any_rows(sentences)._replace(found=_any_time(sentences.found))

    def whole(found: Found, length: tf.Tensor) -> Found:
        found = tf.nest.map_structure(lambda leaf: leaf[:, :n_best], found)
        return found._replace(history=lengthen(found.history, longest - length, pad))

    def mostly_open(length: tf.Tensor, rows: Any, sentences: Sentences) -> tf.Tensor:
        return 2 * tf.reduce_sum(tf.cast(sentences.open, tf.int32)) > tf.size(sentences.open)

    def work(length: tf.Tensor, rows: Any, sentences: Sentences, fixed: Any, found: Found) -> tuple[Any, ...]:
        def one_more(length: tf.Tensor, rows: Any, sentences: Sentences) -> tuple[Any, ...]:
            return length + 1, *advance(length + 1, rows, sentences, fixed)

        # Two loops rather than a condition at every token: the inner one keeps its shapes, and reads `fixed` in place.
        length, rows, sentences = tf.while_loop(
            mostly_open, one_more, (length, rows, sentences), (tf.TensorShape([]), row_shapes, shapes)
        )
        # Those still open are written, too, and again when they close.
        now, places = whole(sentences.found, length), sentences.place[:, tf.newaxis]
        found = tf.nest.map_structure(lambda all, some: tf.tensor_scatter_nd_update(all, places, some), found, now)
        stay = tf.cast(tf.where(sentences.open)[:, 0], tf.int32)
        stay_rows = tf.reshape(stay[:, tf.newaxis] * beam + tf.range(beam), [-1])
        return length, take(rows, stay_rows), take(sentences, stay), take(fixed, stay), found

    nothing = tf.constant(0)
    found = whole(sentences.found, nothing)
    *_, found = tf.while_loop(
        lambda length, rows, sentences, fixed, found: tf.size(sentences.place) > 0,
        work,
        (nothing, rows, sentences, fixed, found),
        (tf.TensorShape([]), row_shapes, shapes, any_rows(fixed), _any_time(found)),
    )
    tokens, token_scores, attention = found.history
    return Hypotheses(tokens, found.scores, token_scores, found.ended, *tf.nest.flatten(attention))


def _any_time(found: Found) -> Found:
    """The shapes that it keeps while it grows."""
    history = tf.nest.map_structure(
        lambda leaf: tf.TensorShape([None, leaf.shape[1], *[None] * (leaf.shape.rank - 2)]), found.history
    )
    return any_rows(found)._replace(history=history)


def take(nest: Any, index: tf.Tensor) -> Any:
    """Pick rows from every tensor of a nest.

    Args:
        nest: A nest of tensors `[rows, ...]`.
        index: `[picked]` int32.

    Returns:
        The same nest, of tensors `[picked, ...]`.

    Example:
        >>> take({"hidden": tf.constant([[1], [2], [3]])}, tf.constant([2, 0]))["hidden"].numpy().tolist()
        [[3], [1]]
    """
    return tf.nest.map_structure(lambda leaf: tf.gather(leaf, index), nest)


def trimmed(found: Hypotheses, pad: int) -> Hypotheses:
    """Cut the hypotheses to the longest of them, and tell impossible ones by a score of −inf.

    Args:
        found: The hypotheses.
        pad: The id of the padding.

    Returns:
        The hypotheses.

    Example:
        >>> tokens, scores = tf.constant([[[2, 0, 0], [3, 2, 0]]]), tf.constant([[-1.0, -2e30]])
        >>> found = trimmed(Hypotheses(tokens, scores, tf.zeros([1, 2, 3]), scores > -9), pad=0)
        >>> found.tokens.numpy().tolist(), found.scores.numpy().tolist()
        ([[[2, 0], [3, 2]]], [[-1.0, -inf]])
    """
    real = found.tokens != pad
    time = tf.reduce_sum(tf.cast(tf.reduce_any(real, axis=[0, 1]), tf.int32))
    return Hypotheses(
        tokens=found.tokens[:, :, :time],
        scores=_told(found.scores),
        token_scores=_told(found.token_scores[:, :, :time]),
        ended=found.ended & tf.reduce_any(real, axis=2),
        attention=None if found.attention is None else found.attention[:, :, :time],
    )


def _told(scores: tf.Tensor) -> tf.Tensor:
    return tf.where(scores > IMPOSSIBLE / 2, scores, MINUS_INFINITY)
