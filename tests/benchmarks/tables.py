"""Results as Markdown tables: python -m tests.benchmarks.tables FILE.json ... [--page PAGE.md]"""

import argparse
import itertools
import json
import statistics
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.environments import SYSTEMS
from tests.benchmarks.job import CELL_SIZES, LAYER_SIZES, LayerSize
from tests.benchmarks.plan import PRECISIONS

Result = dict[str, Any]
OURS = ("ours", "exported")
BEGIN, END = "% benchmark tables: begin", "% benchmark tables: end"


def render(results: Sequence[Result], layers: Sequence[Result] = ()) -> str:
    """Write the tables of a run.

    Args:
        results: Of one run: ratios are taken round by round.
        layers: Results among which the machine's rate is, where the run did not measure it.
    """
    makers = {
        "layer": _layer,
        "cells": _cells,
        "training": _training,
        "recipes": _recipes,
        "decoding": _decoding,
        "curves": _curves,
    }
    tables = []
    for part, make in makers.items():
        chosen = [result for result in results if result["part"] == part]
        if chosen:
            tables += make(chosen)
    tables.append(_shares(results, layers))
    return "\n\n".join(filter(None, tables)) + "\n"


def rates(result: Result, name: str) -> list[float]:
    """What was measured of one thing, round by round."""
    return [values[name] for values in result["rounds"] if name in values]


def ratio(ours: Result, name: str, other: Result, other_name: str) -> float:
    """How many times faster ours is: the median over rounds, each against the same round of the other."""
    return statistics.median(a / b for a, b in zip(rates(ours, name), rates(other, other_name), strict=False))


def matrix_rate(results: Iterable[Result], precision: str) -> float | None:
    """The machine's rate of square matrix products, GFLOP/s: the best median of any library, or None."""
    found = [rates(result, f"matrix product {precision}") for result in results if result["part"] == "layer"]
    return max((statistics.median(values) for values in found if values), default=None)


def _layer(results: list[Result]) -> list[str]:
    tables = []
    for precision in ("float32", "bfloat16"):
        sizes = [str(size) for size in LAYER_SIZES]
        header = [f"LSTM alone, {precision}, GFLOP/s", *sizes, "matrix product 2048³"]
        rows = []
        for result in results:
            columns = [*(f"{size} {precision}" for size in sizes), f"matrix product {precision}"]
            rows.append([_name(result), *(_cell(rates(result, name)) for name in columns)])
        for ours, other in _pairs(results):
            names = [f"{size} {precision}" for size in sizes]
            values = [ratio(ours, name, other, name) for name in names]
            mean = statistics.geometric_mean(values)
            rows.append([_against(other), *(f"{value:.2f}" for value in values), f"(geometric mean {mean:.2f})"])
        tables.append(_table(header, rows))
    return tables


def _cells(results: list[Result]) -> list[str]:
    """Times of a layer of each cell, as a multiple of the LSTM's in the same round: per product, and in all."""
    from seq2seq.layers.cells import CELLS  # loads TensorFlow

    tables = []
    for result, precision in itertools.product(results, ("float32", "bfloat16")):
        keys = [f"{size} {precision}" for size in CELL_SIZES]
        rows = [["LSTM, ms", *(_milliseconds(result, size, precision) for size in CELL_SIZES)]]
        for name, cell in CELLS.items():
            times = [ratio(result, f"{key} lstm", result, f"{key} {name}") for key in keys]
            share = cell.gates / CELLS["lstm"].gates
            rows.append([cell.title, *(f"{time:.2f} ({time * share:.2f})" for time in times)])
        tables.append(_table([f"per product (in all), {precision}", *map(str, CELL_SIZES)], rows))
    return tables


def _milliseconds(result: Result, size: LayerSize, precision: str) -> str:
    return f"{size.operations / 1e6 / statistics.median(rates(result, f'{size} {precision} lstm')):.1f}"


