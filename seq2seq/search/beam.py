"""Beam search: the best few hypotheses side by side."""

import math
from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.search.hypotheses import Hypotheses
from seq2seq.search.open_sentences import Sentences, all_sentences, best_of, search_all, take
from seq2seq.search.step import (
    IMPOSSIBLE,
    MINUS_INFINITY,
    Step,
    any_rows,
    candidates,
    special_ids,
    take_step,
    tensors,
)


class Beam(NamedTuple):
    """What changes with each token: the open hypotheses, those of one sentence together, best first.

    Args:
        tokens: `[sentences · beam]` int32, the last tokens.
        log_probs: `[sentences · beam]` float32, nats, the sum over the tokens so far; −inf for a hypothesis that does
            not exist.
        history: `[sentences · beam, time]` int32, the tokens so far.
        state: The state of the model, a nest of tensors `[sentences · beam, ...]`.
    """

    tokens: tf.Tensor
    log_probs: tf.Tensor
    history: tf.Tensor
    state: Any


def beam_search(
    step: Step,
    state: Any,
    memory: Any,
    *,
    beam_size: int,
    n_best: int = 1,
    length_penalty: float = 1.0,
    max_length: tf.Tensor,
    start: int,
    end: int,
    pad: int = 0,
) -> Hypotheses:
    """Keep the `beam_size` best open hypotheses of each sentence at every step, and the best finished ones.

    Graph code: call it inside a `tf.function`. At every step an end that is among the best `beam_size` candidates of
    its sentence finishes a hypothesis, and the best `beam_size` other candidates go on. A sentence is done

    - when no open hypothesis can still become better than the `n_best`-th finished one;
    - or when it has `beam_size` finished hypotheses, and no open one is better, as it stands, than the `n_best`-th;
    - or at its maximum length: there every open hypothesis ends, and the end counts with its real probability, so that
      a score is always the model's probability of a whole sentence.

    Padding and start are never produced. A beam of 1 is greedy search.

    Args:
        step: `step(tokens [rows] int32, state, memory) -> (logits [rows, vocab], state)`; rows = batch · beam_size, the
            rows of one sentence together.
        state: Any nest of tensors `[batch, ...]`, what the first step starts from; repeated inside.
        memory: Any nest of tensors `[batch, ...]`, what the steps read; never repeated.
        beam_size: How many open hypotheses each sentence has.
        n_best: How many hypotheses of each sentence are given back, at most `beam_size`.
        length_penalty: A hypothesis scores its sum of log-probabilities / length ** length_penalty, END counted: 0 the
            plain sum, 1 the mean per token, above 1 favours long sentences.
        max_length: `[batch]` integers, the most tokens of a hypothesis, END counted.
        start: The token that the first step reads.
        end: The token that ends a sentence.
        pad: What fills up behind the end.

    Returns:
        tokens `[batch, n_best, target_time]` and scores `[batch, n_best]`, best first.

    Raises:
        ValueError: If beam_size, n_best or length_penalty is out of range, the ids clash, max_length is not one
            positive integer per sentence, or step changes the kind of its state.

    Example:
        >>> def step(tokens, state, memory):  # 3 is better than 4 at first, but only 4 ends surely
        ...     table = [[0.0] * 5, [-9, -9, -9, 0.6, 0.5], [0.0] * 5, [-9, -9, 0, 0, 0], [-9, -9, 9, 0, 0]]
        ...     return tf.gather(tf.constant(table, tf.float32), tokens), state
        >>> found = beam_search(step, (), (), beam_size=2, n_best=2, max_length=[3], start=1, end=2)
        >>> found.tokens.numpy().tolist()
        [[[4, 2], [3, 2]]]

    Source:
        Sutskever et al. 2014, section 3.2; the length normalisation of Cho et al. 2014, "On the properties", section 4.
    """
    _check(beam_size, n_best, length_penalty)
    ids = special_ids(start, end, pad)
    state, memory = tensors(state, "state"), tensors(memory, "memory")
    sentences = all_sentences(max_length, kept=beam_size, score=MINUS_INFINITY)

    def normalised(log_probs: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
        if length_penalty == 0:
            return log_probs
        # The impossible stays far below everything else, however long it is.
        lengths = tf.pow(tf.cast(length, tf.float32), length_penalty)
        return tf.where(log_probs > IMPOSSIBLE / 2, log_probs / lengths, log_probs)

    def advance(length: tf.Tensor, beam: Beam, sentences: Sentences, memory: Any) -> tuple[Beam, Sentences]:
        logits, state = take_step(step, beam.tokens, beam.state, memory)
        tokens, log_probs, end_log_probs = candidates(logits, beam_size, ids)
        width = tf.shape(tokens)[1]

        # The best that go on. At the last token nothing does.
        totals = tf.reshape(beam.log_probs[:, tf.newaxis] + log_probs, [-1, beam_size * width])
        going, index = tf.math.top_k(totals, beam_size)
        going = tf.where((length >= sentences.max_length)[:, tf.newaxis], MINUS_INFINITY, going)

        # An end is good enough if fewer than beam_size candidates are better.
        ending = tf.reshape(beam.log_probs + end_log_probs, [-1, beam_size])
        threshold = tf.math.top_k(tf.concat([ending, going], axis=1), beam_size)[0][:, -1:]
        finished = tf.where(ending >= threshold, normalised(ending, length), MINUS_INFINITY)
        scores, kept = tf.math.top_k(tf.concat([sentences.scores, finished], axis=1), beam_size)
        histories = tf.reshape(beam.history, [tf.size(sentences.open), beam_size, length - 1])
        found = tf.gather(tf.concat([sentences.tokens, histories], axis=1), kept, batch_dims=1)
        found = tf.concat([found, tf.where(kept < beam_size, ids.pad, ids.end)[:, :, tf.newaxis]], axis=2)

        # Log-probabilities only fall, and a negative sum is best divided by the greatest length: a bound that is exact.
        # Beside it, a full set of finished ones stops the search only if it is good: a sure model always has some
        # hopeless end among its candidates, and enough of those are soon together.
        worst = scores[:, n_best - 1]
        full = scores[:, beam_size - 1] > MINUS_INFINITY
        done = normalised(going[:, 0], sentences.max_length) <= worst
        done |= full & (normalised(going[:, 0], length) <= worst)
        going = tf.where(done[:, tf.newaxis], MINUS_INFINITY, going)

        # Flat places among all candidates: [sentences, beam, width] in one axis, so that a row is a place // width.
        places = tf.reshape(index + tf.range(tf.size(sentences.open))[:, tf.newaxis] * (beam_size * width), [-1])
        parents = places // width
        tokens = tf.gather(tf.reshape(tokens, [-1]), places)
        beam = Beam(
            tokens=tokens,
            log_probs=tf.reshape(going, [-1]),
            history=tf.concat([tf.gather(beam.history, parents), tokens[:, tf.newaxis]], axis=1),
            state=state if beam_size == 1 else take(state, parents),
        )
        return beam, sentences._replace(open=~done, tokens=found, scores=scores)

    # Row 0 of each sentence is the one hypothesis that there is at the start.
    rows = tf.range(tf.size(sentences.place) * beam_size)
    beam = Beam(
        tokens=tf.fill(tf.shape(rows), ids.start),
        log_probs=tf.where(rows % beam_size == 0, 0.0, MINUS_INFINITY),
        history=tf.zeros([tf.size(rows), 0], tf.int32),
        state=take(state, rows // beam_size),
    )
    shapes = any_rows(beam)._replace(history=tf.TensorShape([None, None]))
    found = search_all(advance, beam, sentences, memory, beam=beam_size, row_shapes=shapes, pad=ids.pad)
    return best_of(found, n_best, ids.pad)


def _check(beam_size: int, n_best: int, length_penalty: float) -> None:
    if beam_size < 1:
        raise ValueError(f"The beam needs at least one hypothesis. Received: beam_size={beam_size}.")
    if not 1 <= n_best <= beam_size:
        raise ValueError(
            "n_best is at least 1, and at most beam_size, because a beam finishes no more hypotheses. "
            f"Received: n_best={n_best}, beam_size={beam_size}. Use a wider beam for more hypotheses."
        )
    if not (math.isfinite(length_penalty) and length_penalty >= 0):
        raise ValueError(
            "length_penalty is a number from 0 (the plain sum of log-probabilities) upwards; "
            f"1 is their mean per token. Received: length_penalty={length_penalty}."
        )
