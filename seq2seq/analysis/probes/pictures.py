"""Pictures of probes: bars from zero with their intervals, a row for each state."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from seq2seq.analysis.pages.charts import MARGIN, Rows

NARROW = 440  # pixels


class Bar(NamedTuple):
    """A value with its interval, and beside it what it is to be compared with, if anything."""

    name: str
    value: float
    low: float
    high: float
    control: float | None = None


def draw_bars_with_intervals(bars: Sequence[Bar], title: str, *, colour: int = 0) -> str:
    """Draw a bar for each value, its interval on it, and a stroke for its control.

    Args:
        bars: The values.
        title: What they are.
        colour: Which colour of the page the bars have.
    """
    ends = [end for bar in bars for end in (bar.low, bar.high, *([] if bar.control is None else [bar.control]))]
    plot = Rows([bar.name for bar in bars], [0.0, *ends], title, wide=NARROW)
    zero = plot.x(0)
    for row, bar in enumerate(bars):
        middle, end = plot.y(row), plot.x(bar.value)
        left, low, high = min(zero, end), plot.x(bar.low), plot.x(bar.high)
        control = "" if bar.control is None else f", control {bar.control:.1f}"
        told = f"<title>{escape(bar.name)}: {bar.value:.2f} [{bar.low:.2f} … {bar.high:.2f}]{control}</title>"
        box = f'x="{left:.1f}" y="{middle - 8}" width="{abs(end - zero):.1f}" height="16"'
        plot.add(f'<rect {box} rx="2" class="bar c{colour}" fill-opacity="0.55">{told}</rect>')
        plot.add(f'<path d="M{low:.1f} {middle} H{high:.1f} M{low:.1f} {middle - 4} v8 M{high:.1f} {middle - 4} v8"')
        plot.add(f' class="interval c{colour}">{told}</path>')
        if bar.control is not None:
            plot.add(f'<path d="M{plot.x(bar.control):.1f} {middle - 11} v22" class="mean c7"/>')
    plot.add(f'<path d="M{zero:.1f} {MARGIN} V{plot.bottom}" class="zero"/>')
    return plot.svg()
