"""How long a translation may become: a bound on the target's length given the source's, learnt from training pairs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:  # records of runs are read without it
    import numpy.typing as npt

_SHARE = 0.9  # of the source tokens, in pairs whose targets grow no faster than the line
_MARGIN = 1.2
_MORE = 5  # tokens beyond that: a margin for short ones

_FACTOR, _NUMBER = 2.0, 10
"""Enough for translation between most languages: what held before limits were learnt."""


@dataclass(frozen=True)
class LengthLimit:
    """The most tokens of a target, END counted, given the tokens of its source: the highest of some rising lines.

    Args:
        lines: each a slope and a whole number: a source of n tokens and END may have a target of up to
            `ceil(slope * n) + number` tokens.

    Source:
        The form of a line is that of fairseq's `max_len_a` and `max_len_b` (Ott et al., 2019); how it is learnt is
        ours, see `learn`.

    Example:
        >>> limit = LengthLimit.learn([4, 5, 11], [16, 21, 51])  # five sounds a letter, END counted on both sides
        >>> limit.of(5), limit.of(21), LengthLimit.by_factor().of(5)
        (30, 126, 18)
    """

    lines: tuple[tuple[float, int], ...]

    def __post_init__(self) -> None:
        if not self.lines or not all(0 <= slope < math.inf and number >= 1 for slope, number in self.lines):
            raise ValueError(
                "A length limit needs lines that do not fall and leave room for one token. "
                f"Received: lines={self.lines!r}. Give slopes from 0 up, and whole numbers from 1 up."
            )

    @classmethod
    def by_factor(cls, factor: float = _FACTOR) -> LengthLimit:
        """Give the limit where nothing was learnt: so many times the tokens of the source, and 10 more.

        Args:
            factor: tokens of the target per token of the source; 2 is enough for most pairs of languages.
        """
        return cls(((float(factor), _NUMBER),))

    @classmethod
    def chosen(cls, factor: float | Literal["learnt"], learnt: LengthLimit | None = None) -> LengthLimit:
        """Give the limit that the setting `max_length_factor` of a search chooses.

        Args:
            factor: the setting.
            learnt: the limit that was learnt; None where none was.
        """
        if factor != "learnt":
            return cls.by_factor(factor)
        return cls.by_factor() if learnt is None else learnt

    @classmethod
    def learn(
        cls, source_lengths: npt.ArrayLike, target_lengths: npt.ArrayLike, counts: npt.ArrayLike | None = None
    ) -> LengthLimit:
        """Learn the limit from the lengths of pairs.

        Every pair is within the limit, with a margin of a fifth and 5 tokens; and no limit is below that by the factor
        2, so that a translation which was whole before is whole.

        The slope is what the targets of nine tenths of all source tokens do not exceed (the quantile of the ratio of
        the lengths, each pair weighted by its source): what a long source needs, even one longer than any seen. A
        short source with a long target, as a wrong pair is, has little weight in it, and the ratio of a long one is
        bounded, so that a few wrong pairs do not tilt the line; they lift it, by the number that the worst needs.

        Args:
            source_lengths: tokens of the sources, END counted, [pairs].
            target_lengths: tokens of the targets, END counted, [pairs].
            counts: how often each pair of lengths occurs, [pairs]; None: once.

        Raises:
            ValueError: if there is no pair, the numbers of lengths differ, or a length is below 1.
        """
        import numpy as np

        source, target = np.asarray(source_lengths, np.float64), np.asarray(target_lengths, np.float64)
        often = np.ones(source.shape) if counts is None else np.asarray(counts, np.float64)
        if not len(source) or not source.shape == target.shape == often.shape or min(source.min(), target.min()) < 1:
            raise ValueError(
                "A length limit is learnt from the lengths of one pair or more, END counted. "
                f"Received: {source.size:,} sources, {target.size:,} targets, {often.size:,} counts, the shortest of "
                f"{min(source.min(initial=1), target.min(initial=1)):g} tokens."
            )
        source, target = source - 1, target - 1
        slope = _quantile(target / np.maximum(source, 1), source * often, _SHARE)
        number = max(0.0, float((target - slope * source).max()))
        end = 1
        return cls(((_FACTOR, _NUMBER), (_MARGIN * slope, math.ceil(_MARGIN * number) + _MORE + end)))

    def of(self, source_length: int) -> int:
        """Give the most tokens of a target, END counted.

        Args:
            source_length: tokens of the source, END counted.
        """
        return max(math.ceil(slope * (source_length - 1)) + number for slope, number in self.lines)

    def beyond(self, source_lengths: npt.ArrayLike, target_lengths: npt.ArrayLike) -> npt.NDArray[Any]:
        """Tell which targets are longer than that, bool [pairs].

        Args:
            source_lengths: tokens of the sources, END counted, [pairs].
            target_lengths: tokens of the targets, END counted, [pairs].
        """
        import numpy as np

        source = np.asarray(source_lengths) - 1
        bounds = [np.ceil(slope * source) + number for slope, number in self.lines]
        return np.asarray(target_lengths) > np.max(bounds, axis=0)

    def __str__(self) -> str:
        """Say it in words.

        Example:
            >>> str(LengthLimit(((2.0, 10), (6.1, 7))))
            'the highest of 2 n + 10 and 6.1 n + 7 tokens for n of the source'
        """
        lines = " and ".join(f"{slope:.3g} n + {number}" for slope, number in self.lines)
        return f"{'the highest of ' if len(self.lines) > 1 else ''}{lines} tokens for n of the source"

    def to_table(self) -> dict[str, Any]:
        """Give the limit as plain values, for JSON or TOML."""
        return {"lines": [list(line) for line in self.lines]}

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> LengthLimit:
        """Read what `to_table` gave.

        Raises:
            ValueError: if the table is another.
        """
        lines = table.get("lines") if isinstance(table, Mapping) else None
        if not isinstance(lines, list) or not all(_is_line(line) for line in lines):
            raise ValueError(
                "A length limit is a table of lines, each a slope and a whole number. "
                f"Received: {table!r:.200}. Use what to_table gave."
            )
        return cls(tuple((float(slope), number) for slope, number in lines))


def _is_line(line: object) -> bool:
    return isinstance(line, list) and len(line) == 2 and type(line[0]) in (int, float) and type(line[1]) is int


def _quantile(values: npt.NDArray[Any], weights: npt.NDArray[Any], share: float) -> float:
    """The smallest value that, with those below it, has this share of the weight; 0 where nothing has any."""
    order = values.argsort()
    below = weights[order].cumsum()
    return float(values[order][below.searchsorted(share * below[-1])]) if below[-1] else 0.0