def _training(results: list[Result]) -> list[str]:
    columns = list(itertools.product(("float32", "bfloat16"), (False, True)))
    columns = [column for column in columns if any(_column(result) == column for result in results)]
    header = ["training, target tokens/s", *(f"{p}{', input feeding' * f}" for p, f in columns), "peak memory, MiB"]
    return [_system_table(results, header, columns, "tokens_per_second", memory=True)]


def _recipes(results: list[Result]) -> list[str]:
    header = ["training of small recipes", *(result["recipe"] for result in results)]
    what = {"a step, ms": "median_update_ms", "target tokens/s": "tokens_per_second"}
    rows = [[label, *(_cell(rates(result, name), 1) for result in results)] for label, name in what.items()]
    return [_table(header, rows)]


def _decoding(results: list[Result]) -> list[str]:
    tables = []
    for beam in sorted({beam for result in results for beam in result["beams"]}):
        columns = [(p, False) for p in PRECISIONS if any(_column(r) == (p, False) for r in results)]
        what = "greedy" if beam == 1 else f"beam {beam}"
        header = [f"decoding, {what}, sentences/s", *(precision for precision, _ in columns)]
        tables.append(_system_table(results, header, columns, f"beam {beam}", memory=False))
        tables.append(_best_of_each(results, f"beam {beam}", what))
    return tables


def _best_of_each(results: list[Result], name: str, what: str) -> str:
    """Tell in one line how the systems compare, each in the precision in which it is the fastest."""
    found: dict[str, list[tuple[float, str]]] = {}
    for system, label, measured in _variants(results, name):
        side = SYSTEMS["ours"].name if system in OURS else label
        found.setdefault(side, []).extend(
            (statistics.median(values), result["precision"])
            for result in results
            if result["system"] == system and (values := rates(result, measured))
        )
    (own, *others) = ((label, *max(each)) for label, each in found.items())
    if own[0] != SYSTEMS["ours"].name or not others:
        return ""
    told = [f"{label} {rate:,.0f} ({precision}): {own[1] / rate:.2f}" for label, rate, precision in others]
    return f"- {what.capitalize()}, each in its fastest precision: seq2seq {own[1]:,.0f} ({own[2]}); {'; '.join(told)}."


def _curves(results: list[Result]) -> list[str]:
    tables = []
    for result in results:
        points, milliseconds = curve_of(result)
        curve = points[0]["curve"]
        what = "decoding 64 sentences" if points[0]["beam"] else "a training step"
        header = [curve, *(f"{point['value']:,}" for point in points)]
        times = [f"{value:,.0f}" for value in milliseconds]
        first = milliseconds[0] / points[0]["value"]
        shares = [f"{m / (first * p['value']):.2f}" for m, p in zip(milliseconds, points, strict=True)]
        tables.append(_table(header, [[f"{what}, ms", *times], ["times the first, in proportion", *shares]]))
    return tables


def curve_of(result: Result) -> tuple[list[dict[str, Any]], list[float]]:
    """The points of a cost curve, and the median milliseconds of each."""
    points = result["points"]
    names = [f"{point['curve']} {point['value']}" for point in points]
    return points, [1000 / statistics.median(rates(result, name)) for name in names]


def _system_table(results: list[Result], header: list[str], columns: list, name: str, memory: bool) -> str:
    """One row per system and variant of it, and below how ours compares with each."""
    found = {(result["system"], _column(result)): result for result in results}
    rows, ratios = [], []
    for system, label, what in _variants(results, name):
        own = {column: found[system, column] for column in columns if (system, column) in found}
        plain = own.get(("float32", False))
        peak = f"{plain['peak_mib']:,.0f}" if plain and what == name else "–"
        cells = [_cell(rates(own[column], what)) if column in own else "–" for column in columns]
        rows.append([label, *cells, *([peak] if memory else [])])
        both = [column for column in own if ("ours", column) in found and rates(own[column], what)]
        if system != "ours" and both:
            values = {column: ratio(found["ours", column], name, own[column], what) for column in both}
            cells = [f"{values[column]:.2f}" if column in values else "–" for column in columns]
            ratios.append([f"seq2seq / {label}", *cells, *([""] if memory else [])])
    return _table(header, rows + ratios)


