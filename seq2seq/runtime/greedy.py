"""Greedy search: the likeliest token at each step."""

from __future__ import annotations

from itertools import count

import numpy as np

from seq2seq.runtime.steps import (
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
from seq2seq.search.settings import Search
from seq2seq.text.special_ids import END, START


def greedy(settings: Search, task: Task) -> list[list[Sequence]]:
    """Search greedily.

    Args:
        settings: A `Greedy`, or a `Beam` of one.
        task: What is searched.
    """
    state, memory = task.state, task.memory
    place = np.arange(len(task.max_length))
    tokens = np.full(len(place), START, np.int64)
    open_ = np.ones(len(place), bool)
    so_far = np.zeros([len(place), 0], np.int64)
    written: list[list[tuple[int, np.float32, bool, Floats | None]]] = [[] for _ in place]
    for length in count(1):
        offered = task.steps.step(tokens, state, memory, how_many(task, 1, length), task.attention)
        found, state = candidates(task, offered, place, so_far, 1), offered.state
        best = found.log_probs.argmax(axis=1)[:, np.newaxis]
        best_log_probs = pick(found.log_probs, best)[:, 0]
        may_end = (length > settings.min_length) | (best_log_probs == -np.inf)
        ended = may_end & (found.end_log_probs >= best_log_probs) & ~np.asarray(found.no_end)
        ends = ended | (length >= task.max_length[place])
        tokens = np.where(ends, END, pick(found.tokens, best)[:, 0])
        log_probs = np.where(ends, found.end_log_probs, best_log_probs)
        for row in np.flatnonzero(open_):
            looked = None if offered.attention is None else offered.attention[row]
            written[place[row]].append((int(tokens[row]), log_probs[row], bool(ended[row]), looked))
        open_ &= ~ends
        if not open_.any():
            break
        so_far = longer(task, so_far, slice(None), tokens)
        if mostly_closed(open_):
            stay = np.flatnonzero(open_)
            state, memory = take(state, stay), take(memory, stay)
            place, tokens, open_, so_far = place[stay], tokens[stay], open_[stay], so_far[stay]
    return [[_followed(steps, settings.length_penalty)] for steps in written]


def _followed(steps: list[tuple[int, np.float32, bool, Floats | None]], penalty: float) -> Sequence:
    tokens, log_probs, ended, looked = (list(each) for each in zip(*steps, strict=True))
    total = np.sum(np.array(log_probs, np.float32))
    score = normalised(total, power(len(tokens), penalty))
    attention = None if looked[0] is None else np.stack(looked)
    return Sequence(tokens, told(score), [told(one) for one in log_probs], ended[-1], attention)
