"""A comparison in a folder: for people, for pages, for programs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.analysis.comparison.page import page
from seq2seq.analysis.comparison.report import markdown
from seq2seq.system.files import replacing
from seq2seq.system.terminal import UsageError
from seq2seq.training.run_folder import RunFolder

if TYPE_CHECKING:
    from seq2seq.analysis.comparison.comparison import Comparison, MetricResult

# The first tells the others to be a comparison's, and is written first, should that be interrupted.
_FILES = ("comparison.json", "comparison.csv", "report.md", "report.html")
_CSV = (
    "variant", "metric", "seeds", "mean", "spread", "difference", "low", "high", "p", "p_corrected", "smallest",
    "seeds_known", "parameters", "minutes", "tokens_per_second",
)  # fmt: skip


def need_place(folder: Path, files: Sequence[str] = _FILES) -> None:
    """Refuse a folder in which a comparison would replace what no comparison wrote.

    Args:
        folder: The folder.
        files: What is to be written there.

    Raises:
        UsageError: It is no folder, that of a run, or has such files of someone else.
    """
    run = RunFolder(folder)
    there = [name for name in files if (folder / name).exists()]
    if folder.exists() and not folder.is_dir():
        what = "which is a file"
    elif run.recipe.exists() and (run.log.exists() or (folder / "run.json").exists()):
        what = "which is the folder of a run"
    elif there and _FILES[0] not in there:
        what = f"with {', '.join(there)} in it, which no comparison wrote"
    else:
        return
    raise UsageError(f"A comparison needs a folder of its own. Received: {folder}, {what}. Name another with --out.")


def write(comparison: Comparison, folder: Path) -> list[Path]:
    """Write a comparison into a folder, in every form."""
    need_place(folder)
    folder.mkdir(parents=True, exist_ok=True)
    table = json.dumps(_finite(comparison.table()), ensure_ascii=False, indent=2, allow_nan=False)
    contents = table + "\n", _csv(comparison), markdown(comparison), page(comparison)
    for name, content in zip(_FILES, contents, strict=True):
        with replacing(folder / name) as path:
            path.write_text(content, encoding="utf-8", newline="")
    return [folder / name for name in _FILES]


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
