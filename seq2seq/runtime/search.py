"""Greedy and beam search over the step of an exported model: the algorithms of `seq2seq.search`, in NumPy.

What a hypothesis is made of is written down once per step and read back at the end, so that a step moves numbers of the
open hypotheses only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from seq2seq.runtime.constraints import Constraints
from seq2seq.runtime.graphs import Offered, Parts
from seq2seq.runtime.phrases import Progress, allocate
from seq2seq.search.settings import Beam, Greedy, Search
from seq2seq.text.special_ids import END, PAD, START

IMPOSSIBLE = np.float32(-1e30)
"""The log-probability, in nats, of what the model calls impossible; see `seq2seq.search`."""

_NEVER = 1 + max(PAD, START, END)  # the lowest ids: tokens that no hypothesis goes on with
_KNOWN = {"length_penalty", "max_length_factor", "min_length", "beam_size", "n_best"}

Floats = npt.NDArray[np.float32]


class Steps(Protocol):
    """What is searched: `seq2seq.runtime.graphs.Graphs` is one."""

    def step(
        self,
        tokens: npt.NDArray[np.int64],
        state: Parts,
        memory: Parts,
        count: int,
        attention: bool = False,
        more: npt.NDArray[np.int64] | None = None,
    ) -> Offered:
        """Read one token per row, and offer the best next ones."""


class Sequence(NamedTuple):
    """One hypothesis.

    Attributes:
        tokens: Ids, `</s>` the last.
        score: The sum of the token scores over length ** length_penalty, nats; −inf for what is impossible.
        token_scores: The log-probability of each token, nats.
        ended: Whether it ended by itself, and not only at the greatest length.
        attention: `[tokens, source_time]`; None where nobody asked for it.
    """

    tokens: list[int]
    score: float
    token_scores: list[float]
    ended: bool
    attention: Floats | None


class _Task(NamedTuple):
    steps: Steps
    state: Parts
    memory: Parts
    max_length: npt.NDArray[np.int64]
    attention: bool
    constraints: Constraints | None


def search(
    settings: Search,
    steps: Steps,
    state: Parts,
    memory: Parts,
    max_length: npt.ArrayLike,
    attention: bool = False,
    constraints: Constraints | None = None,
) -> list[list[Sequence]]:
    """Search for the best target sequences of a batch of sentences.

    Args:
        settings: A `Greedy` or a `Beam`.
        steps: What is searched.
        state: What the first step starts from, `[batch, …]`.
        memory: What the steps read, `[batch, …]`.
        max_length: The most tokens of a hypothesis, `</s>` counted, `[batch]`.
        attention: Whether to give what each token looked at.
        constraints: What is asked of the hypotheses; None for nothing.

    Returns:
        For each sentence its hypotheses, best first; fewer than `n_best` where there are not so many.

    Raises:
        ValueError: For a search, or a setting of one, that this runtime does not have, or phrases without a beam.
    """
    _check(settings)
    asked = constraints if constraints is not None and constraints.asked() else None
    if asked is not None and any(asked.phrases) and not isinstance(settings, Beam):
        raise ValueError(
            "Phrases that must appear are looked for by several hypotheses side by side. "
            f"Received: phrases, with settings={settings!r}. Use Beam(10), wider than the phrases have tokens."
        )
    task = _Task(steps, state, memory, np.asarray(max_length, np.int64), attention, asked)
    with np.errstate(invalid="ignore"):  # −inf − −inf: not a number, which is taken for what it is
        return _SEARCHES[type(settings)](settings, task)


def _check(settings: Search) -> None:
    if type(settings) not in _SEARCHES:
        raise ValueError(
            "This runtime searches greedily or with a beam. "
            f"Received: settings={settings!r}. Use Greedy() or Beam(), or a Translator of seq2seq."
        )
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if field.name not in _KNOWN and value != field.default:
            raise ValueError(
                f"This runtime knows {', '.join(sorted(_KNOWN))} of a search. "
                f"Received: {field.name}={value!r}. Leave it out, or use a Translator of seq2seq."
            )


class _Candidates(NamedTuple):
    """The best next tokens of each row; see `seq2seq.search.step.Candidates`."""

    tokens: npt.NDArray[np.int64]
    log_probs: Floats
    end_log_probs: Floats
    no_end: Any = False


def _candidates(
    task: _Task,
    offered: Offered,
    place: npt.NDArray[np.int64],
    written: npt.NDArray[np.int64],
    needed: int,
    more: int = 0,
) -> _Candidates:
    log_probs = np.concatenate([offered.logits, offered.end], axis=1) - offered.total
    # Rounding may lift a certain token above 0, and the bound of the beam search stands on numbers that fall.
    log_probs = np.minimum(np.fmax(log_probs, IMPOSSIBLE), np.float32(0))  # fmax: not a number is impossible, too
    going = np.where(offered.tokens < _NEVER, np.float32(-np.inf), log_probs[:, :-1])
    if task.constraints is None:
        return _Candidates(offered.tokens, going, log_probs[:, -1])
    banned, no_end = task.constraints.banned(place, written, offered.tokens)
    going = np.where(banned, np.float32(-np.inf), going)
    if more == 0:
        return _Candidates(offered.tokens, going, log_probs[:, -1], no_end)
    # As many of the best as without what is banned, and of what is behind them what is not there already.
    behind = np.arange(banned.shape[1])[-more:]
    best = np.argsort(banned[:, :-more], axis=1, kind="stable")[:, : needed + _NEVER]
    kept = np.concatenate([best, np.broadcast_to(behind, [len(best), more])], axis=1)
    tokens, going = _pick(offered.tokens, kept), _pick(going, kept)
    again = np.tril(tokens[:, :, np.newaxis] == tokens[:, np.newaxis]).sum(axis=2) > 1
    return _Candidates(tokens, np.where(again, np.float32(-np.inf), going), log_probs[:, -1], no_end)


def _count(task: _Task, needed: int, length: int) -> int:
    """How many tokens a step has to offer: the lowest ids are among them, and what is banned."""
    return needed + _NEVER + (0 if task.constraints is None else task.constraints.more(length))


def _longer(task: _Task, written: npt.NDArray[np.int64], rows: Any, tokens: npt.NDArray[np.int64]) -> Any:
    """What is written with one token more, where anybody asks."""
    return written if task.constraints is None else np.concatenate([written[rows], tokens[:, np.newaxis]], axis=1)


def _normalised(log_probs: Any, divisor: Any) -> Any:
    return np.where(log_probs > IMPOSSIBLE / 2, log_probs / divisor, log_probs)


def _power(length: Any, penalty: float) -> Any:
    return np.power(np.asarray(length, np.float32), np.float32(penalty))


def _told(score: Any) -> float:
    return float(score) if score > IMPOSSIBLE / 2 else float("-inf")


def _pick(values: npt.NDArray[Any], places: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Pick some of each row, `[rows, picked]`: as `np.take_along_axis`, without its checks, which a step feels."""
    return values[np.arange(len(values))[:, np.newaxis], places]


