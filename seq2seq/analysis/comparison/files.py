"""A comparison in a folder: for people, for pages, for programs."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.analysis.comparison.page import page
from seq2seq.analysis.comparison.report import markdown
from seq2seq.system.files import replacing

if TYPE_CHECKING:
    from seq2seq.analysis.comparison.comparison import Comparison, MetricResult

_CSV = (
    "variant", "metric", "seeds", "mean", "spread", "difference", "low", "high", "p", "p_corrected", "smallest",
    "seeds_known", "parameters", "minutes", "tokens_per_second",
)  # fmt: skip


def write(comparison: Comparison, folder: Path) -> list[Path]:
    """Write a comparison into a folder, in every form."""
    folder.mkdir(parents=True, exist_ok=True)
    table = json.dumps(_finite(comparison.table()), ensure_ascii=False, indent=2, allow_nan=False)
    written = {
        "report.md": markdown(comparison),
        "report.html": page(comparison),
        "comparison.json": table + "\n",
        "comparison.csv": _csv(comparison),
    }
    for name, content in written.items():
        with replacing(folder / name) as path:
            path.write_text(content, encoding="utf-8", newline="")
    return [folder / name for name in written]


def _csv(comparison: Comparison) -> str:
    """Write a row for each variant and metric, with every digit."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_CSV)
    for variant in comparison.variants:
        for name, result in variant.metrics.items():
            cost = [variant.parameters, variant.minutes, variant.tokens_per_second]
            measured = [len(result.scores), result.mean, result.spread, *_difference_row(result)]
            writer.writerow([variant.name, name, *measured, *cost])
    return out.getvalue()


def _finite(value: Any) -> Any:
    """Write None for what is not finite: JSON has no number for it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value


def _difference_row(result: MetricResult) -> list[float | None]:
    found = result.difference
    if found is None:
        return [None] * 7
    return [found.value, found.low, found.high, found.p, found.corrected, found.smallest, found.seeds_known]
