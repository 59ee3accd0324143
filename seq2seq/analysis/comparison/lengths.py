"""Sentences in classes by the length of their sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import mean
from typing import TYPE_CHECKING

from seq2seq.analysis.comparison.words import cut_of

if TYPE_CHECKING:
    from seq2seq.metrics import Counts

_CLASSES = 4


@dataclass(frozen=True)
class Classes:
    """Classes of sentences or words, for a table by length or by frequency.

    Attributes:
        what: What they are told by.
        names: Their names.
        sizes: How many sentences or words are in each.
    """

    what: str
    names: list[str]
    sizes: list[int]


def by_length(sources: Sequence[str]) -> tuple[Classes, list[list[int]]]:
    """Sort sentences into up to four classes of about the same size, by the length of their sources.

    Args:
        sources: Their sources, at least one.

    Returns:
        The classes, and the places of the sentences of each.

    Example:
        >>> classes, members = by_length(["a b", "a b c", "a b c d", "a b", "a b c d e f"])
        >>> classes.what, classes.names, members
        ('words in the source', ['2', '3', '4–6'], [[0, 3], [1], [2, 4]])
    """
    what, cut = cut_of(sources)
    lengths = [len(cut(source)) for source in sources]
    ranked = sorted(lengths)
    ends = dict.fromkeys(ranked[(number + 1) * len(ranked) // _CLASSES - 1] for number in range(_CLASSES))
    names, members, start = [], [], 0
    for end in sorted(ends):
        members.append([place for place, length in enumerate(lengths) if start <= length <= end])
        low = min(lengths[place] for place in members[-1])
        names.append(f"{low}–{end}" if low < end else f"{end}")
        start = end + 1
    return Classes(f"{what} in the source", names, [len(each) for each in members]), members


def class_scores(counts: Sequence[Counts], members: Sequence[Sequence[int]]) -> list[float | None]:
    """Score each class of sentences.

    Args:
        counts: What a metric counts in each sentence, for each run of one system.
        members: The places of the sentences of each class.

    Returns:
        For each class the mean score of the runs; None where the metric has nothing to divide by.
    """
    found = [mean(each.score(each.rows[places].sum(0)) for each in counts) for places in map(list, members)]
    return [value if isfinite(value) else None for value in found]