def _take(parts: Parts, rows: Any) -> Parts:
    return {name: part.take(rows, axis=0) for name, part in parts.items()}


def _mostly_closed(open_: npt.NDArray[np.bool_]) -> bool:
    """Whether those that are done should leave: as in `seq2seq.search`, when they are half of all."""
    return 2 * int(open_.sum()) <= len(open_)


# --- greedy ---------------------------------------------------------------------------------------------------------


def _greedy(settings: Search, task: _Task) -> list[list[Sequence]]:
    state, memory = task.state, task.memory
    place = np.arange(len(task.max_length))
    tokens = np.full(len(place), START, np.int64)
    open_ = np.ones(len(place), bool)
    so_far = np.zeros([len(place), 0], np.int64)
    written: list[list[tuple[int, np.float32, bool, Floats | None]]] = [[] for _ in place]
    for length in count(1):
        offered = task.steps.step(tokens, state, memory, _count(task, 1, length), task.attention)
        found, state = _candidates(task, offered, place, so_far, 1), offered.state
        best = found.log_probs.argmax(axis=1)[:, np.newaxis]
        best_log_probs = _pick(found.log_probs, best)[:, 0]
        may_end = (length > settings.min_length) | (best_log_probs == -np.inf)
        ended = may_end & (found.end_log_probs >= best_log_probs) & ~np.asarray(found.no_end)
        ends = ended | (length >= task.max_length[place])
        tokens = np.where(ends, END, _pick(found.tokens, best)[:, 0])
        log_probs = np.where(ends, found.end_log_probs, best_log_probs)
        for row in np.flatnonzero(open_):
            looked = None if offered.attention is None else offered.attention[row]
            written[place[row]].append((int(tokens[row]), log_probs[row], bool(ended[row]), looked))
        open_ &= ~ends
        if not open_.any():
            break
        so_far = _longer(task, so_far, slice(None), tokens)
        if _mostly_closed(open_):
            stay = np.flatnonzero(open_)
            state, memory = _take(state, stay), _take(memory, stay)
            place, tokens, open_, so_far = place[stay], tokens[stay], open_[stay], so_far[stay]
    return [[_followed(steps, settings.length_penalty)] for steps in written]


