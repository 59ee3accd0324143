"""How well sentences are translated, by how long they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import mean
from typing import TYPE_CHECKING

from seq2seq.analysis.comparison.words import cut_of

if TYPE_CHECKING:
    from seq2seq.metrics import Counts

_CLASSES = 4  # of about as many sentences each


class ByLength:
    """The sentences in classes of about the same size, by the length of their sources.

    Args:
        sources: The sources.

    Attributes:
        what: What the classes are told by.
        names: Their names.
        sizes: How many sentences are in each.

    Example:
        >>> classes = ByLength(["a b", "a b c", "a b c", "a b c d e", "a b c d e f"])
        >>> classes.what, classes.names, classes.sizes
        ('words in the source', ['2', '3', '5–6'], [1, 2, 2])
    """

    def __init__(self, sources: Sequence[str]) -> None:
        what, cut = cut_of(sources)
        lengths = [len(cut(source)) for source in sources]
        ranked = sorted(lengths)
        ends = dict.fromkeys(ranked[(number + 1) * len(ranked) // _CLASSES - 1] for number in range(_CLASSES))
        self.what = f"{what} in the source"
        self.names: list[str] = []
        self._members: list[list[int]] = []
        start = 0
        for end in sorted(ends):
            self._members.append([place for place, length in enumerate(lengths) if start <= length <= end])
            low = min(lengths[place] for place in self._members[-1])
            self.names.append(f"{low}–{end}" if low < end else f"{end}")
            start = end + 1
        self.sizes = [len(each) for each in self._members]

    def scores(self, counts: Sequence[Counts]) -> list[float | None]:
        """Score each class.

        Args:
            counts: What a metric counts in each sentence, for each run of one system.

        Returns:
            For each class the mean score of the runs; None where the metric has nothing to divide by.
        """
        found = [mean(each.score(each.rows[members].sum(0)) for each in counts) for members in self._members]
        return [None if math.isnan(value) else value for value in found]
