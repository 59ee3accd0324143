"""Pictures of a comparison, drawn by hand as SVG; their colours are variables of the page that they stand in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from seq2seq.analysis.comparison.statistics import Difference
from seq2seq.analysis.palette import COLOURS

_WIDTH, _ROW, _AXIS, _MARGIN = 880, 30, 44, 16  # pixels
_LETTER = 7.6  # mean width of a letter of a label
_LONGEST = 44  # letters of a label
_CURVES = 320  # height of the plot


def draw_scores(names: Sequence[str], scores: Sequence[Sequence[float]], title: str) -> str:
    """Draw a dot for the score of each seed, and a stroke for the mean, in a row for each variant.

    Args:
        names: Of the variants.
        scores: Those of each.
        title: What the scores are.
    """
    plot = _Rows(names, [value for each in scores for value in each], title)
    for row, values in enumerate(scores):
        middle, mean = plot.y(row), plot.x(sum(values) / len(values))
        plot.add(f'<path d="M{mean:.1f} {middle - 9} v18" class="mean c{row % len(COLOURS)}"/>')
        for value in values:
            told = f"<title>{escape(names[row])}: {value:.2f}</title>"
            place, colour = f'cx="{plot.x(value):.1f}" cy="{middle}"', f"c{row % len(COLOURS)}"
            plot.add(f'<circle {place} r="5" class="dot {colour}">{told}</circle>')
    return plot.svg()


def draw_differences(names: Sequence[str], differences: Sequence[Difference], title: str) -> str:
    """Draw the difference of each variant from the first as a dot on its interval; hollow where nothing was detected.

    Args:
        names: Of the variants, without the first.
        differences: Theirs.
        title: What they are differences of.
    """
    ends = [value for each in differences for value in (each.low, each.high)]
    plot = _Rows(names, [0.0, *ends], title)
    plot.add(f'<path d="M{plot.x(0):.1f} {_MARGIN} V{plot.bottom}" class="zero"/>')
    for row, each in enumerate(differences):
        middle, colour = plot.y(row), f"c{(row + 1) % len(COLOURS)}"
        told = f"<title>{escape(names[row])}: {each.value:+.2f}, {each.low:+.2f} … {each.high:+.2f}</title>"
        low, high = plot.x(each.low), plot.x(each.high)
        plot.add(f'<path d="M{low:.1f} {middle} H{high:.1f} M{low:.1f} {middle - 5} v10 M{high:.1f} {middle - 5} v10"')
        plot.add(f' class="interval {colour}">{told}</path>')
        hollow = "" if each.detected else " hollow"
        plot.add(f'<circle cx="{plot.x(each.value):.1f}" cy="{middle}" r="5.5" class="dot {colour}{hollow}"/>')
    return plot.svg()


def draw_curves(names: Sequence[str], curves: Sequence[Sequence[Sequence[tuple[int, float]]]], title: str) -> str:
    """Draw a score over optimizer steps: a line for each run, in the colour of its variant.

    Args:
        names: Of the variants.
        curves: For each variant those of its runs; points of steps and score.
        title: What the score is.
    """
    points = [point for runs in curves for run in runs for point in run if math.isfinite(point[1])]
    left, bottom, legend = 64, _MARGIN + _CURVES, 22 * math.ceil(len(names) / 2)
    across = _Axis([0, *(step for step, _ in points)], left, _WIDTH - _MARGIN)
    up = _Axis([value for _, value in points], bottom, _MARGIN)
    parts = [
        f'<path d="M{left} {up(tick):.1f} H{_WIDTH - _MARGIN}" class="grid"/>'
        f'<text x="{left - 8}" y="{up(tick) + 4:.1f}" text-anchor="end">{_shown(tick)}</text>'
        for tick in up.ticks
    ]
    parts += [
        f'<text x="{across(tick):.1f}" y="{bottom + 18}" text-anchor="middle">{tick:,.0f}</text>'
        for tick in across.ticks
    ]
    middle = (left + _WIDTH - _MARGIN) / 2
    parts.append(f'<text x="{middle:.0f}" y="{bottom + 36}" text-anchor="middle" class="soft">optimizer steps</text>')
    for place, runs in enumerate(curves):
        for run in runs:
            line = " L".join(f"{across(step):.1f} {up(value):.1f}" for step, value in run if math.isfinite(value))
            if line:
                parts.append(f'<path d="M{line}" class="curve c{place % len(COLOURS)}"/>')
    for place, name in enumerate(names):
        x, y = left + (place % 2) * (_WIDTH - left) / 2, bottom + 60 + 22 * (place // 2)
        parts.append(f'<path d="M{x:.0f} {y - 4} h22" class="curve thick c{place % len(COLOURS)}"/>')
        parts.append(f'<text x="{x + 30:.0f}" y="{y}">{_label(name)}</text>')
    return _svg(title, bottom + 52 + legend, parts)


class _Rows:
    """A plot with a row for each variant and an axis below."""

    def __init__(self, names: Sequence[str], values: Sequence[float], title: str) -> None:
        self._title = title
        self.bottom = _MARGIN + _ROW * len(names)
        left = 24 + _LETTER * max(min(len(name), _LONGEST) for name in names)
        self.x = _Axis(values, left, _WIDTH - _MARGIN - 12)
        self._parts = [
            f'<text x="{left - 18:.1f}" y="{self.y(row) + 4}" text-anchor="end">{_label(name)}</text>'
            for row, name in enumerate(names)
        ]
        for tick in self.x.ticks:
            place = f"{self.x(tick):.1f}"
            self._parts.append(f'<path d="M{place} {_MARGIN} V{self.bottom}" class="grid"/>')
            self._parts.append(f'<text x="{place}" y="{self.bottom + 20}" text-anchor="middle">{_shown(tick)}</text>')

    def y(self, row: int) -> int:
        """The middle of a row."""
        return _MARGIN + _ROW * row + _ROW // 2

    def add(self, part: str) -> None:
        """Put something on the plot."""
        self._parts.append(part)

    def svg(self) -> str:
        return _svg(self._title, self.bottom + _AXIS - 12, self._parts)


class _Axis:
    """Where values stand between two ends, in pixels, with round numbers on the way."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        low, high = min(values), max(values)
        room = 0.05 * (high - low) or 0.5
        self._low, self._high = (low - room if low else low), high + room
        self._start, self._end = start, end
        step = _round_step((self._high - self._low) / 6)
        first = math.ceil(self._low / step)
        self.ticks = [number * step for number in range(first, math.floor(self._high / step) + 1)]

    def __call__(self, value: float) -> float:
        return self._start + (value - self._low) / (self._high - self._low) * (self._end - self._start)


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    head = f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" xmlns="http://www.w3.org/2000/svg">'
    return "\n".join([head, f"<title>{escape(title)}</title>", *parts, "</svg>"])


def _round_step(width: float) -> float:
    """Give the round number, 1, 2 or 5 times a power of ten, next above a width.

    Example:
        >>> _round_step(0.3), _round_step(12), _round_step(60)
        (0.5, 20.0, 100.0)
    """
    power = 10.0 ** math.floor(math.log10(width))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= width)


def _shown(tick: float) -> str:
    return f"{tick:.6g}".replace("-", "−")


def _label(name: str) -> str:
    return escape(name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…")
