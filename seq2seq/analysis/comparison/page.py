"""A comparison as one page of HTML that needs nothing else: tables and pictures, light and dark."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from seq2seq.analysis.comparison.pictures import draw_curves, draw_differences, draw_scores
from seq2seq.analysis.comparison.report import Table, headline, tables
from seq2seq.analysis.palette import COLOURS

if TYPE_CHECKING:
    from seq2seq.analysis.comparison.comparison import Comparison

_DARK = ("#6db3f2", "#f0965a", "#6cc788", "#c58be0", "#f07a8c", "#5cc9c9", "#cfbb55", "#a9b5c1")

_STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b2733; --soft: #5b6b7a; --line: #dfe5ea; LIGHT }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14191f; --ink: #e6ebf0; --soft: #98a6b3; --line: #2c3640; DARK }
}
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "Helvetica Neue", Arial, sans-serif;
  max-width: 960px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.4rem; } p { max-width: 44rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; } .number { text-align: right; } .words { color: var(--soft); }
svg { width: 100%; height: auto; display: block; font: 13px system-ui, "Helvetica Neue", Arial, sans-serif; }
svg text { fill: var(--ink); } svg .soft { fill: var(--soft); }
svg path { fill: none; } svg .grid { stroke: var(--line); } svg .zero { stroke: var(--soft); stroke-dasharray: 4 3; }
svg .dot { fill: var(--c); stroke: var(--paper); stroke-width: 1.2; fill-opacity: .85; }
svg .hollow { fill: var(--paper); stroke: var(--c); stroke-width: 2; fill-opacity: 1; }
svg .mean { stroke: var(--c); stroke-width: 2.5; } svg .interval { stroke: var(--c); stroke-width: 2; }
svg .curve { stroke: var(--c); stroke-width: 1.5; stroke-linejoin: round; } svg .thick { stroke-width: 3.5; }
"""


def page(comparison: Comparison) -> str:
    """Lay a comparison out as one page of HTML.

    Args:
        comparison: The comparison.

    Returns:
        The page: it loads nothing, and its colours are those that the reader's system prefers, light or dark.
    """
    parts = [f"<h1>Comparison</h1>\n<p>{escape(headline(comparison))}</p>"]
    for table in tables(comparison):
        parts.append(f"<h2>{escape(table.title)}</h2>")
        if table.metric:
            parts += _pictures(comparison, table.metric)
        parts += [_table(table), *(f'<p class="words">{escape(words)}</p>' for words in table.words)]
    names = [variant.name for variant in comparison.variants]
    curves = [variant.curves for variant in comparison.variants]
    if comparison.monitor and any(run for runs in curves for run in runs):
        title = f"{comparison.monitor} on validation"
        parts += [f"<h2>{escape(title)}</h2>", draw_curves(names, curves, title)]
    if comparison.notes:
        parts += ["<h2>Notes</h2>", *(f"<p>{escape(note)}</p>" for note in comparison.notes)]
    return "\n".join([
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Comparison</title>\n<style>{_style()}</style>\n</head>\n<body>",
        *parts,
        "</body>\n</html>\n",
    ])  # fmt: skip


def _pictures(comparison: Comparison, metric: str) -> list[str]:
    """Draw the scores of all seeds, and the differences from the first variant."""
    names = [variant.name for variant in comparison.variants]
    results = [variant.metrics[metric] for variant in comparison.variants]
    drawn = [draw_scores(names, [result.scores for result in results], f"{metric} of every seed")]
    differences = [result.difference for result in results if result.difference]
    if differences:
        title = f"Difference from {names[0]}, with its interval of 95 %; hollow where none was detected"
        drawn += [f'<p class="words">{escape(title)}</p>', draw_differences(names[1:], differences, title)]
    return drawn


def _table(table: Table) -> str:
    sides = [' class="number"' if place in table.numbers else "" for place in range(len(table.header))]
    lines = [_row("th", table.header, sides), *(_row("td", row, sides) for row in table.rows)]
    return "\n".join(['<div class="scroll"><table>', *lines, "</table></div>"])


def _row(tag: str, cells: list[str], sides: list[str]) -> str:
    inside = (f"<{tag}{side}>{escape(cell)}</{tag}>" for cell, side in zip(cells, sides, strict=True))
    return f"<tr>{''.join(inside)}</tr>"


def _style() -> str:
    style = _STYLE
    for word, colours in (("LIGHT", COLOURS), ("DARK", _DARK)):
        style = style.replace(word, " ".join(f"--c{place}: {colour};" for place, colour in enumerate(colours)))
    return style + "\n".join(f".c{place} {{ --c: var(--c{place}); }}" for place in range(len(COLOURS))) + "\n"
