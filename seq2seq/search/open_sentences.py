"""The sentences that a search still works on: finished ones leave, and what they found is put back in order."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.search.hypotheses import Hypotheses
from seq2seq.search.step import IMPOSSIBLE, MINUS_INFINITY, any_rows


class Sentences(NamedTuple):
    """What a search keeps for each sentence that it works on.

    Args:
        place: `[sentences]` int32, the place of the sentence in the batch that was given.
        max_length: `[sentences]` int32, the most tokens of a hypothesis, END counted.
        open: `[sentences]` bool, True while the search goes on.
        tokens: `[sentences, kept, time]` int32, what was found, END kept, then padding.
        scores: `[sentences, kept]` float32, nats, best first.
    """

    place: tf.Tensor
    max_length: tf.Tensor
    open: tf.Tensor
    tokens: tf.Tensor
    scores: tf.Tensor


Advance = Callable[[tf.Tensor, Any, Sentences, Any], tuple[Any, Sentences]]
"""`advance(length, rows, sentences, memory) -> rows, sentences`: one more token; `length` counts it."""


def all_sentences(max_length: Any, *, kept: int, score: float) -> Sentences:
    """Begin with every sentence open and nothing found.

    Args:
        max_length: `[batch]`, integers of at least 1: the most tokens of a hypothesis, END counted.
        kept: How many hypotheses are kept per sentence.
        score: What a hypothesis begins with, nats.

    Returns:
        The sentences, in their order.

    Raises:
        ValueError: If max_length is not one positive integer per sentence.

    Example:
        >>> all_sentences([3, 5], kept=1, score=0.0).open.numpy().tolist()
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
        tokens=tf.zeros([batch, kept, 0], tf.int32),
        scores=tf.fill([batch, kept], tf.constant(score, tf.float32)),
    )


def search_all(
    advance: Advance, rows: Any, sentences: Sentences, memory: Any, *, beam: int, row_shapes: Any, pad: int
) -> Hypotheses:
    """Advance until no sentence is open; when at most half of the sentences at work are open, the others leave.

    Args:
        advance: Adds one token. It must close a sentence at its max_length, at the latest.
        rows: A nest of tensors `[sentences · beam, ...]`, what changes with each token.
        sentences: All sentences, open.
        memory: A nest of tensors `[sentences, ...]`, what does not change.
        beam: The rows of one sentence.
        row_shapes: The nest of the shapes that the rows keep.
        pad: The id of the padding.

    Returns:
        What was found, in the order of the batch that was given, cut to the longest hypothesis.
    """
    batch, kept = tf.size(sentences.place), sentences.scores.shape[1]
    longest = tf.reduce_max(tf.concat([[0], sentences.max_length], axis=0))
    shapes = any_rows(sentences)._replace(tokens=tf.TensorShape([None, kept, None]))

    def mostly_open(length: tf.Tensor, rows: Any, sentences: Sentences) -> tf.Tensor:
        return 2 * tf.reduce_sum(tf.cast(sentences.open, tf.int32)) > tf.size(sentences.open)

    def work(length: tf.Tensor, rows: Any, sentences: Sentences, memory: Any, found: Hypotheses) -> tuple[Any, ...]:
        def one_more(length: tf.Tensor, rows: Any, sentences: Sentences) -> tuple[Any, ...]:
            return length + 1, *advance(length + 1, rows, sentences, memory)

        # Two loops rather than a condition at every token: the inner one keeps its shapes, and reads memory in place.
        length, rows, sentences = tf.while_loop(
            mostly_open, one_more, (length, rows, sentences), (tf.TensorShape([]), row_shapes, shapes)
        )
        # Those still open are written, too, and again when they close.
        tokens = tf.pad(sentences.tokens, [[0, 0], [0, 0], [0, longest - length]], constant_values=pad)
        places = sentences.place[:, tf.newaxis]
        found = Hypotheses(
            tf.tensor_scatter_nd_update(found.tokens, places, tokens),
            tf.tensor_scatter_nd_update(found.scores, places, sentences.scores),
        )
        stay = tf.cast(tf.where(sentences.open)[:, 0], tf.int32)
        stay_rows = tf.reshape(stay[:, tf.newaxis] * beam + tf.range(beam), [-1])
        return length, take(rows, stay_rows), take(sentences, stay), take(memory, stay), found

    found = Hypotheses(tf.fill([batch, kept, longest], pad), tf.zeros([batch, kept]))
    *_, found = tf.while_loop(
        lambda length, rows, sentences, memory, found: tf.size(sentences.place) > 0,
        work,
        (tf.constant(0), rows, sentences, memory, found),
        (tf.TensorShape([]), row_shapes, shapes, any_rows(memory), any_rows(found)._replace(tokens=shapes.tokens)),
    )
    return found


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


def best_of(found: Hypotheses, n_best: int, pad: int) -> Hypotheses:
    """Keep the first hypotheses of each sentence, cut to the longest of them.

    Args:
        found: `kept` hypotheses per sentence, best first.
        n_best: How many stay.
        pad: The id of the padding.

    Returns:
        The hypotheses, impossible ones with a score of −inf.

    Example:
        >>> found = Hypotheses(tf.constant([[[2, 0, 0], [3, 2, 0]]]), tf.constant([[-1.0, -2e30]]))
        >>> best_of(found, 2, pad=0).tokens.numpy().tolist(), best_of(found, 2, pad=0).scores.numpy().tolist()
        ([[[2, 0], [3, 2]]], [[-1.0, -inf]])
    """
    tokens, scores = found.tokens[:, :n_best], found.scores[:, :n_best]
    used = tf.reduce_any(tokens != pad, axis=[0, 1])
    tokens = tokens[:, :, : tf.reduce_sum(tf.cast(used, tf.int32))]
    return Hypotheses(tokens, tf.where(scores > IMPOSSIBLE / 2, scores, MINUS_INFINITY))
