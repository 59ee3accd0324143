"""Charts drawn by hand as SVG; their colours are variables of the page that they stand in (`document.py`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from seq2seq.analysis.palette import COLOURS

WIDTH, MARGIN = 880, 16  # pixels
_ROW, _AXIS = 30, 44
_LETTER = 7.6  # mean width of a letter of a label
_LONGEST = 44  # letters of a label
_CURVES, _LOW = 320, 200  # heights of the plot, in a wide drawing and in a narrow one


def draw_curves(
    names: Sequence[str],
    curves: Sequence[Sequence[Sequence[tuple[int, float]]]],
    title: str,
    *,
    wide: int = WIDTH,
) -> str:
    """Draw values over optimizer steps: lines in the colour of their name.

    Args:
        names: Of what is drawn.
        curves: For each name its lines, of which there may be several; points of steps and value.
        title: What the values are.
        wide: The width of the drawing, pixels; on a page it takes the room that there is.
    """
    points = [point for runs in curves for run in runs for point in run if math.isfinite(point[1])]
    left, bottom, legend = 64, MARGIN + (_CURVES if wide == WIDTH else _LOW), 22 * math.ceil(len(names) / 2)
    across = Axis([0, *(step for step, _ in points)], left, wide - MARGIN)
    up = Axis([value for _, value in points], bottom, MARGIN)
    parts = [
        f'<path d="M{left} {up(tick):.1f} H{wide - MARGIN}" class="grid"/>'
        f'<text x="{left - 8}" y="{up(tick) + 4:.1f}" text-anchor="end">{shown(tick)}</text>'
        for tick in up.ticks
    ]
    parts += [
        f'<text x="{across(tick):.1f}" y="{bottom + 18}" text-anchor="middle">{tick:,.0f}</text>'
        for tick in across.ticks
    ]
    middle = (left + wide - MARGIN) / 2
    parts.append(f'<text x="{middle:.0f}" y="{bottom + 36}" text-anchor="middle" class="soft">optimizer steps</text>')
    for place, runs in enumerate(curves):
        for run in runs:
            line = " L".join(f"{across(step):.1f} {up(value):.1f}" for step, value in run if math.isfinite(value))
            if line:
                parts.append(f'<path d="M{line}" class="curve c{place % len(COLOURS)}"/>')
    for place, name in enumerate(names):
        x, y = left + (place % 2) * (wide - left) / 2, bottom + 60 + 22 * (place // 2)
        parts.append(f'<path d="M{x:.0f} {y - 4} h22" class="curve thick c{place % len(COLOURS)}"/>')
        parts.append(f'<text x="{x + 30:.0f}" y="{y}">{label(name)}</text>')
    return svg(title, bottom + 52 + legend, parts, wide)


class Rows:
    """A plot with a row for each name and an axis below."""

    def __init__(self, names: Sequence[str], values: Sequence[float], title: str) -> None:
        self._title = title
        self.bottom = MARGIN + _ROW * len(names)
        left = 24 + _LETTER * max(min(len(name), _LONGEST) for name in names)
        self.x = Axis(values, left, WIDTH - MARGIN - 12)
        self._parts = [
            f'<text x="{left - 18:.1f}" y="{self.y(row) + 4}" text-anchor="end">{label(name)}</text>'
            for row, name in enumerate(names)
        ]
        for tick in self.x.ticks:
            place = f"{self.x(tick):.1f}"
            self._parts.append(f'<path d="M{place} {MARGIN} V{self.bottom}" class="grid"/>')
            self._parts.append(f'<text x="{place}" y="{self.bottom + 20}" text-anchor="middle">{shown(tick)}</text>')

    def y(self, row: int) -> int:
        """The middle of a row."""
        return MARGIN + _ROW * row + _ROW // 2

    def add(self, part: str) -> None:
        """Put something on the plot."""
        self._parts.append(part)

    def svg(self) -> str:
        """Give the picture."""
        return svg(self._title, self.bottom + _AXIS - 12, self._parts)


class Axis:
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
        """Give the place of a value."""
        return self._start + (value - self._low) / (self._high - self._low) * (self._end - self._start)


def svg(title: str, height: float, parts: Sequence[str], wide: float = WIDTH) -> str:
    """Put parts together to a picture; its colours are variables of the page that it stands in."""
    head = f'<svg viewBox="0 0 {wide:.0f} {height:.0f}" role="img" xmlns="http://www.w3.org/2000/svg">'
    return "\n".join([head, f"<title>{escape(title)}</title>", *parts, "</svg>"])


def _round_step(width: float) -> float:
    """Give the round number, 1, 2 or 5 times a power of ten, next above a width.

    Example:
        >>> _round_step(0.3), _round_step(12), _round_step(60)
        (0.5, 20.0, 100.0)
    """
    power = 10.0 ** math.floor(math.log10(width))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= width)


def shown(tick: float) -> str:
    """Write the number of a tick."""
    return f"{tick:.6g}".replace("-", "−")


def label(name: str) -> str:
    """Write a name, cut where it is long."""
    return escape(name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…")
