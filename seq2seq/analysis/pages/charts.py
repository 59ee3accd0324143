"""Charts drawn by hand as SVG; their colours are variables of the page that they stand in (`document.py`)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from seq2seq.system.picture import COLOURS, drawable
from seq2seq.system.terminal import width

WIDTH, MARGIN = 880, 16  # pixels
_ROW, _AXIS = 30, 44
_LETTER = 7.6  # mean width of a letter of a label; letters of Chinese, Japanese and Korean have two
_LONGEST = 44  # letters of a label
_CURVES, _LOW = 320, 200  # heights of the plot, in a wide drawing and in a narrow one
_CELL = 20  # side of a cell of an alignment
_SEEN = 0.02  # weights below are left out of a drawing
_BETWEEN = 4  # between labels beside each other


def draw_curves(
    names: Sequence[str],
    curves: Sequence[Sequence[Sequence[tuple[float, float]]]],
    title: str,
    *,
    wide: int = WIDTH,
    across: str = "optimizer steps",
) -> str:
    """Draw values over optimizer steps, or over something else that is counted: lines in the colour of their name.

    Args:
        names: Of what is drawn.
        curves: For each name its lines, of which there may be several; points of steps and value.
        title: What the values are.
        wide: The width of the drawing, pixels; on a page it takes the room that there is.
        across: What they are drawn over.
    """
    points = [point for runs in curves for run in runs for point in run if math.isfinite(point[1])]
    left, bottom, legend = 64, MARGIN + (_CURVES if wide == WIDTH else _LOW), 22 * math.ceil(len(names) / 2)
    along = Axis([0, *(step for step, _ in points)], left, wide - MARGIN)
    up = Axis([value for _, value in points] or [0.0], bottom, MARGIN)
    parts = [
        f'<path d="M{left} {up(tick):.1f} H{wide - MARGIN}" class="grid"/>'
        f'<text x="{left - 8}" y="{up(tick) + 4:.1f}" text-anchor="end">{shown(tick)}</text>'
        for tick in up.ticks
    ]
    parts += [
        f'<text x="{along(tick):.1f}" y="{bottom + 18}" text-anchor="middle">{tick:,.0f}</text>'
        for tick in along.ticks
        if tick == round(tick)
    ]
    middle = (left + wide - MARGIN) / 2
    parts.append(
        f'<text x="{middle:.0f}" y="{bottom + 36}" text-anchor="middle" class="soft">{drawable(across)}</text>'
    )
    for place, runs in enumerate(curves):
        for run in runs:
            line = " L".join(f"{along(step):.1f} {up(value):.1f}" for step, value in run if math.isfinite(value))
            if " L" in line:
                named = f"<title>{drawable(names[place])}</title>"
                parts.append(f'<path d="M{line}" class="curve {_look(place)}">{named}</path>')
            elif line:  # a line of one point would not be seen
                left_of_it, above_it = line.split()
                parts.append(f'<circle cx="{left_of_it}" cy="{above_it}" r="4" class="dot c{place % len(COLOURS)}"/>')
    for place, name in enumerate(names):
        x, y = left + (place % 2) * (wide - left) / 2, bottom + 60 + 22 * (place // 2)
        parts.append(f'<path d="M{x:.0f} {y - 4} h22" class="curve thick {_look(place)}"/>')
        parts.append(f'<text x="{x + 30:.0f}" y="{y}">{label(name)}</text>')
    return svg(title, bottom + 52 + legend, parts, wide)


def _look(place: int) -> str:
    """Name the colour of a line and, where colours come again, its dashes."""
    dashes = ("", " dashed", " dotted")[place // len(COLOURS) % 3]
    return f"c{place % len(COLOURS)}{dashes}"


class Rows:
    """A plot with a row for each name and an axis below, under which may stand what it is of."""

    def __init__(
        self, names: Sequence[str], values: Sequence[float], title: str, *, wide: int = WIDTH, along: str = ""
    ) -> None:
        self._title, self._wide, self._along = title, wide, along
        self.bottom = MARGIN + _ROW * len(names)
        left = 24 + _room(names)
        self.x = Axis(values, left, wide - MARGIN - 12)
        self._middle = (left + wide - MARGIN - 12) / 2
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
        below = self.bottom + _AXIS - 12
        if self._along:
            place = f'x="{self._middle:.0f}" y="{below + 6}"'
            self.add(f'<text {place} text-anchor="middle" class="soft">{drawable(self._along)}</text>')
        return svg(self._title, below + (18 if self._along else 0), self._parts, self._wide)


class Axis:
    """Where values stand between two ends, in pixels, with round numbers on the way."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        low, high = min(values), max(values)
        room = 0.05 * (high - low) or 0.05 * abs(high) or 0.5
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
    return "\n".join([head, f"<title>{drawable(title)}</title>", *parts, "</svg>"])


