"""The cost curves as pictures: python -m tests.benchmarks.charts FOLDER FILE.json ...

Writes `cost-training.svg` and `cost-decoding.svg` into the folder. Each panel shows what was measured, and dashed what
it would be in proportion to the first point.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seq2seq.system.picture import COLOURS, DARK_COLOURS, follow_reader
from tests.benchmarks.tables import curve_of

INK, LINE, PAPER, GRID = "#1b2733", "#5b6b7a", "#ffffff", "#e3e8ec"
MEASURED, PROPORTION = COLOURS[:2]
DARK = {
    INK: "#e6ebf0",
    LINE: "#98a6b3",
    PAPER: "#14191f",
    GRID: "#2c3640",
    **dict(zip(COLOURS, DARK_COLOURS, strict=True)),
}
WIDTH, HEIGHT, LEFT, TOP = 400, 270, 62, 44  # of a panel, and where its plot begins; pixels
PLOT_WIDTH, PLOT_HEIGHT = 312, 168
WHAT = {
    "depth": "layers of the encoder, and of the decoder",
    "width": "units of a decoder layer",
    "length": "tokens of each source and target",
    "vocabulary": "pieces",
    "beam-size": "hypotheses per sentence",
    "steps": "tokens of each target, beam 5",
}


def draw(results: Sequence[dict[str, Any]], title: str, unit: str) -> str:
    """Draw cost curves side by side, two in a row.

    Args:
        results: Of the curves part.
        title: What was timed.
        unit: What an amount of time is for.

    Returns:
        A self-contained SVG document, light or dark as the reader prefers.
    """
    rows = (len(results) + 1) // 2
    width, height = 2 * WIDTH, rows * HEIGHT + 66
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="cost" {size} '
        f'role="img" font-family="Helvetica, Arial, sans-serif" font-size="12" fill="{INK}">',
        f"<title>{title}</title>",
        follow_reader("cost", DARK),
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
        _text(width / 2, 26, title, "middle", 16),
        _line(width / 2 - 220, 46, width / 2 - 190, 46, MEASURED, 2),
        _text(width / 2 - 184, 50, f"measured, ms {unit}"),
        _line(width / 2 + 60, 46, width / 2 + 90, 46, PROPORTION, 1.5, "5 4"),
        _text(width / 2 + 96, 50, "in proportion to the first"),
    ]
    for number, result in enumerate(results):
        x, y = number % 2 * WIDTH, 60 + number // 2 * HEIGHT
        parts.append(f'<g transform="translate({x} {y})">{_panel(result)}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(result: dict[str, Any]) -> str:
    points, milliseconds = curve_of(result)
    curve, values = points[0]["curve"], [point["value"] for point in points]
    proportion = [milliseconds[0] * value / values[0] for value in values]
    up = _ticks(max(milliseconds))
    right, high = max(values), up[-1]

    def place(value: float, time: float) -> tuple[float, float]:
        return LEFT + PLOT_WIDTH * value / right, TOP + PLOT_HEIGHT * (1 - time / high)

    parts = [_text(LEFT, TOP - 16, f"{curve}: {WHAT[curve]}", size=13)]
    for time in up:
        x, y = place(0, time)
        parts += [_line(x, y, LEFT + PLOT_WIDTH, y, GRID), _text(x - 8, y + 4, f"{time:,g}", "end", 11)]
    free = float("inf")
    for value in reversed(values):
        x, y = place(value, 0)
        parts.append(_line(x, y, x, y + 4, LINE))
        label = f"{value:,}"
        if x + 4 * len(label) < free:
            parts.append(_text(x, y + 18, label, "middle", 11))
            free = x - 4 * len(label)
    parts.append(_line(*place(0, 0), *place(right, 0), LINE))
    # The dashed line ends where it leaves the plot.
    end = min(right, values[0] * high / milliseconds[0])
    parts.append(_line(*place(0, 0), *place(end, milliseconds[0] * end / values[0]), PROPORTION, 1.5, "5 4"))
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, values, milliseconds))
    parts.append(f'<polyline points="{path}" fill="none" stroke="{MEASURED}" stroke-width="2"/>')
    for value, time, expected in zip(values, milliseconds, proportion, strict=True):
        x, y = place(value, time)
        hint = f"{value:,}: {time:,.0f} ms, {time / expected:.2f} of proportion"
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{MEASURED}"><title>{hint}</title></circle>')
    return "".join(parts)


def _ticks(most: float) -> list[float]:
    """Round numbers from 0 to at least `most`, four to eight of them."""
    step = next(s for power in range(-3, 9) for s in (10**power, 2 * 10**power, 5 * 10**power) if most / s <= 6)
    return [step * number for number in range(int(-(-most // step)) + 1)]


def _text(x: float, y: float, words: str, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{words}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width:g}"{dashed}/>'


def main(folder: str, *names: str) -> None:
    """Draw what the files hold."""
    results = [result for name in names for result in json.loads(Path(name).read_text("utf-8"))["results"]]
    curves = [result for result in results if result["part"] == "curves"]
    for decoding, name, title, unit in (
        (False, "cost-training.svg", "What a training step costs", "a step of 64 pairs"),
        (True, "cost-decoding.svg", "What decoding costs", "for 64 sentences"),
    ):
        chosen = [result for result in curves if bool(result["points"][0]["beam"]) == decoding]
        if chosen:
            Path(folder, name).write_text(draw(chosen, title, unit), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
