"""A step of the model, as a search takes it: checked, and with the tokens that it offers next."""

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.search.constraints import asked_for, not_next
from seq2seq.search.settings import Search
from seq2seq.search.task import Fixed, SpecialIds, Task, any_rows, tensors
from seq2seq.search.top_k import best_of_row

IMPOSSIBLE = -1e30
"""The log-probability, in nats, of what the model calls impossible or gives no number for.

Finite, so that sums of it stay numbers and −inf is left for what does not exist at all.
"""

MINUS_INFINITY = float("-inf")


class Candidates(NamedTuple):
    """The best next tokens of each row, the end of the sentence apart.

    Args:
        tokens: `[rows, candidates]` int32.
        log_probs: `[rows, candidates]` float32, nats; −inf where the token cannot go on (padding, start, end).
        end_log_probs: `[rows]` float32, nats: the sentence ends here.
    """

    tokens: tf.Tensor
    log_probs: tf.Tensor
    end_log_probs: tf.Tensor


class Taken(NamedTuple):
    """What a step gave.

    Args:
        logits: `[rows, vocab]` float32, whatever the precision of the model.
        state: The state after the step.
        attention: `[rows, source_time]` float32; an empty tuple where it was not asked for.
    """

    logits: tf.Tensor
    state: Any
    attention: Any


def take_step(task: Task, tokens: tf.Tensor, state: Any, memory: Any) -> Taken:
    """Call the step function and check what it gives.

    Args:
        task: What is searched.
        tokens: `[rows]` int32, the tokens before.
        state: A nest of tensors `[rows, ...]`.
        memory: A nest of tensors `[batch, ...]`.

    Returns:
        What it gave.

    Raises:
        ValueError: If it gives more or less than it was asked for, the logits are no matrix, or the new state differs
            from the old one in structure, type or width.
    """
    given, attention = task.step(tokens, state, memory), task.looks
    if len(given) != 2 + attention:
        raise ValueError(
            "step gives logits and state, and the weights of its attention, [rows, source_time], where the search is "
            f"told source_time or has a coverage penalty. Received: {len(given)} things, "
            f"{'with' if attention else 'without'} a source_time."
        )
    logits, after = tf.convert_to_tensor(given[0]), given[1]
    if logits.shape.rank not in (2, None):
        raise ValueError(f"step gives logits [rows, vocab]. Received: logits of shape {logits.shape}.")
    try:
        tf.nest.assert_same_structure(state, after)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "step gives a state of the same structure as it takes. "
            f"Received: state={_outline(state)} and, after the step, {_outline(after)}."
        ) from error
    after = tf.nest.map_structure(_same_kind, any_rows(state), state, tensors(after, "state"))
    return Taken(tf.cast(logits, tf.float32), after, tf.cast(given[2], tf.float32) if attention else ())


def _same_kind(shape: tf.TensorShape, before: tf.Tensor, after: tf.Tensor) -> tf.Tensor:
    if before.dtype != after.dtype or not shape.is_compatible_with(after.shape):
        raise ValueError(
            "step gives a state of the types and widths that it takes. "
            f"Received: {before.dtype.name} {shape} and, after the step, {after.dtype.name} {after.shape}."
        )
    return after if after.shape.is_subtype_of(shape) else tf.ensure_shape(after, shape)


def _outline(nest: Any) -> Any:
    return tf.nest.map_structure(lambda leaf: "·", nest)


