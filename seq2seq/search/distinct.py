"""Sampling without replacement: several hypotheses drawn together, none of them twice."""

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.search.beam import pick
from seq2seq.search.history import History, append
from seq2seq.search.hypotheses import Hypotheses
from seq2seq.search.open_sentences import Found, Sentences, all_sentences, search_all, take, trimmed
from seq2seq.search.scores import divisor, normalised, rewarded
from seq2seq.search.settings import Sample
from seq2seq.search.step import MINUS_INFINITY, banned_next, log_probabilities, take_step
from seq2seq.search.task import Fixed, Task
from seq2seq.search.weights import cut, is_cut, weigh

_LEAST = 1e-37  # a number above 0, whose logarithm is one


class Rows(NamedTuple):
    """What changes with each token of the hypotheses, those of one sentence together.

    Args:
        tokens: `[sentences · n_best]` int32, the last tokens.
        log_probs: `[sentences · n_best]` float32, nats: what a hypothesis is drawn with.
        perturbed: `[sentences · n_best]` float32: the same with the noise that decides who is drawn; −inf for a
            hypothesis that does not exist.
        going: `[sentences · n_best]` bool, whether a hypothesis goes on.
        state: The state of the model, a nest of tensors `[sentences · n_best, ...]`.
    """

    tokens: tf.Tensor
    log_probs: tf.Tensor
    perturbed: tf.Tensor
    going: tf.Tensor
    state: Any


