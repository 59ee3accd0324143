"""What a hypothesis must hold to, in NumPy: how it begins, and what it may not have (`seq2seq.search.constraints`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.text.special_ids import PAD

_ALL = 2**31  # more tokens than any vocabulary has


class Constraints(NamedTuple):
    """What is asked of the hypotheses of each sentence, in ids.

    Attributes:
        prefixes: What those of each sentence begin with; empty for anything.
        avoid: Phrases that none may have.
        phrases: Phrases that those of each sentence must have; for a beam.
    """

    prefixes: Sequence[Sequence[int]]
    avoid: Sequence[Sequence[int]]
    phrases: Sequence[Sequence[Sequence[int]]] = ()

    def asked(self) -> bool:
        """Tell whether anything is asked."""
        return any(self.prefixes) or bool(self.avoid) or any(self.phrases)

    def more(self, length: int) -> int:
        """Give how many more tokens have to be offered than without, so that enough are left.

        Args:
            length: Of the hypotheses with the token that comes next.
        """
        if any(len(prefix) >= length for prefix in self.prefixes):
            return _ALL
        return len({phrase[-1] for phrase in self.avoid})

    def banned(
        self, place: npt.NDArray[np.int64], written: npt.NDArray[np.int64], tokens: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Tell which of the offered tokens may not come next, and where no end may.

        Args:
            place: The sentence of each row, `[rows]`.
            written: The tokens of the open hypotheses, `[rows, time]`.
            tokens: What is offered, `[rows, offered]`.

        Returns:
            `[rows, offered]`, and for the end `[rows]`.

        Example:
            >>> asked = Constraints([[7, 8], []], [[5, 6]])
            >>> offered = np.array([[8, 6], [8, 6]])
            >>> found = asked.banned(np.array([0, 1]), np.array([[7], [5]]), offered)
            >>> [each.tolist() for each in found]
            [[[False, True], [False, True]], [True, False]]
        """
        time = written.shape[1]
        found = np.zeros(tokens.shape, bool)
        for *before, last in self.avoid:
            if time >= len(before):
                begun: Any = (written[:, time - len(before) :] == np.array(before, np.int64)).all(axis=1)
                found |= begun[:, np.newaxis] & (tokens == last)
        ahead = np.array([prefix[time] if time < len(prefix) else PAD for prefix in self.prefixes], np.int64)[place]
        fixed = ahead != PAD
        return np.where(fixed[:, np.newaxis], tokens != ahead[:, np.newaxis], found), fixed