def _followed(steps: list[tuple[int, np.float32, bool, Floats | None]], penalty: float) -> Sequence:
    tokens, log_probs, ended, looked = (list(each) for each in zip(*steps, strict=True))
    total = np.sum(np.array(log_probs, np.float32))
    score = _normalised(total, _power(len(tokens), penalty))
    attention = None if looked[0] is None else np.stack(looked)
    return Sequence(tokens, _told(score), [_told(one) for one in log_probs], ended[-1], attention)


# --- beam -----------------------------------------------------------------------------------------------------------


class _Written(NamedTuple):
    """What one step wrote of each sentence and open hypothesis, all sentences of the batch in their places.

    Attributes:
        parents: Which hypothesis was gone on with, `[batch, beam]`.
        tokens: By which token, `[batch, beam]`.
        log_probs: Its log-probability, `[batch, beam]`.
        attention: What the hypotheses before it looked at, `[batch, beam, source_time]`, or None.
    """

    parents: npt.NDArray[np.int64]
    tokens: npt.NDArray[np.int64]
    log_probs: Floats
    attention: Floats | None


# A finished hypothesis: its score, its length (0 where there is none yet), the open one that ended, the
# log-probability of the end, and whether it ended by itself.
_FINISHED = np.dtype([("score", "f4"), ("length", "i8"), ("row", "i8"), ("end", "f4"), ("ended", "?")])