def draw_distinct(settings: Sample, task: Task) -> Hypotheses:
    """Draw `n_best` different hypotheses of each sentence, as if one after the other without those drawn before.

    To every sentence that there could be belongs its log-probability and a Gumbel noise of its own, and the `n_best`
    with the greatest sums are such a draw. Of all that begin alike, the greatest sum is distributed as that of the
    beginning alone: so a beam that keeps the best sums, and gives what goes on from each a noise with that maximum,
    finds them without looking at all sentences.

    Args:
        settings: What to search with.
        task: What is searched.

    Returns:
        The hypotheses, best score first; where fewer than `n_best` have a probability above 0, the missing ones are
        padding.

    Source:
        Kool et al. 2019, algorithm 1; the maximum's numerics of appendix B.3.
    """
    ids, beam = task.ids, settings.n_best
    sentences = all_sentences(task.max_length, task.source_time, kept=beam, score=MINUS_INFINITY)
    paths = tf.size(sentences.place) * beam
    seed = tf.convert_to_tensor(settings.seed, tf.int64)

    def advance(length: tf.Tensor, rows: Rows, sentences: Sentences, fixed: Fixed) -> tuple[Rows, Sentences]:
        logits, state, attention = take_step(task, rows.tokens, rows.state, fixed.memory)
        history, _, has_ended = sentences.found
        banned = banned_next(settings, fixed, history.tokens, logits, ids.pad)
        offered = weigh(settings, logits, banned, length, ids)
        every = tf.broadcast_to(tf.range(tf.shape(logits)[1]), tf.shape(logits))
        weights, tokens = tf.cond(
            is_cut(settings), lambda: cut(settings, offered.weights), lambda: (offered.weights, every)
        )
        log_probs = rows.log_probs[:, tf.newaxis] + tf.math.log(weights / tf.reduce_sum(weights, axis=1, keepdims=True))
        # Numbers for the whole batch, so that it does not matter who has left.
        numbers = tf.random.stateless_uniform(
            [paths, tf.shape(logits)[1]],
            tf.stack([seed, tf.cast(length, tf.int64)]),
            minval=_LEAST,
            alg="philox",
        )
        place = tf.reshape(beam * sentences.place[:, tf.newaxis] + tf.range(beam), [-1])
        numbers = tf.gather(numbers, place)[:, : tf.shape(tokens)[1]]
        perturbed = _below(rows.perturbed, log_probs - tf.math.log(-tf.math.log(numbers)))

        # What is done stays as it is, and what has to end keeps its sum, whatever would have come next.
        last = tf.repeat(length >= sentences.max_length, beam) & rows.going
        ended = pick(tokens, tf.argmax(perturbed, axis=1, output_type=tf.int32)[:, tf.newaxis])[:, 0] == ids.end
        stay = last | ~rows.going
        perturbed = tf.where(stay[:, tf.newaxis], MINUS_INFINITY, perturbed)
        perturbed = tf.concat([perturbed, tf.where(stay, rows.perturbed, MINUS_INFINITY)[:, tf.newaxis]], axis=1)
        log_probs = tf.concat([log_probs, rows.log_probs[:, tf.newaxis]], axis=1)
        tokens = tf.concat([tokens, tf.where(last, ids.end, ids.pad)[:, tf.newaxis]], axis=1)
        width = tf.shape(tokens)[1]
        best, index = tf.math.top_k(tf.reshape(perturbed, [-1, beam * width]), beam)
        parents = index // width
        chosen = pick(tf.reshape(tokens, [-1, beam * width]), index)

        from_rows = tf.reshape(beam * tf.range(tf.size(sentences.open))[:, tf.newaxis] + parents, [-1])
        chosen_rows = tf.reshape(chosen, [-1])
        real = chosen_rows != ids.pad
        given = tf.gather(offered.logits, from_rows)
        scores = log_probabilities(
            tf.gather(given, chosen_rows[:, tf.newaxis], batch_dims=1), tf.gather(offered.total, from_rows)
        )[:, 0]
        ended = tf.where(tf.gather(last, from_rows), tf.gather(ended, from_rows), real & (chosen_rows == ids.end))
        latest = History(
            tokens=chosen[:, :, tf.newaxis],
            token_scores=tf.reshape(tf.where(real, scores, 0.0), [-1, beam, 1]),
            attention=() if task.source_time is None else _looked(attention, from_rows, real, beam),
        )
        going = real & (chosen_rows != ids.end) & (tf.reshape(best, [-1]) > MINUS_INFINITY)
        history = append(tf.nest.map_structure(lambda past: pick(past, parents), history), latest)
        found = Found(history, best, pick(has_ended, parents) | tf.reshape(ended, [-1, beam]))
        rows = Rows(
            chosen_rows, tf.reshape(pick(tf.reshape(log_probs, [-1, beam * width]), index), [-1]),
            tf.reshape(best, [-1]), going, take(state, from_rows),
        )  # fmt: skip
        return rows, sentences._replace(open=tf.reduce_any(tf.reshape(going, [-1, beam]), axis=1), found=found)

    # Row 0 of each sentence is the one beginning that there is.
    each = tf.range(paths)
    first = each % beam == 0
    start = tf.where(first, 0.0, MINUS_INFINITY)
    rows = Rows(tf.fill([paths], ids.start), start, start, first, take(task.state, each // beam))
    found = search_all(advance, rows, sentences, task.fixed, beam=beam, n_best=beam, pad=ids.pad)
    # Behind a hypothesis that does not exist stands what another one would have gone on from.
    exists = (found.scores > MINUS_INFINITY)[:, :, tf.newaxis]
    found = found._replace(
        tokens=tf.where(exists, found.tokens, ids.pad),
        token_scores=tf.where(exists, found.token_scores, 0.0),
        attention=None if found.attention is None else tf.where(exists[..., tf.newaxis], found.attention, 0.0),
    )
    lengths = tf.math.count_nonzero(found.tokens != ids.pad, axis=2, dtype=tf.int32)
    sums = rewarded(settings, tf.reduce_sum(found.token_scores, axis=2), lengths)
    worth = tf.where(exists[:, :, 0], normalised(sums, divisor(settings, tf.maximum(lengths, 1))), MINUS_INFINITY)
    order = tf.argsort(worth, direction="DESCENDING", stable=True)
    found = trimmed(found._replace(scores=worth), ids.pad)
    return Hypotheses(*(None if part is None else pick(part, order) for part in found))


def _below(greatest: tf.Tensor, perturbed: tf.Tensor) -> tf.Tensor:
    """Move what goes on from each row so that its maximum is that of the row.

    Args:
        greatest: `[rows]`.
        perturbed: `[rows, n]`.

    Example:
        >>> moved = _below(tf.constant([-1.0]), tf.constant([[2.0, 0.0, MINUS_INFINITY]])).numpy()[0]
        >>> float(moved[0]), bool(moved[1] < -1), float(moved[2])
        (-1.0, True, -inf)
    """
    top = tf.reduce_max(perturbed, axis=1, keepdims=True)
    by = greatest[:, tf.newaxis] - perturbed + tf.math.log1p(-tf.exp(perturbed - top))
    moved = greatest[:, tf.newaxis] - tf.nn.relu(by) - tf.math.log1p(tf.exp(-tf.abs(by)))
    # Where nothing is, nothing goes on.
    return tf.where(perturbed > MINUS_INFINITY, moved, MINUS_INFINITY)


def _looked(attention: tf.Tensor, rows: tf.Tensor, real: tf.Tensor, beam: int) -> tf.Tensor:
    """What the chosen hypotheses looked at, `[sentences, n_best, 1, source_time]`; nothing at padding."""
    seen = tf.where(real[:, tf.newaxis], tf.gather(attention, rows), 0.0)
    return tf.reshape(seen, [-1, beam, 1, tf.shape(seen)[1]])
