"""Greedy search: the most probable token at every step."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.search.hypotheses import Hypotheses
from seq2seq.search.open_sentences import Sentences, all_sentences, best_of, search_all
from seq2seq.search.step import SpecialIds, Step, any_rows, candidates, special_ids, take_step, tensors

Choose = Callable[[tf.Tensor, tf.Tensor, Sentences, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
"""`choose(logits [rows, vocab], last [rows] bool, sentences, length) -> tokens [rows], log_probs [rows]`."""


class Path(NamedTuple):
    """What changes with each token of a search that follows one path.

    Args:
        tokens: `[sentences]` int32, the last tokens.
        state: The state of the model, a nest of tensors `[sentences, ...]`.
    """

    tokens: tf.Tensor
    state: Any


def greedy_search(
    step: Step, state: Any, memory: Any, *, max_length: tf.Tensor, start: int, end: int, pad: int = 0
) -> Hypotheses:
    """Follow the most probable token until the sentence ends.

    Graph code: call it inside a `tf.function`. Padding and start are never produced. At its maximum length a sentence
    ends whatever the model says, and the end counts with its real probability. Equal tokens: the end first, then the
    lowest id.

    Args:
        step: `step(tokens [rows] int32, state, memory) -> (logits [rows, vocab], state)`; here rows = batch.
        state: Any nest of tensors `[batch, ...]`, what the first step starts from.
        memory: Any nest of tensors `[batch, ...]`, what the steps read.
        max_length: `[batch]` integers, the most tokens of a hypothesis, END counted.
        start: The token that the first step reads.
        end: The token that ends a sentence.
        pad: What fills up behind the end.

    Returns:
        One hypothesis per sentence: tokens `[batch, 1, target_time]`, scores `[batch, 1]`, the sum of log-probabilities
        in nats, END counted.

    Raises:
        ValueError: If the ids clash, max_length is not one positive integer per sentence, or step changes the kind of
            its state.

    Example:
        >>> def step(tokens, state, memory):  # after the start (1) a 3, then the end (2)
        ...     return 9.0 * tf.one_hot(tf.where(tokens == 1, 3, 2), 4), state
        >>> greedy_search(step, (), (), max_length=[5, 1], start=1, end=2).tokens.numpy().tolist()
        [[[3, 2]], [[2, 0]]]
    """
    ids = special_ids(start, end, pad)

    def choose(
        logits: tf.Tensor, last: tf.Tensor, sentences: Sentences, length: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        tokens, log_probs, end_log_probs = candidates(logits, 1, ids)
        best = tf.argmax(log_probs, axis=1, output_type=tf.int32)
        best_log_probs = tf.reduce_max(log_probs, axis=1)
        ends = last | (end_log_probs >= best_log_probs)
        tokens = tf.where(ends, end, tf.gather(tokens, best, batch_dims=1))
        return tokens, tf.where(ends, end_log_probs, best_log_probs)

    return follow(choose, step, state, memory, max_length=max_length, ids=ids)


def follow(
    choose: Choose, step: Step, state: Any, memory: Any, *, max_length: tf.Tensor, ids: SpecialIds
) -> Hypotheses:
    """Follow one path per sentence, whatever chooses the tokens.

    Args:
        choose: Chooses the next token of every row; the end where it is told that this is the last.
        step: The step function.
        state: A nest of tensors `[batch, ...]`.
        memory: A nest of tensors `[batch, ...]`.
        max_length: `[batch]` integers, END counted.
        ids: The special ids.

    Returns:
        One hypothesis per sentence and the sum of its log-probabilities.
    """
    state, memory = tensors(state, "state"), tensors(memory, "memory")
    sentences = all_sentences(max_length, kept=1, score=0.0)

    def advance(length: tf.Tensor, path: Path, sentences: Sentences, memory: Any) -> tuple[Path, Sentences]:
        logits, state = take_step(step, path.tokens, path.state, memory)
        tokens, log_probs = choose(logits, length >= sentences.max_length, sentences, length)
        tokens = tf.where(sentences.open, tokens, ids.pad)
        log_probs = tf.where(sentences.open, log_probs, 0.0)
        return Path(tokens, state), sentences._replace(
            open=sentences.open & (tokens != ids.end),
            tokens=tf.concat([sentences.tokens, tokens[:, tf.newaxis, tf.newaxis]], axis=2),
            scores=sentences.scores + log_probs[:, tf.newaxis],
        )

    path = Path(tf.fill(tf.shape(sentences.place), ids.start), state)
    found = search_all(advance, path, sentences, memory, beam=1, row_shapes=any_rows(path), pad=ids.pad)
    return best_of(found, 1, ids.pad)