def _beam(settings: Any, task: _Task) -> list[list[Sequence]]:
    phrases = () if task.constraints is None else task.constraints.phrases
    progress = Progress.start(phrases, settings.beam_size) if any(phrases) else None
    if settings.beam_size == 1 and progress is None:
        return _greedy(settings, task)
    beam, n_best, penalty = settings.beam_size, settings.n_best, settings.length_penalty
    batch = len(task.max_length)
    place, memory, limit = np.arange(batch), task.memory, task.max_length
    bound = _power(limit, penalty)
    finished = np.zeros([batch, beam], _FINISHED)
    finished["score"] = -np.inf
    all_finished = finished.copy()
    state = _take(task.state, np.repeat(place, beam))
    tokens = np.full(batch * beam, START, np.int64)
    going = np.full([batch, beam], -np.inf, np.float32)
    going[:, 0] = 0  # the one hypothesis that there is at the start
    so_far = np.zeros([batch * beam, 0], np.int64)
    written: list[_Written] = []
    for length in count(1):
        more = None if progress is None else progress.next_tokens()
        offered = task.steps.step(tokens, state, memory, _count(task, beam, length), task.attention, more)
        behind = 0 if more is None else more.shape[1]
        found, state = _candidates(task, offered, np.repeat(place, beam), so_far, beam, behind), offered.state
        sentences, width = len(place), found.tokens.shape[1]
        last = (length >= limit)[:, np.newaxis]

        # The best that go on. At the last token nothing does.
        totals = (going.reshape(-1, 1) + found.log_probs).reshape(sentences, beam * width)
        if progress is None:
            index = np.argsort(-totals, axis=1, kind="stable")[:, :beam]
        else:
            banks = progress.fulfilled(found.tokens).reshape(totals.shape)
            index = allocate(totals, banks, beam)
        ending = going + found.end_log_probs.reshape(sentences, beam)
        going = _pick(totals, index)
        parents = index // width

        # An end is good enough if fewer than beam_size candidates are better. At the last token every one is.
        rivals, candidate = going, ending
        if progress is not None:
            # Only what has all phrases may end, unless the sentence is over and nothing has; only that is its rival.
            all_of_it = progress.lengths.sum(axis=1).reshape(sentences, beam)
            rivals = np.where(_pick(banks, index) == all_of_it, going, np.float32(-np.inf))
            candidate = np.where(progress.met.all(axis=1).reshape(sentences, beam), ending, np.float32(-np.inf))
            last |= going[:, :1] == -np.inf
            none = (np.maximum(finished["score"], candidate) == -np.inf).all(axis=1, keepdims=True)
            ending = np.where(last & none, ending, candidate)
        bar = np.partition(np.concatenate([candidate, rivals], axis=1), beam, axis=1)[:, beam : beam + 1]
        ended = (candidate >= bar) & ((length > settings.min_length) | (going[:, :1] == -np.inf))
        ended &= candidate > -np.inf
        if task.constraints is not None:
            ended &= ~found.no_end.reshape(sentences, beam)
        going = np.where(last, np.float32(-np.inf), going)
        divisor = _power(length, penalty)
        worthy = (ended | last) & (ending > -np.inf)
        if worthy.any():  # at most steps nothing ends
            now = np.zeros([sentences, beam], _FINISHED)
            now["score"] = np.where(worthy, _normalised(ending, divisor), np.float32(-np.inf))
            now["length"], now["row"], now["ended"] = length, np.arange(beam), ended
            now["end"] = found.end_log_probs.reshape(sentences, beam)
            both = np.concatenate([finished, now], axis=1)
            finished = _pick(both, np.argsort(-both["score"], axis=1, kind="stable")[:, :beam])
            all_finished[place] = finished

        # See `seq2seq.search.beam`: no open hypothesis can become better, or none is and the set is full.
        best, worst = going[:, 0], finished["score"][:, n_best - 1]
        full = finished["score"][:, beam - 1] > -np.inf
        done = (best / bound <= worst) | (full & (best / divisor <= worst))

        chosen = _pick(found.tokens.reshape(sentences, -1), index)
        log_probs = _pick(found.log_probs.reshape(sentences, -1), index)
        written.append(_write(batch, place, parents, chosen, log_probs, offered.attention))
        if done.all():
            break
        going = np.where(done[:, np.newaxis], np.float32(-np.inf), going)
        rows = (beam * np.arange(sentences)[:, np.newaxis] + parents).reshape(-1)
        if _mostly_closed(~done):
            stay = np.flatnonzero(~done)
            rows = rows.reshape(sentences, beam)[stay].reshape(-1)
            memory = _take(memory, stay)
            place, limit, bound = place[stay], limit[stay], bound[stay]
            going, chosen, finished = going[stay], chosen[stay], finished[stay]
        state, tokens = _take(state, rows), chosen.reshape(-1)
        progress = None if progress is None else progress.after(rows, tokens)
        so_far = _longer(task, so_far, rows, tokens)
    return [
        [_read_back(written, sentence, one) for one in best if one["length"]]
        for sentence, best in enumerate(all_finished[:, :n_best])
    ]


def _write(
    batch: int,
    place: npt.NDArray[np.int64],
    parents: npt.NDArray[np.int64],
    tokens: npt.NDArray[np.int64],
    log_probs: Floats,
    attention: Floats | None,
) -> _Written:
    def all_of(some: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if len(place) == batch:
            return some
        whole = np.zeros([batch, *some.shape[1:]], some.dtype)
        whole[place] = some
        return whole

    seen = None if attention is None else all_of(attention.reshape(len(place), parents.shape[1], -1))
    return _Written(all_of(parents), all_of(tokens), all_of(log_probs), seen)


def _read_back(written: list[_Written], sentence: int, finished: Any) -> Sequence:
    """Follow a finished hypothesis from its end to its start."""
    row, length = int(finished["row"]), int(finished["length"])
    at_end = written[length - 1].attention
    tokens, scores = [END], [finished["end"]]
    looked = [] if at_end is None else [at_end[sentence, row]]
    for step in reversed(written[: length - 1]):
        tokens.append(int(step.tokens[sentence, row]))
        scores.append(step.log_probs[sentence, row])
        row = int(step.parents[sentence, row])
        if step.attention is not None:
            looked.append(step.attention[sentence, row])
    return Sequence(
        tokens[::-1],
        _told(finished["score"]),
        [_told(score) for score in scores[::-1]],
        bool(finished["ended"]),
        np.stack(looked[::-1]) if looked else None,
    )


_SEARCHES: Mapping[type[Search], Callable[[Any, _Task], list[list[Sequence]]]] = {Greedy: _greedy, Beam: _beam}
