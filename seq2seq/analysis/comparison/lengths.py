"""Sentences in classes by the length of their sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seq2seq.analysis.comparison.words import cut_of

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
