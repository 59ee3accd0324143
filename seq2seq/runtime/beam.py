"""Beam search: the best few hypotheses go on together.

What a hypothesis is made of is written down once per step and read back at the end, so that a step moves numbers of the
open hypotheses only.
"""

from __future__ import annotations

from itertools import count
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.runtime.graphs import Parts
from seq2seq.runtime.greedy import greedy
from seq2seq.runtime.phrases import Progress, allocate
from seq2seq.runtime.steps import (
    Candidates,
    Floats,
    Sequence,
    Task,
    candidates,
    how_many,
    longer,
    mostly_closed,
    normalised,
    pick,
    power,
    take,
    told,
)
from seq2seq.search.settings import Beam
from seq2seq.text.special_ids import END, START

_NOTHING = np.float32(-np.inf)  # the log-probability of a hypothesis that there is not


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


def beam(settings: Beam, task: Task) -> list[list[Sequence]]:
    """Search with a beam.

    Args:
        settings: A `Beam`.
        task: What is searched.
    """
    phrases = () if task.constraints is None else task.constraints.phrases
    progress = Progress.start(phrases, settings.beam_size) if any(phrases) else None
    if settings.beam_size == 1 and progress is None:
        return greedy(settings, task)
    return _Search(settings, task, progress).run()


class _Search:
    """A beam search under way: what there is of the sentences that are not done yet.

    Attributes:
        place: Which of the batch they are, `[sentences]`.
        limit: The most tokens of each, `[sentences]`.
        going: Log-probabilities of the hypotheses that go on, the best first, `[sentences, beam]`.
        tokens: The latest token of each, `[sentences * beam]`, as are the rows of `state`, `so_far` and `progress`.
        finished: The best finished hypotheses, `[sentences, beam]`; `all_finished` has those of the whole batch.
        written: What every step wrote.
    """

    def __init__(self, settings: Beam, task: Task, progress: Progress | None) -> None:
        self.settings, self.task, self.progress = settings, task, progress
        self.beam, batch = settings.beam_size, len(task.max_length)
        self.place, self.limit = np.arange(batch), task.max_length
        self.bound = power(self.limit, settings.length_penalty)
        self.finished = np.zeros([batch, self.beam], _FINISHED)
        self.finished["score"] = _NOTHING
        self.all_finished = self.finished.copy()
        self.state, self.memory = take(task.state, np.repeat(self.place, self.beam)), task.memory
        self.tokens = np.full(batch * self.beam, START, np.int64)
        self.going = np.full([batch, self.beam], _NOTHING, np.float32)
        self.going[:, 0] = 0  # the one hypothesis that there is at the start
        self.so_far = np.zeros([batch * self.beam, 0], np.int64)
        self.written: list[_Written] = []

    def run(self) -> list[list[Sequence]]:
        """Take steps until every sentence is done."""
        for length in count(1):
            if self._step(length):
                break
        return [
            [_read_back(self.written, sentence, one) for one in best if one["length"]]
            for sentence, best in enumerate(self.all_finished[:, : self.settings.n_best])
        ]

    def _step(self, length: int) -> bool:
        """Take a step; tell whether it was the last one."""
        more = None if self.progress is None else self.progress.next_tokens()
        needed, behind = how_many(self.task, self.beam, length), 0 if more is None else more.shape[1]
        offered = self.task.steps.step(self.tokens, self.state, self.memory, needed, self.task.attention, more)
        rows = np.repeat(self.place, self.beam)
        found = candidates(self.task, offered, rows, self.so_far, self.beam, behind)
        index, going, whole = self._best(found)
        going = self._end(found, going, whole, length)

        sentences, width = len(self.place), found.tokens.shape[1]
        parents = index // width
        chosen = pick(found.tokens.reshape(sentences, -1), index)
        log_probs = pick(found.log_probs.reshape(sentences, -1), index)
        batch = len(self.all_finished)
        self.written.append(_write(batch, self.place, parents, chosen, log_probs, offered.attention))
        done = self._done(going, length)
        if done.all():
            return True
        self._go_on(offered.state, going, parents, chosen, done)
        return False

    def _best(self, found: Candidates) -> tuple[npt.NDArray[np.int64], Floats, Any]:
        """Choose the best that go on: their places among all candidates, and whether they have all phrases."""
        sentences = len(self.place)
        totals = (self.going.reshape(-1, 1) + found.log_probs).reshape(sentences, -1)
        if self.progress is None:
            index = np.argsort(-totals, axis=1, kind="stable")[:, : self.beam]
            return index, pick(totals, index), True
        banks = self.progress.fulfilled(found.tokens).reshape(totals.shape)
        index = allocate(totals, banks, self.beam)
        all_of_it = self.progress.lengths.sum(axis=1).reshape(sentences, self.beam)
        return index, pick(totals, index), pick(banks, index) == all_of_it

    def _end(self, found: Candidates, going: Floats, whole: Any, length: int) -> Floats:
        """Keep the ends that are good enough; give what goes on: at the last token nothing does.

        An end is good enough if fewer than beam_size candidates are better. At the last token every one is.
        """
        sentences = len(self.place)
        end_log_probs = found.end_log_probs.reshape(sentences, self.beam)
        ending = self.going + end_log_probs
        last = (length >= self.limit)[:, np.newaxis]
        rivals, candidate = going, ending
        if self.progress is not None:
            # Only what has all phrases may end, unless the sentence is over and nothing has; only that is its rival.
            rivals = np.where(whole, going, _NOTHING)
            candidate = np.where(self.progress.met.all(axis=1).reshape(sentences, self.beam), ending, _NOTHING)
            last = last | (going[:, :1] == _NOTHING)
            none = (np.maximum(self.finished["score"], candidate) == _NOTHING).all(axis=1, keepdims=True)
            ending = np.where(last & none, ending, candidate)
        bar = np.partition(np.concatenate([candidate, rivals], axis=1), self.beam, axis=1)[:, self.beam : self.beam + 1]
        ended = (candidate >= bar) & ((length > self.settings.min_length) | (going[:, :1] == _NOTHING))
        ended &= candidate > _NOTHING
        if self.task.constraints is not None:
            ended &= ~np.asarray(found.no_end).reshape(sentences, self.beam)
        worthy = (ended | last) & (ending > _NOTHING)
        if worthy.any():  # at most steps nothing ends
            score = normalised(ending, power(length, self.settings.length_penalty))
            self._keep(np.where(worthy, score, _NOTHING), end_log_probs, ended, length)
        return np.where(last, _NOTHING, going)

    def _keep(self, score: Floats, end_log_probs: Floats, ended: npt.NDArray[np.bool_], length: int) -> None:
        """Put what ends now among the finished hypotheses, and keep the best of both."""
        now = np.zeros(score.shape, _FINISHED)
        now["score"], now["length"], now["row"] = score, length, np.arange(self.beam)
        now["end"], now["ended"] = end_log_probs, ended
        both = np.concatenate([self.finished, now], axis=1)
        self.finished = pick(both, np.argsort(-both["score"], axis=1, kind="stable")[:, : self.beam])
        self.all_finished[self.place] = self.finished

    def _done(self, going: Floats, length: int) -> npt.NDArray[np.bool_]:
        """Tell which sentences are done.

        See `seq2seq.search.beam`: no open hypothesis can become better, or none is and the set is full.
        """
        best, worst = going[:, 0], self.finished["score"][:, self.settings.n_best - 1]
        full = self.finished["score"][:, self.beam - 1] > _NOTHING
        now = best / power(length, self.settings.length_penalty)
        return np.asarray((best / self.bound <= worst) | (full & (now <= worst)))

    def _go_on(
        self,
        state: Parts,
        going: Floats,
        parents: npt.NDArray[np.int64],
        chosen: npt.NDArray[np.int64],
        done: npt.NDArray[np.bool_],
    ) -> None:
        """Bring what was chosen into its order; sentences that are done leave when they are half of all."""
        sentences = len(self.place)
        going = np.where(done[:, np.newaxis], _NOTHING, going)
        rows = (self.beam * np.arange(sentences)[:, np.newaxis] + parents).reshape(-1)
        if mostly_closed(~done):
            stay = np.flatnonzero(~done)
            rows = rows.reshape(sentences, self.beam)[stay].reshape(-1)
            self.memory = take(self.memory, stay)
            self.place, self.limit, self.bound = self.place[stay], self.limit[stay], self.bound[stay]
            going, chosen, self.finished = going[stay], chosen[stay], self.finished[stay]
        self.going, self.state, self.tokens = going, take(state, rows), chosen.reshape(-1)
        self.progress = None if self.progress is None else self.progress.after(rows, self.tokens)
        self.so_far = longer(self.task, self.so_far, rows, self.tokens)


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
        told(finished["score"]),
        [told(score) for score in scores[::-1]],
        bool(finished["ended"]),
        np.stack(looked[::-1]) if looked else None,
    )
