"""Phrases that must appear, in NumPy: how far hypotheses are with them, and who goes on (`seq2seq.search.phrases`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.text.special_ids import PAD


class Progress(NamedTuple):
    """How far hypotheses are with the phrases of their sentences.

    Attributes:
        phrases: Padding on the right, `[rows, phrases, phrase_time]`.
        met: Whether the phrase is there, `[rows, phrases]`.
        begun: Whether so many of its first tokens are the latest ones, `[rows, phrases, phrase_time]`.
    """

    phrases: npt.NDArray[np.int64]
    met: npt.NDArray[np.bool_]
    begun: npt.NDArray[np.bool_]

    @classmethod
    def start(cls, asked: Sequence[Sequence[Sequence[int]]], beam: int) -> Progress:
        """Begin, with nothing written.

        Args:
            asked: The phrases of each sentence; one at least.
            beam: The rows of a sentence.
        """
        most, longest = max(map(len, asked)), max(len(phrase) for phrases in asked for phrase in phrases)
        ids = np.full([len(asked), most, longest], PAD, np.int64)
        for row, phrases in zip(ids, asked, strict=True):
            for place, phrase in zip(row, phrases, strict=False):
                place[: len(phrase)] = phrase
        ids = np.repeat(ids, beam, axis=0)
        begun = np.zeros(ids.shape, bool)
        begun[..., 0] = True
        return cls(ids, (ids == PAD).all(axis=2), begun)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """The tokens of each phrase, `[rows, phrases]`."""
        return np.count_nonzero(self.phrases != PAD, axis=2)

    def next_tokens(self) -> npt.NDArray[np.int64]:
        """Give the token that brings each phrase on, `[rows, phrases]`; padding where it is there already."""
        so_many = np.arange(self.phrases.shape[2])
        done = np.where(self.begun & (so_many < self.lengths[..., np.newaxis]), so_many, 0).max(axis=2)
        return np.where(self.met, PAD, np.take_along_axis(self.phrases, done[..., np.newaxis], axis=2)[..., 0])

    def fulfilled(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Count the tokens of phrases that there are with one token more: those of whole ones, and of one begun.

        Args:
            tokens: What may come next, `[rows, candidates]`.

        Returns:
            `[rows, candidates]`.

        Example:
            >>> found = Progress.start([[[3, 4], [5, 6]]], 1)
            >>> for token in (3, 4, 5):
            ...     found = found.after(np.array([0]), np.array([token]))
            >>> found.next_tokens().tolist(), found.fulfilled(np.array([[6, 5, 4]])).tolist()
            ([[0, 6]], [[4, 3, 2]])
        """
        lengths = self.lengths[:, np.newaxis]
        hit = self._hit(tokens)
        matched = np.where(hit, 1 + np.arange(hit.shape[3]), 0).max(axis=3)
        whole = self.met[:, np.newaxis] | (matched == lengths)
        found: npt.NDArray[np.int64] = np.where(whole, lengths, 0).sum(axis=2) + np.where(whole, 0, matched).max(axis=2)
        return found

    def after(self, rows: npt.NDArray[np.int64], tokens: npt.NDArray[np.int64]) -> Progress:
        """Give that of hypotheses which go on from these rows by these tokens."""
        before = Progress(self.phrases[rows], self.met[rows], self.begun[rows])
        hit = before._hit(tokens[:, np.newaxis])[:, 0]
        last = np.arange(hit.shape[2]) == before.lengths[..., np.newaxis] - 1
        begun = np.concatenate([np.ones([*hit.shape[:2], 1], bool), hit[..., :-1]], axis=2)
        return Progress(before.phrases, before.met | (hit & last).any(axis=2), begun)

    def _hit(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Tell what goes on by which token, `[rows, candidates, phrases, phrase_time]`."""
        phrases: Any = self.phrases[:, np.newaxis]
        found: npt.NDArray[np.bool_] = (
            (phrases == tokens[..., np.newaxis, np.newaxis]) & self.begun[:, np.newaxis] & (phrases != PAD)
        )
        return found


def allocate(totals: npt.NDArray[Any], banks: npt.NDArray[np.int64], beam: int) -> npt.NDArray[np.int64]:
    """Choose who goes on: the best of every bank, then the second best of every bank, and so on.

    Args:
        totals: Nats; −inf for what does not exist, `[sentences, candidates]`.
        banks: How many tokens of phrases each has. Of as good a rank, more come first.
        beam: How many go on.

    Returns:
        Their places, best first, `[sentences, beam]`.

    Example:
        >>> allocate(np.array([[-1.0, -2.0, -9.0, -7.0]]), np.array([[0, 0, 1, 1]]), 3).tolist()
        [[0, 3, 2]]
    """
    order = np.argsort(-totals, axis=1, kind="stable")
    ordered, banks = (np.take_along_axis(each, order, axis=1) for each in (totals, banks))
    rank = np.tril(banks[:, :, np.newaxis] == banks[:, np.newaxis]).sum(axis=2)
    turn = np.where(np.isinf(ordered), np.iinfo(np.int64).max, rank * (banks.max(axis=1, keepdims=True) + 1) - banks)
    chosen = np.argsort(turn, axis=1, kind="stable")[:, :beam]
    again = np.argsort(-np.take_along_axis(ordered, chosen, axis=1), axis=1, kind="stable")
    return np.take_along_axis(order, np.take_along_axis(chosen, again, axis=1), axis=1)