def _variants(results: list[Result], name: str) -> Iterator[tuple[str, str, str]]:
    """Systems that measured `name`, with their label; also those that measured it another way, after a comma."""
    for system in SYSTEMS:
        names = dict.fromkeys(n for r in results if r["system"] == system for values in r["rounds"] for n in values)
        for what in names:
            if what == name or what.startswith(f"{name}, "):
                yield system, SYSTEMS[system].name + what.removeprefix(name), what


def _shares(results: Sequence[Result], layers: Sequence[Result]) -> str:
    """Tell the share of the machine's rate that our training step reaches, by operation count."""
    lines = []
    for result in results:
        limit = matrix_rate(results, result["precision"]) or matrix_rate(layers, result["precision"])
        if result["part"] == "training" and result["system"] == "ours" and limit:
            seconds = [values["tokens"] / values["tokens_per_second"] for values in result["rounds"]]
            rate = statistics.median(a / b for a, b in zip(result["gflop"], seconds, strict=True))
            what = f"{result['precision']}{', input feeding' * result['architecture']['input_feeding']}"
            lines.append(
                f"- Our training step ({what}) does {rate:,.0f} GFLOP/s: {100 * rate / limit:.0f} % of the machine's "
                f"{limit:,.0f} GFLOP/s for a square matrix product."
            )
    return "\n".join(lines)


def _pairs(results: list[Result]) -> Iterator[tuple[Result, Result]]:
    ours = next((result for result in results if result["system"] == "ours"), None)
    for result in results:
        if ours is not None and result is not ours:
            yield ours, result


def _column(result: Result) -> tuple[str, bool]:
    return result["precision"], result["architecture"]["input_feeding"]


def _name(result: Result) -> str:
    return SYSTEMS[result["system"]].name


def _against(other: Result) -> str:
    return f"seq2seq / {_name(other)}"


def _cell(values: list[float], digits: int = 0) -> str:
    """The median, and the least and the most; numbers below 100 with so many digits behind the point."""
    if not values:
        return "–"
    middle, least, most = (
        f"{value:,.{digits if value < 100 else 0}f}" for value in (statistics.median(values), min(values), max(values))
    )
    return f"{middle} ({least}–{most})"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[n]) for row in [header, *rows]) for n in range(len(header))]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in [header, *rows]]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def describe(report: dict[str, Any]) -> str:
    """Tell in one line how a report came about."""
    text = {"multi30k": " on Multi30k", "generated": " on made-up text"}[report["text"]]
    reads = any(result["part"] in ("training", "decoding") for result in report["results"])
    origin = f"{report['date'][:10]}, commit {report['commit']}, {report['machine']}"
    return f"Measured by `{report['command']}`{text if reads else ''}, {origin}."


def main() -> None:
    """Print the tables of reports, or put them into a page, between its two markers."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.tables", description=main.__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.json", help="what `--json` wrote")
    parser.add_argument("--page", type=Path, help="a Markdown page to write the tables into")
    options = parser.parse_args()
    reports = [json.loads(path.read_text("utf-8")) for path in options.files]
    # Each run by itself: what was measured in another one is no measure for it.
    everything = [result for report in reports for result in report["results"]]
    tables = "\n".join(f"{describe(report)}\n\n{render(report['results'], everything)}" for report in reports)
    if options.page is None:
        print(tables)
        return
    before, begin, rest = options.page.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        parser.error(f"The page needs the lines {BEGIN!r} and {END!r}. Received: {options.page}.")
    options.page.write_text(f"{before}{begin}\n\n{tables}\n{end}{after}", "utf-8")


if __name__ == "__main__":
    main()
