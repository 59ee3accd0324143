"""Pictures of a comparison: scores and differences, a row for each variant."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from seq2seq.analysis.comparison.statistics import Difference
from seq2seq.analysis.pages.charts import MARGIN, WIDTH, Rows
from seq2seq.system.picture import COLOURS, drawable


def draw_scores(names: Sequence[str], scores: Sequence[Sequence[float]], title: str, *, wide: int = WIDTH) -> str:
    """Draw a dot for the score of each seed, and a stroke for the mean, in a row for each variant.

    Args:
        names: Of the variants.
        scores: Those of each; what is no number is left out.
        title: What the scores are; it stands under their axis.
        wide: The width of the drawing, pixels; the narrower, the larger its letters on a page that it fills.
    """
    finite = [[value for value in each if isfinite(value)] for each in scores]
    plot = Rows(names, [value for each in finite for value in each] or [0.0], title, wide=wide, along=title)
    for row, values in enumerate(finite):
        if not values:
            continue
        middle, mean = plot.y(row), plot.x(sum(values) / len(values))
        plot.add(f'<path d="M{mean:.1f} {middle - 9} v18" class="mean c{row % len(COLOURS)}"/>')
        for value in values:
            told = f"<title>{drawable(names[row])}: {value:.2f}</title>"
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
    plot = Rows(names, [0.0, *ends], title)
    plot.add(f'<path d="M{plot.x(0):.1f} {MARGIN} V{plot.bottom}" class="zero"/>')
    for row, each in enumerate(differences):
        middle, colour = plot.y(row), f"c{(row + 1) % len(COLOURS)}"
        told = f"<title>{drawable(names[row])}: {each.value:+z.2f}, {each.interval}</title>"
        low, high = plot.x(each.low), plot.x(each.high)
        plot.add(f'<path d="M{low:.1f} {middle} H{high:.1f} M{low:.1f} {middle - 5} v10 M{high:.1f} {middle - 5} v10"')
        plot.add(f' class="interval {colour}">{told}</path>')
        hollow = "" if each.detected else " hollow"
        plot.add(f'<circle cx="{plot.x(each.value):.1f}" cy="{middle}" r="5.5" class="dot {colour}{hollow}"/>')
    return plot.svg()
