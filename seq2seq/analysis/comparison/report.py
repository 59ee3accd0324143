"""A comparison laid out: tables for a terminal, Markdown, CSV, JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from seq2seq.metrics import HIGHER_IS_BETTER
from seq2seq.system.terminal import format_table

if TYPE_CHECKING:
    from seq2seq.analysis.comparison.comparison import Comparison
    from seq2seq.analysis.comparison.lengths import Classes
    from seq2seq.analysis.comparison.statistics import Difference


class Table(NamedTuple):
    """A table with what is to be said of it.

    Attributes:
        title: Its title.
        header: Names of the columns.
        rows: Cells.
        words: Sentences under it.
        metric: The metric that it is about, where it is the table of one.
    """

    title: str
    header: list[str]
    rows: list[list[str]]
    words: list[str]
    metric: str = ""

    @property
    def numbers(self) -> list[int]:
        """The columns that hold nothing but numbers, from 0."""
        return [place for place in range(1, len(self.header)) if all(_numeric(row[place]) for row in self.rows)]


def tables(comparison: Comparison) -> list[Table]:
    """Lay a comparison out as tables."""
    names = list(comparison.signatures)
    found = [_scores(comparison, name) for name in names]
    if comparison.lengths:
        found.append(_classes(
            comparison, f"{names[0]} by {comparison.lengths.what}", comparison.lengths, "sentences",
            lambda place: comparison.variants[place].metrics[names[0]].by_length,
        ))  # fmt: skip
    if comparison.frequencies:
        found.append(_classes(
            comparison, f"F1 of the {comparison.frequencies.what}", comparison.frequencies, "words",
            lambda place: comparison.variants[place].by_frequency,
        ))  # fmt: skip
    found.append(_cost(comparison))
    if settings := _settings(comparison):
        found.append(settings)
    if comparison.refused:
        rows = [[each.name, each.reason] for each in comparison.refused]
        found.append(Table("Without a result", ["variant", "why"], rows, []))
    return found


def text(comparison: Comparison) -> str:
    """Lay a comparison out for a terminal."""
    parts = [headline(comparison)]
    for table in tables(comparison):
        parts.append(f"{table.title}\n\n{format_table(table.header, table.rows, numbers=table.numbers)}")
        parts += ["\n".join(table.words)] if table.words else []
    return "\n\n".join([*parts, *comparison.notes])


def markdown(comparison: Comparison) -> str:
    """Lay a comparison out in Markdown."""
    parts = ["# Comparison", headline(comparison)]
    for table in tables(comparison):
        rule = ["---:" if place in table.numbers else "---" for place in range(len(table.header))]
        lines = [[_escaped(cell) for cell in row] for row in (table.header, rule, *table.rows)]
        parts += [f"## {table.title}", "\n".join(f"| {' | '.join(line)} |" for line in lines), *table.words]
    if comparison.notes:
        parts += ["## Notes", *comparison.notes]
    return "\n\n".join(parts) + "\n"


def headline(comparison: Comparison) -> str:
    """Say what was compared, and by what."""
    runs = sum(len(variant.seeds) for variant in comparison.variants)
    sentences = "" if comparison.sentences is None else f"{comparison.sentences:,} "
    first = comparison.variants[0].name
    compared = f"; all are compared with {first}" if len(comparison.variants) > 1 else ""
    if comparison.instead_of:
        compared = compared or "; there is nothing to compare with"
        compared += f", because there is no result of {comparison.instead_of}, the first one"
    return (
        f"{_times(len(comparison.variants), 'variant')}, {_times(runs, 'run')}, scored on {sentences}"
        f"{comparison.part} sentences{compared}."
    )


def verdict(metric: str, difference: Difference) -> str:
    """Say in words what a difference means."""
    if not difference.seeds_known:
        return "one seed: not judged"
    if not difference.detected:
        return "no difference detected"
    return "better" if (difference.value > 0) == HIGHER_IS_BETTER[metric] else "worse"


def probability(value: float) -> str:
    """Write a probability as tables show it."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _scores(comparison: Comparison, metric: str) -> Table:
    """Mean and spread of all variants, and how far the others are from the first."""
    several = any(variant.metrics[metric].difference for variant in comparison.variants)
    header = ["variant", "seeds", "mean", "spread"]
    header += ["difference", "95 % interval", "p", "p, corrected", "verdict"] if several else []
    rows = []
    for variant in comparison.variants:
        result = variant.metrics[metric]
        row = [variant.name, str(len(result.scores)), f"{result.mean:.2f}", _number(result.spread)]
        if (found := result.difference) is not None:
            row += [f"{found.value:+z.2f}", found.interval, probability(found.p), probability(found.corrected)]
            row.append(verdict(metric, found))
        rows.append(row + [""] * (len(header) - len(row)))
    way = "higher" if HIGHER_IS_BETTER[metric] else "lower"
    words = [f"Signature: {comparison.signatures[metric]}"]
    return Table(f"{metric} ({way} is better)", header, rows, [*_undetected(comparison, metric), *words], metric)


