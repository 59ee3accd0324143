"""Beam search: the best few hypotheses side by side."""

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.search.constraints import asked_for
from seq2seq.search.greedy import greedy_search
from seq2seq.search.groups import choose_apart, merged, while_any_is
from seq2seq.search.history import History, append
from seq2seq.search.hypotheses import Hypotheses
from seq2seq.search.open_sentences import Found, Sentences, all_sentences, search_all, take, trimmed
from seq2seq.search.phrases import Progress, allocate, fulfilled, next_tokens, progress
from seq2seq.search.scores import bound, coverage, divisor, normalised, rewarded
from seq2seq.search.settings import Beam
from seq2seq.search.step import MINUS_INFINITY, banned_next, candidates, may_end, take_step
from seq2seq.search.task import Fixed, SpecialIds, Task


class Rows(NamedTuple):
    """What changes with each token of the open hypotheses, those of one sentence together, best first.

    Args:
        tokens: `[sentences · beam]` int32, the last tokens.
        log_probs: `[sentences · beam]` float32, nats, the sum over the tokens so far; −inf for a hypothesis that does
            not exist.
        state: The state of the model, a nest of tensors `[sentences · beam, ...]`.
        seen: `[sentences · beam, source_time]` float32, the attention that each position of the source got; an empty
            tuple where nobody asks for it.
    """

    tokens: tf.Tensor
    log_probs: tf.Tensor
    state: Any
    seen: Any


def beam_search(settings: Beam, task: Task) -> Hypotheses:
    """Keep the `beam_size` best open hypotheses of each sentence at every step, and the best finished ones.

    At every step an end that is among the best `beam_size` candidates of its sentence finishes a hypothesis, and the
    best `beam_size` other candidates go on. A sentence is done

    - when no open hypothesis can still become better than the `n_best`-th finished one;
    - or when it has `beam_size` finished hypotheses, and no open one is better, as it stands, than the `n_best`-th,
      unless `stop` is "exact";
    - or at its maximum length: there every open hypothesis ends, and the end counts with its real probability, so that
      a score is always the model's probability of a whole sentence. It has ended by itself if its end is among the best
      `beam_size` candidates there, too.

    With several `groups`, each is such a search of its own with its share of the beam, but for the tokens of the groups
    before it, which it is kept from by `diversity`; a hypothesis that two of them found is given back once.

    Where phrases must appear, the best hypotheses of each number of tokens that they have of the phrases go on, in
    turns (dynamic beam allocation), and a hypothesis ends once it has all. Where none has at the maximum length, what
    there is ends there, and has not ended by itself.

    A beam of 1 is greedy search, unless a coverage penalty makes it look beyond the first end.

    Args:
        settings: What to search with.
        task: What is searched.

    Returns:
        `n_best` hypotheses per sentence.

    Example:
        >>> from seq2seq.search import Beam, search
        >>> def step(tokens, state, memory):  # 3 is better than 4 at first, but only 4 ends surely
        ...     table = [[0.0] * 5, [-9, -9, -9, 0.6, 0.5], [0.0] * 5, [-9, -9, 0, 0, 0], [-9, -9, 9, 0, 0]]
        ...     return tf.gather(tf.constant(table, tf.float32), tokens), state
        >>> found = search(Beam(beam_size=2, n_best=2), step, (), (), max_length=[3], start=1, end=2)
        >>> found.tokens.numpy().tolist()
        [[[4, 2], [3, 2]]]

    Source:
        Sutskever et al. 2014, section 3.2; the length normalisation of Cho et al. 2014, "On the properties", section 4;
        coverage and the other length penalty of Wu et al. 2016, equation 14; phrases by Post and Vilar 2018, section 3;
        groups of Vijayakumar et al. 2018, section 3.
    """
    # The same, with less to do at each token.
    plain = settings.beam_size == 1 and not settings.looks() and not asked_for(task.fixed.constraints.phrases)
    return greedy_search(settings, task) if plain else keep_best(settings, task)


