"""Greedy search: the most probable token at every step."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.search.history import History, append
from seq2seq.search.hypotheses import Hypotheses
from seq2seq.search.open_sentences import Found, Sentences, all_sentences, search_all, take, trimmed
from seq2seq.search.scores import divisor, normalised, rewarded
from seq2seq.search.settings import Search
from seq2seq.search.step import banned_next, candidates, may_end, take_step
from seq2seq.search.task import Fixed, Task


class Choice(NamedTuple):
    """The next token of every row.

    Args:
        tokens: `[rows]` int32; the end wherever this is the last token.
        log_probs: `[rows]` float32, nats, of these tokens.
        ended: `[rows]` bool: whether the end was chosen, and not only forced.
    """

    tokens: tf.Tensor
    log_probs: tf.Tensor
    ended: tf.Tensor


class Offer(NamedTuple):
    """What the next token of every row is chosen of.

    Args:
        logits: `[rows, vocab]` float32.
        banned: `[rows, vocab]` bool, what may not come next; None for nothing.
        last: `[rows]` bool: whether this is the last token that the sentence may have.
        place: `[rows]` int32, which path of the batch it is.
        length: Tokens of a path with this one, a scalar int32.
    """

    logits: tf.Tensor
    banned: tf.Tensor | None
    last: tf.Tensor
    place: tf.Tensor
    length: tf.Tensor


Choose = Callable[[Offer], Choice]


class Path(NamedTuple):
    """What changes with each token of a search that follows one path.

    Args:
        tokens: `[sentences]` int32, the last tokens.
        state: The state of the model, a nest of tensors `[sentences, ...]`.
    """

    tokens: tf.Tensor
    state: Any


def greedy_search(settings: Search, task: Task) -> Hypotheses:
    """Follow the most probable token until the sentence ends.

    At its maximum length a sentence ends whatever the model says, and the end counts with its real probability. Equal
    tokens: the end first, then the lowest id.

    Args:
        settings: What to search with.
        task: What is searched.

    Returns:
        One hypothesis per sentence.

    Example:
        >>> from seq2seq.search import Greedy, search
        >>> def step(tokens, state, memory):  # after the start (1) a 3, then the end (2)
        ...     return 9.0 * tf.one_hot(tf.where(tokens == 1, 3, 2), 4), state
        >>> found = search(Greedy(), step, (), (), max_length=[5, 1], start=1, end=2)
        >>> found.tokens.numpy().tolist(), found.ended.numpy().tolist()
        ([[[3, 2]], [[2, 0]]], [[True], [False]])
    """
    ids = task.ids

    def choose(offer: Offer) -> Choice:
        tokens, log_probs, end_log_probs = candidates(offer.logits, 1, ids, offer.banned)
        best = tf.argmax(log_probs, axis=1, output_type=tf.int32)
        best_log_probs = tf.reduce_max(log_probs, axis=1)
        ended = may_end(offer.length, settings.min_length, best_log_probs) & (end_log_probs >= best_log_probs)
        if offer.banned is not None:
            ended &= ~offer.banned[:, ids.end]
        ends = offer.last | ended
        tokens = tf.where(ends, ids.end, tf.gather(tokens, best, batch_dims=1))
        return Choice(tokens, tf.where(ends, end_log_probs, best_log_probs), ended)

    return follow(choose, settings, task)


def follow(choose: Choose, settings: Search, task: Task, paths: int = 1) -> Hypotheses:
    """Follow paths that do not know each other, whatever chooses the tokens.

    Args:
        choose: Chooses the next token of every row; the end where it is told that this is the last.
        settings: What to search with.
        task: What is searched.
        paths: Paths per sentence. The first ones of all sentences stand together, then the second ones.

    Returns:
        `paths` hypotheses per sentence, best first.
    """
    pad, end = task.ids.pad, task.ids.end
    sentences, state, fixed = (
        all_sentences(task.max_length, task.source_time, kept=1, score=0.0),
        task.state,
        task.fixed,
    )
    if paths > 1:
        again = tf.tile(sentences.place, [paths])
        sentences, state, fixed = take((sentences, state, fixed), again)
        sentences = sentences._replace(place=tf.range(tf.size(again)))

    def advance(length: tf.Tensor, path: Path, sentences: Sentences, fixed: Fixed) -> tuple[Path, Sentences]:
        logits, state, attention = take_step(task, path.tokens, path.state, fixed.memory)
        banned = banned_next(settings, fixed, sentences.found.history.tokens, logits, pad)
        offer = Offer(logits, banned, length >= sentences.max_length, sentences.place, length)
        tokens, log_probs, ended = choose(offer)
        going = sentences.open
        tokens = tf.where(going, tokens, pad)
        latest = History(
            tokens=tokens[:, tf.newaxis, tf.newaxis],
            token_scores=tf.where(going, log_probs, 0.0)[:, tf.newaxis, tf.newaxis],
            attention=tf.nest.map_structure(
                lambda seen: tf.where(going[:, tf.newaxis], seen, 0.0)[:, tf.newaxis, tf.newaxis], attention
            ),
        )
        history, scores, before = sentences.found
        found = Found(append(history, latest), scores, before | (going & ended)[:, tf.newaxis])
        return Path(tokens, state), sentences._replace(open=going & (tokens != end), found=found)

    path = Path(tf.fill(tf.shape(sentences.place), task.ids.start), state)
    found = search_all(advance, path, sentences, fixed, beam=1, n_best=1, pad=pad)
    lengths = tf.math.count_nonzero(found.tokens != pad, axis=2, dtype=tf.int32)
    sums = rewarded(settings, tf.reduce_sum(found.token_scores, axis=2), lengths)
    scores = normalised(sums, divisor(settings, lengths))
    found = trimmed(found._replace(scores=scores), pad)
    return found if paths == 1 else _side_by_side(found, paths)


def _side_by_side(found: Hypotheses, paths: int) -> Hypotheses:
    """Put the hypotheses of a sentence, `[paths · batch, 1, ...]`, beside each other, best first."""
    beside = [None if part is None else tf.concat(tf.split(part, paths), axis=1) for part in found]
    order = tf.argsort(beside[1], direction="DESCENDING", stable=True)
    return Hypotheses(*(None if part is None else tf.gather(part, order, batch_dims=1) for part in beside))