def _round_step(width: float) -> float:
    """Give the round number, 1, 2 or 5 times a power of ten, next above a width.

    Example:
        >>> _round_step(0.3), _round_step(12), _round_step(60)
        (0.5, 20.0, 100.0)
    """
    power = 10.0 ** math.floor(math.log10(width))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= width)


def shown(tick: float) -> str:
    """Write the number of a tick.

    Example:
        >>> shown(-0.5), shown(2000.0), shown(1e-5)
        ('−0.5', '2,000', '1e−05')
    """
    return (f"{tick:,.0f}" if 1000 <= abs(tick) < 1e6 else f"{tick:.6g}").replace("-", "−")


def label(name: str) -> str:
    """Write a name, cut where it is long."""
    return drawable(_cut(name))


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _room(names: Sequence[str]) -> float:
    """Give the pixels that the widest of some labels takes."""
    return _LETTER * max(width(_cut(name)) for name in names)


def draw_bars(names: Sequence[str], values: Sequence[float | None], title: str, *, colour: int = 0) -> str:
    """Draw a bar for each of some values, from 0 up, its number above it.

    Args:
        names: Written below the bars.
        values: Numbers from 0 up; None has no bar.
        title: What the values are.
        colour: Which colour of the page the bars have.
    """
    wide, bottom, top = 440, MARGIN + _LOW, MARGIN + 14
    known = [value for value in values if value is not None]
    highest = max([*known, 1e-9])
    room = (wide - 2 * MARGIN) / len(values)
    numbers = ["–" if value is None else _brief(value) for value in values]
    numbered = _room(numbers) + _BETWEEN <= room
    every = math.ceil((_room(names) + _BETWEEN) / room)  # which names have room
    parts = [f'<path d="M{MARGIN} {bottom} H{wide - MARGIN}" class="zero"/>']
    for place, (name, value) in enumerate(zip(names, values, strict=True)):
        left, middle = MARGIN + (place + 0.12) * room, MARGIN + (place + 0.5) * room
        if value is not None:
            high = value / highest * (bottom - top)
            box = f'x="{left:.1f}" y="{bottom - high:.1f}" width="{0.76 * room:.1f}" height="{high:.1f}"'
            parts.append(f'<rect {box} rx="2" class="bar c{colour}"/>')
        if numbered and value != 0:
            height = bottom - (value or 0) / highest * (bottom - top) - 5
            parts.append(f'<text x="{middle:.1f}" y="{height:.1f}" text-anchor="middle">{numbers[place]}</text>')
        if place % every == 0:
            parts.append(f'<text x="{middle:.1f}" y="{bottom + 18}" text-anchor="middle">{label(name)}</text>')
    return svg(title, bottom + 30, parts, wide)


def draw_alignment(source: Sequence[str], target: Sequence[str], weights: Sequence[Sequence[float]], title: str) -> str:
    """Draw what each target token looked at: a row for each, the darker the more.

    Args:
        source: Its tokens, from left to right.
        target: Its tokens, from top to bottom.
        weights: For each target token the weight of each source token.
        title: What it is of.
    """
    left, top = 14 + _room(target), 14 + 0.9 * _room(source)
    wide, high = left + _CELL * len(source) + MARGIN + top * 0.6, top + _CELL * len(target) + 8
    parts = []
    for column, token in enumerate(source):
        x = left + _CELL * (column + 0.6)
        turned = f'transform="rotate(-55 {x:.0f} {top - 6:.0f})"'
        parts.append(f'<text x="{x:.0f}" y="{top - 6:.0f}" {turned}>{label(token)}</text>')
    for row, (token, line) in enumerate(zip(target, weights, strict=True)):
        y = top + _CELL * row
        parts.append(f'<text x="{left - 6:.0f}" y="{y + 15:.0f}" text-anchor="end">{label(token)}</text>')
        parts.append(f'<path d="M{left:.0f} {y:.0f} h{_CELL * len(source)}" class="grid"/>')
        for column, weight in enumerate(line):
            if weight >= _SEEN:
                box = f'x="{left + _CELL * column:.0f}" y="{y:.0f}" width="{_CELL}" height="{_CELL}"'
                told = f"<title>{drawable(token)} ← {drawable(source[column])}: {weight:.2f}</title>"
                parts.append(f'<rect {box} class="cell c0" fill-opacity="{weight:.2f}">{told}</rect>')
    drawn = svg(title, high, parts, wide)
    return drawn.replace("<svg ", f'<svg width="{wide:.0f}" height="{high:.0f}" ', 1)


def _brief(value: float) -> str:
    """Write a number in few signs.

    Example:
        >>> _brief(12.34), _brief(1234), _brief(0.5)
        ('12.3', '1,234', '0.5')
    """
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"