def keep_best(settings: Beam, task: Task) -> Hypotheses:
    """Search with a beam of any width: see :func:`beam_search`."""
    groups, ids = settings.groups, task.ids
    beam = settings.beam_size // groups
    n_best = settings.n_best if groups == 1 else beam
    # The history of a sentence holds its finished hypotheses, and behind them its open ones.
    sentences = all_sentences(task.max_length, task.source_time, kept=beam, score=MINUS_INFINITY, going=beam)
    given, fixed = task.state, task.fixed
    if groups > 1:
        each = tf.repeat(sentences.place, groups)
        sentences, given, fixed = take((sentences, given, fixed), each)
        sentences = sentences._replace(place=tf.range(tf.size(each)))

    def advance(length: tf.Tensor, rows: Rows, sentences: Sentences, fixed: Fixed) -> tuple[Rows, Sentences]:
        logits, state, attention = take_step(task, rows.tokens, rows.state, fixed.memory)
        history, scores, has_ended = sentences.found
        banned = banned_next(settings, fixed, history.tokens, logits, ids.pad, kept=beam)
        asked = _asked(fixed.constraints.phrases, history.tokens, beam, ids.pad)
        # A group may lose as many of the best tokens to those before it as they have hypotheses.
        offered = candidates(logits, settings.beam_size, ids, banned, None if asked is None else asked.next_tokens())
        width = offered.tokens.shape[1] or tf.shape(offered.tokens)[1]
        tokens, log_probs = (tf.reshape(each, [-1, beam * width]) for each in (offered.tokens, offered.log_probs))
        end_log_probs = tf.reshape(offered.end_log_probs, [-1, beam])

        # The best that go on. At the last token nothing does, and every end is good enough.
        totals = tf.reshape(rows.log_probs[:, tf.newaxis] + offered.log_probs, [-1, beam * width])
        ending = tf.reshape(rows.log_probs, [-1, beam]) + end_log_probs
        last = (length >= sentences.max_length)[:, tf.newaxis]
        if asked is None:
            going, index = choose_apart(settings, totals, tokens) if groups > 1 else tf.math.top_k(totals, beam)
            ended = _good_enough(ending, going, beam)
        else:
            banks = tf.reshape(asked.with_one_more(tf.reshape(offered.tokens, [-1, beam, width])), [-1, beam * width])
            going, index = allocate(totals, banks, beam)
            last |= tf.math.is_inf(going[:, :1])
            ending, ended = _with_all(asked, ending, going, pick(banks, index), scores, last, beam)
        ended &= may_end(length, settings.min_length, going[:, :1])
        if banned is not None:
            ended &= ~tf.reshape(banned[:, ids.end], [-1, beam])
        going, parents = tf.where(last, MINUS_INFINITY, going), index // width

        by = divisor(settings, length)
        worth = normalised(rewarded(settings, ending, length), by)
        seen = ()
        if settings.looks():
            seen = tf.ensure_shape(rows.seen + attention, rows.seen.shape)
            looked = tf.reshape(seen, [-1, beam, tf.shape(seen)[1]])
            worth += settings.coverage_penalty * coverage(looked, fixed.source_mask)
        finished = tf.where(ended | last, worth, MINUS_INFINITY)
        scores, kept = tf.math.top_k(tf.concat([scores, finished], axis=1), beam)

        # Beside the bound, a full set of finished ones stops the search only if it is good: a sure model always has
        # some hopeless end among its candidates, and enough of those are soon together.
        best, worst = going[:, 0], scores[:, n_best - 1]
        done = bound(settings, best, length, sentences.max_length) <= worst
        if settings.stop == "full":
            done |= (scores[:, beam - 1] > MINUS_INFINITY) & (rewarded(settings, best, length) / by <= worst)
        going = tf.where(done[:, tf.newaxis], MINUS_INFINITY, going)

        chosen = tf.concat([kept, beam + parents], axis=1)
        tokens = pick(tokens, index)
        latest = _latest(ids, kept, end_log_probs, tokens, pick(log_probs, index), beam)
        if task.source_time is not None:
            latest = latest._replace(attention=pick(_behind_nothing(attention, beam), chosen)[:, :, tf.newaxis])
        # The rows of a sentence are together, so a row is the first of its sentence and a place behind it.
        first = beam * tf.range(tf.size(sentences.open))[:, tf.newaxis]
        state, seen = take((state, seen), tf.reshape(first + parents, [-1]))
        rows = Rows(tf.reshape(tokens, [-1]), tf.reshape(going, [-1]), state, seen)
        history = append(tf.nest.map_structure(lambda past: pick(past, chosen), history), latest)
        found = Found(history, scores, pick(tf.concat([has_ended, ended], axis=1), kept))
        return rows, sentences._replace(open=~done if groups == 1 else while_any_is(~done, groups), found=found)

    # Row 0 of each sentence is the one hypothesis that there is at the start.
    rows = tf.range(tf.size(sentences.place) * beam)
    start = Rows(
        tokens=tf.fill(tf.shape(rows), ids.start),
        log_probs=tf.where(rows % beam == 0, 0.0, MINUS_INFINITY),
        state=take(given, rows // beam),
        seen=take(tf.nest.map_structure(lambda mask: tf.zeros_like(mask, tf.float32), fixed.source_mask), rows // beam),
    )
    found = search_all(advance, start, sentences, fixed, beam=beam, n_best=n_best, pad=ids.pad)
    return trimmed(found if groups == 1 else merged(found, settings, ids.pad), ids.pad)


class _Asked(NamedTuple):
    """The phrases that must appear, and how far the open hypotheses are with them.

    Args:
        phrases: `[sentences, phrases, phrase_time]` int32.
        so_far: How far they are.
        pad: The id of the padding.
    """

    phrases: tf.Tensor
    so_far: Progress
    pad: int

    def next_tokens(self) -> tf.Tensor:
        """Give the tokens that bring each phrase on, `[sentences · beam, phrases]`."""
        return tf.reshape(next_tokens(self.so_far, self.phrases, self.pad), [-1, tf.shape(self.phrases)[1]])

    def with_one_more(self, tokens: tf.Tensor) -> tf.Tensor:
        """Count the tokens of phrases that there are with one token more, `[sentences, beam, candidates]`."""
        return fulfilled(self.so_far, self.phrases, tokens, self.pad)

    def all_tokens(self) -> tf.Tensor:
        """Count the tokens of all phrases, `[sentences, 1]`."""
        return tf.math.count_nonzero(self.phrases != self.pad, axis=[1, 2], dtype=tf.int32)[:, tf.newaxis]


def _asked(phrases: tf.Tensor, written: tf.Tensor, finished: int, pad: int) -> _Asked | None:
    """Look how far what is written behind the finished hypotheses is with the phrases; None where nobody asks."""
    return _Asked(phrases, progress(written[:, finished:], phrases, pad), pad) if asked_for(phrases) else None


def _with_all(
    asked: _Asked, ending: tf.Tensor, going: tf.Tensor, banks: tf.Tensor, scores: tf.Tensor, last: tf.Tensor, beam: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Let only what has all phrases end, unless the sentence is over and nothing has; only that is its rival.

    Args:
        asked: The phrases.
        ending: `[sentences, beam]` float32, nats, the open hypotheses with their end.
        going: `[sentences, beam]` float32, nats, those that go on.
        banks: `[sentences, beam]` int32, how many tokens of phrases these have.
        scores: `[sentences, beam]` float32, of the finished ones.
        last: `[sentences, 1]` bool, whether the sentence is over.
        beam: The width of the beam.

    Returns:
        The ends, −inf for those that may not be, and which of them finish a hypothesis by itself.
    """
    complete = tf.where(tf.reduce_all(asked.so_far.met, axis=2), ending, MINUS_INFINITY)
    rivals = tf.where(banks == asked.all_tokens(), going, MINUS_INFINITY)
    ended = _good_enough(complete, rivals, beam) & ~tf.math.is_inf(complete)
    found_none = tf.math.is_inf(tf.reduce_max(tf.concat([scores, complete], axis=1), axis=1, keepdims=True))
    return tf.where(last & found_none, ending, complete), ended


def _good_enough(ends: tf.Tensor, rivals: tf.Tensor, beam: int) -> tf.Tensor:
    """Say which ends finish a hypothesis: those than which fewer ends and rivals are better than the beam is wide.

    Args:
        ends: `[sentences, beam]` float32, nats, the sums of the open hypotheses with their end.
        rivals: `[sentences, beam]` float32, nats, those that could go on instead.
        beam: The width of the beam.

    Example:
        >>> _good_enough(tf.constant([[-3.0, -5.0]]), tf.constant([[-2.0, -4.0]]), 2).numpy().tolist()
        [[True, False]]
    """
    return ends >= tf.math.top_k(tf.concat([ends, rivals], axis=1), beam)[0][:, -1:]


def _latest(
    ids: SpecialIds, kept: tf.Tensor, end_scores: tf.Tensor, tokens: tf.Tensor, token_scores: tf.Tensor, beam: int
) -> History:
    """Give what this step writes: an end for a new finished hypothesis, nothing for an old one, then the open ones.

    Args:
        ids: The special ids.
        kept: `[sentences, beam]` int32: which finished ones are kept, of the old ones and the new ones behind them.
        end_scores: `[sentences, beam]` float32, nats, the log-probabilities of the new ends.
        tokens: `[sentences, beam]` int32, of the open ones.
        token_scores: `[sentences, beam]` float32, nats.
        beam: The width of the beam.
    """
    ends = tf.where(kept < beam, ids.pad, ids.end)
    scores = pick(tf.concat([tf.zeros_like(end_scores), end_scores], axis=1), kept)
    tokens, token_scores = tf.concat([ends, tokens], axis=1), tf.concat([scores, token_scores], axis=1)
    return History(tokens[:, :, tf.newaxis], token_scores[:, :, tf.newaxis], ())


def pick(values: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Pick some of the values of each sentence.

    Args:
        values: `[sentences, n, ...]`.
        places: `[sentences, picked]` int32.

    Returns:
        The values `[sentences, picked, ...]`.

    Example:
        >>> pick(tf.constant([[7, 8, 9]]), tf.constant([[2, 0]])).numpy().tolist()
        [[9, 7]]
    """
    return tf.gather(values, places, batch_dims=1)


def _behind_nothing(seen: tf.Tensor, beam: int) -> tf.Tensor:
    """What the open hypotheses looked at, behind as many finished ones that look at nothing."""
    seen = tf.reshape(seen, [-1, beam, tf.shape(seen)[1]])
    return tf.concat([tf.zeros_like(seen), seen], axis=1)
