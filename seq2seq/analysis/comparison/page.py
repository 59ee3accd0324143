"""A comparison as one page of HTML that needs nothing else: tables and pictures, light and dark."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from seq2seq.analysis.comparison.pictures import draw_differences, draw_scores
from seq2seq.analysis.comparison.report import headline, tables
from seq2seq.analysis.pages.charts import draw_curves
from seq2seq.analysis.pages.document import document
from seq2seq.analysis.pages.document import table as table_of

if TYPE_CHECKING:
    from seq2seq.analysis.comparison.comparison import Comparison


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
        parts += [
            table_of(table.header, table.rows, table.numbers),
            *(f'<p class="words">{escape(words)}</p>' for words in table.words),
        ]
    names = [variant.name for variant in comparison.variants]
    curves = [variant.curves for variant in comparison.variants]
    if comparison.monitor and any(run for runs in curves for run in runs):
        title = f"{comparison.monitor} on validation"
        parts += [f"<h2>{escape(title)}</h2>", draw_curves(names, curves, title)]
    if comparison.notes:
        parts += ["<h2>Notes</h2>", *(f"<p>{escape(note)}</p>" for note in comparison.notes)]
    return document("Comparison", parts)


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