def _undetected(comparison: Comparison, metric: str) -> list[str]:
    """Say of what was not detected how large it would have had to be."""
    first = comparison.variants[0].name
    words = []
    for variant in comparison.variants[1:]:
        found = variant.metrics[metric].difference
        if found is None or found.detected or not found.seeds_known:
            continue
        if not found.smallest:
            words.append(f"{variant.name} and {first}: no difference detected; they have the very same scores.")
            continue
        outside = (
            " Its interval leaves 0 out, which of several comparisons one does by chance." if found.p < 0.05 else ""
        )
        words.append(
            f"{variant.name} and {first}: no difference detected. With these sentences and seeds one of "
            f"{found.smallest:.2f} would have been, about four times in five; a smaller one may be there.{outside}"
        )
    return words


def _classes(
    comparison: Comparison, title: str, classes: Classes, what: str, values: Callable[[int], Sequence[float | None]]
) -> Table:
    """The scores of all variants in each class."""
    rows = [[what, *(f"{size:,}" for size in classes.sizes)]]
    rows += [[variant.name, *map(_number, values(place))] for place, variant in enumerate(comparison.variants)]
    words = ["Means over the seeds, without intervals: in a class of few, a difference may well be chance."]
    return Table(title, ["", *classes.names], rows, words)


def _cost(comparison: Comparison) -> Table:
    rows = [
        [
            variant.name,
            "–" if variant.parameters is None else f"{variant.parameters:,}",
            f"{variant.minutes:.1f}",
            "–" if variant.tokens_per_second is None else f"{variant.tokens_per_second:,.0f}",
        ]
        for variant in comparison.variants
    ]
    words = (
        ["A dash stands where a run of an older version did not write down its parameters, or no epoch ended."]
        if any("–" in row for row in rows)
        else []
    )
    return Table("Cost", ["variant", "parameters", "minutes", "target tokens/s"], rows, words)


def _settings(comparison: Comparison) -> Table | None:
    """What the variants differ in, where their names do not say it."""
    from seq2seq.analysis.comparison.variants import label

    if all(variant.name == label(variant.settings) or not variant.settings for variant in comparison.variants):
        return None
    names = list(dict.fromkeys(name for variant in comparison.variants for name in variant.settings))
    rows = [[name, *(_setting(variant.settings.get(name)) for variant in comparison.variants)] for name in names]
    return Table("Settings", ["setting", *(variant.name for variant in comparison.variants)], rows, [])


def _numeric(cell: str) -> bool:
    return not cell or cell[0] in "+-–0123456789"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _setting(value: object) -> str:
    return "–" if value is None else json.dumps(value, ensure_ascii=False)


def _escaped(cell: str) -> str:
    return re.sub(r"<(?=[A-Za-z/!])", r"\<", cell.replace("|", "\\|").replace("\n", " "))


def _times(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
