"""What greedy and beam search are made of: what a step offers, the best of it, and a hypothesis as it is given."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from seq2seq.runtime.constraints import Constraints
from seq2seq.runtime.graphs import Offered, Parts
from seq2seq.text.special_ids import END, PAD, START

IMPOSSIBLE = np.float32(-1e30)
"""The log-probability, in nats, of what the model calls impossible; see `seq2seq.search`."""

_NEVER = 1 + max(PAD, START, END)  # the lowest ids: tokens that no hypothesis goes on with

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


class Task(NamedTuple):
    """What is searched, from where, and what is asked: the arguments of :func:`seq2seq.runtime.search.search`."""

    steps: Steps
    state: Parts
    memory: Parts
    max_length: npt.NDArray[np.int64]
    attention: bool
    constraints: Constraints | None


class Candidates(NamedTuple):
    """The best next tokens of each row; see `seq2seq.search.step.Candidates`."""

    tokens: npt.NDArray[np.int64]
    log_probs: Floats
    end_log_probs: Floats
    no_end: Any = False


def candidates(
    task: Task,
    offered: Offered,
    place: npt.NDArray[np.int64],
    written: npt.NDArray[np.int64],
    needed: int,
    more: int = 0,
) -> Candidates:
    """Give what a step offers as the best next tokens of each row, without what is banned.

    Args:
        task: What is searched.
        offered: What the step offers.
        place: Which sentence of the batch each row is of.
        written: What the rows have written so far, `[rows, length]`.
        needed: How many tokens a row needs.
        more: How many of those that are offered stand there for the phrases, behind the best.
    """
    log_probs = np.concatenate([offered.logits, offered.end], axis=1) - offered.total
    # Rounding may lift a certain token above 0, and the bound of the beam search stands on numbers that fall.
    log_probs = np.minimum(np.fmax(log_probs, IMPOSSIBLE), np.float32(0))  # fmax: not a number is impossible, too
    going = np.where(offered.tokens < _NEVER, np.float32(-np.inf), log_probs[:, :-1])
    if task.constraints is None:
        return Candidates(offered.tokens, going, log_probs[:, -1])
    banned, no_end = task.constraints.banned(place, written, offered.tokens)
    going = np.where(banned, np.float32(-np.inf), going)
    if more == 0:
        return Candidates(offered.tokens, going, log_probs[:, -1], no_end)
    # As many of the best as without what is banned, and of what is behind them what is not there already.
    behind = np.arange(banned.shape[1])[-more:]
    best = np.argsort(banned[:, :-more], axis=1, kind="stable")[:, : needed + _NEVER]
    kept = np.concatenate([best, np.broadcast_to(behind, [len(best), more])], axis=1)
    tokens, going = pick(offered.tokens, kept), pick(going, kept)
    again = np.tril(tokens[:, :, np.newaxis] == tokens[:, np.newaxis]).sum(axis=2) > 1
    return Candidates(tokens, np.where(again, np.float32(-np.inf), going), log_probs[:, -1], no_end)


def how_many(task: Task, needed: int, length: int) -> int:
    """Tell how many tokens a step has to offer: the lowest ids are among them, and what is banned."""
    return needed + _NEVER + (0 if task.constraints is None else task.constraints.more(length))


def longer(task: Task, written: npt.NDArray[np.int64], rows: Any, tokens: npt.NDArray[np.int64]) -> Any:
    """Give what is written with one token more, where anybody asks."""
    return written if task.constraints is None else np.concatenate([written[rows], tokens[:, np.newaxis]], axis=1)


def normalised(log_probs: Any, divisor: Any) -> Any:
    """Divide log-probabilities, but for those of what is impossible."""
    return np.where(log_probs > IMPOSSIBLE / 2, log_probs / divisor, log_probs)


def power(length: Any, penalty: float) -> Any:
    """Give what a score of this length is divided by."""
    return np.power(np.asarray(length, np.float32), np.float32(penalty))


def told(score: Any) -> float:
    """Give a score as it is told: −inf for what is impossible."""
    return float(score) if score > IMPOSSIBLE / 2 else float("-inf")


def pick(values: npt.NDArray[Any], places: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Pick some of each row, `[rows, picked]`: as `np.take_along_axis`, without its checks, which a step feels."""
    return values[np.arange(len(values))[:, np.newaxis], places]


def take(parts: Parts, rows: Any) -> Parts:
    """Give some rows of every part."""
    return {name: part.take(rows, axis=0) for name, part in parts.items()}


def mostly_closed(open_: npt.NDArray[np.bool_]) -> bool:
    """Tell whether those that are done should leave: as in `seq2seq.search`, when they are half of all."""
    return 2 * int(open_.sum()) <= len(open_)