def clean(logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Take NaN out of the logits, at no cost where there is none.

    Args:
        logits: `[rows, vocab]` float32.

    Returns:
        The logits, −inf for NaN, and their log-sum-exp `[rows, 1]`.

    Example:
        >>> clean(tf.constant([[0.0, float("nan"), 0.0]]))[0].numpy().tolist()
        [[0.0, -inf, 0.0]]
    """

    def without_nan() -> tuple[tf.Tensor, tf.Tensor]:
        numbers = tf.where(tf.math.is_nan(logits), MINUS_INFINITY, logits)
        return numbers, tf.reduce_logsumexp(numbers, axis=1, keepdims=True)

    # The probability of the best token tells the sum. TensorFlow has one pass for a softmax, and for a log-sum-exp one
    # for each of its operations: over 320 rows of 8,000 on two cores 0.8 ms against 1.4, the sum for NaN included.
    greatest = tf.reduce_max(logits, axis=1, keepdims=True)
    total = greatest - tf.math.log(tf.reduce_max(tf.nn.softmax(logits), axis=1, keepdims=True))
    sound = tf.math.is_finite(total) & ~tf.math.is_nan(tf.reduce_sum(logits, axis=1, keepdims=True))
    return tf.cond(tf.reduce_all(sound), lambda: (logits, total), without_nan)


def log_probabilities(logits: tf.Tensor, total: tf.Tensor) -> tf.Tensor:
    """Turn logits into log-probabilities between IMPOSSIBLE and 0.

    Args:
        logits: Some logits of each row, `[rows, n]`.
        total: The log-sum-exp over all logits of the row, `[rows, 1]`.

    Returns:
        log_probs `[rows, n]`, nats.

    Example:
        >>> log_probabilities(tf.constant([[2.0, float("-inf")]]), tf.constant([[2.5]])).numpy() > [[-1.0, IMPOSSIBLE]]
        array([[ True, False]])
    """
    log_probs = logits - total
    # Rounding may lift a certain token above 0, and the bound of the beam search stands on log-probabilities that fall.
    log_probs = tf.clip_by_value(log_probs, IMPOSSIBLE, 0.0)
    return tf.where(tf.math.is_nan(log_probs), IMPOSSIBLE, log_probs)


def candidates(
    logits: tf.Tensor,
    count: int,
    ids: SpecialIds,
    banned: tf.Tensor | None = None,
    more: tf.Tensor | None = None,
) -> Candidates:
    """Find the best tokens to go on with, at least `count` of them where the vocabulary has so many.

    Log-probabilities are taken of the best logits only: a pass over the whole vocabulary costs as much as a layer.

    Args:
        logits: `[rows, vocab]` float32.
        count: How many tokens are needed per row.
        ids: The special ids.
        banned: `[rows, vocab]` bool, what may not come next; None for nothing. Whether the end is among it, those
            have to see who end.
        more: `[rows, more]` int32, tokens that are offered whatever they score, behind the best; None for none. What is
            there already, and padding, cannot go on.

    Returns:
        The candidates, best first but for the ones that cannot go on.

    Raises:
        ValueError: If the end is no token of the vocabulary.

    Example:
        >>> found = candidates(tf.constant([[0.0, 0.0, 1.0, 2.0, 3.0]]), 1, SpecialIds(start=1, end=2, pad=0))
        >>> found.tokens.numpy().tolist(), tf.math.is_inf(found.log_probs).numpy().tolist()
        ([[4, 3, 2, 0]], [[False, False, True, True]])
    """
    check_end(logits, ids)
    logits, total = clean(logits)
    excluded = sorted(set(ids))
    # What is impossible, but not banned, comes before what is.
    offered = logits if banned is None else tf.where(banned, MINUS_INFINITY, tf.maximum(logits, tf.float32.min))
    best, tokens = best_of_row(offered, count + len(excluded))
    if more is not None:
        best = tf.concat([best, tf.gather(offered, more, batch_dims=1)], axis=1)
        tokens = tf.concat([tokens, more], axis=1)
    stops = tf.reduce_any(tokens[:, :, tf.newaxis] == tf.constant(excluded), axis=2)
    if banned is not None:
        stops |= tf.gather(banned, tokens, batch_dims=1)
    if more is not None:
        same = tf.cast(tokens[:, :, tf.newaxis] == tokens[:, tf.newaxis], tf.int32)
        stops |= tf.reduce_sum(tf.linalg.band_part(same, -1, 0), axis=2) > 1
    # The end behind them, so that both go through it at once.
    log_probs = log_probabilities(tf.concat([best, logits[:, ids.end : ids.end + 1]], axis=1), total)
    return Candidates(tokens, tf.where(stops, MINUS_INFINITY, log_probs[:, :-1]), log_probs[:, -1])


def banned_next(
    settings: Search, fixed: Fixed, tokens: tf.Tensor, logits: tf.Tensor, pad: int, kept: int = 0
) -> tf.Tensor | None:
    """Tell which tokens may not come next, whoever chooses; where nothing is asked for, no operation is made.

    Args:
        settings: What to search with.
        fixed: What was asked of the sentences.
        tokens: `[sentences, kept + beam, time]` int32, the tokens of the open hypotheses, behind others.
        logits: `[sentences · beam, vocab]`.
        pad: The id of the padding.
        kept: How many others.

    Returns:
        `[sentences · beam, vocab]` bool; None where nothing is asked for.
    """
    prefix, avoid, _ = fixed.constraints
    if not (settings.no_repeat_ngram or asked_for(prefix) or asked_for(avoid)):
        return None
    return not_next(fixed.constraints, settings.no_repeat_ngram, tokens[:, kept:], tf.shape(logits)[1], pad)


def may_end(length: tf.Tensor, min_length: Any, best: tf.Tensor) -> tf.Tensor:
    """Tell whether an end may be chosen.

    Args:
        length: Tokens of a hypothesis with this end, a scalar int32.
        min_length: Tokens before an end, a number or a scalar tensor.
        best: Log-probabilities of the best tokens that go on; −inf where there is none, so that an end is all there is.

    Returns:
        Booleans of the shape of `best`.

    Example:
        >>> may_end(tf.constant(3), 3, tf.constant([-1.0, MINUS_INFINITY])).numpy().tolist()
        [False, True]
    """
    return (length > tf.cast(min_length, tf.int32)) | tf.equal(best, MINUS_INFINITY)


def check_end(logits: tf.Tensor, ids: SpecialIds) -> None:
    """Refuse an end that is not in the vocabulary, where the width of the vocabulary is known.

    Args:
        logits: `[rows, vocab]`.
        ids: The special ids.

    Raises:
        ValueError: If the end is no token of the vocabulary.
    """
    vocab = logits.shape[1]
    if vocab is not None and ids.end >= vocab:
        raise ValueError(
            "The end of a sentence must be a token of the vocabulary. "
            f"Received: end={ids.end}, logits for {vocab} tokens."
        )
