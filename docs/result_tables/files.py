"""The files in docs/results, and what all tables have in common."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"

LABELS = {
    "bleu": "BLEU",
    "chrf": "chrF",
    "exact_match": "exact match",
    "sequence_error_rate": "WER",
    "phoneme_error_rate": "PER",
}
"""How the metrics are called in a table; where a text is a word, as in letters to sounds, its error rate is the WER."""
NOT_YET = "not measured yet"
WIDE = 560  # pixels of a picture, so that a phone shows its letters large enough
# Lists of probes and of decoding, of which each entry has a line.
_LINES = ("states", "linear", "positions", "options", "terms", "surest")


def carry(kind: str, name: str, commit: str, file: Path) -> None:
    """Carry what a command wrote as JSON into a file of its own.

    Args:
        kind: Which table is made of it: the folder in docs/results.
        name: Of the file there, without ending.
        commit: Of the code that it ran with.
        file: What the command wrote.
    """
    write(RESULTS / kind / f"{name}.json", {"commit": commit, **json.loads(file.read_text("utf-8"))})


def read(kind: str, name: str) -> dict[str, Any] | None:
    """Read what was carried; None where nothing was."""
    path = RESULTS / kind / f"{name}.json"
    found: dict[str, Any] | None = json.loads(path.read_text("utf-8")) if path.is_file() else None
    return found


def need(kind: str, name: str) -> dict[str, Any]:
    """Read what has to be there.

    Raises:
        ValueError: It was not carried.
    """
    found = read(kind, name)
    if found is None:
        raise ValueError(
            "What a page tells is carried before it is told. Received: "
            f"{name}. There is no file docs/results/{kind}/{name}.json."
        )
    return found


def write(path: Path, table: Mapping[str, Any]) -> None:
    """Write a file of results, laid out."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(_laid_out(table), encoding="utf-8")


def _laid_out(table: Mapping[str, Any]) -> str:
    """Write JSON with a line for each key of a run or a variant: a curve is one line, and a changed run a few."""
    lines = []
    for key, value in table.items():
        if key in _LINES and isinstance(value, list):
            lines.append(f'  "{key}": [\n' + ",\n".join(f"    {_dumped(each)}" for each in value) + "\n  ]")
        elif key in ("runs", "variants", "models") and isinstance(value, list):
            each = [
                "{\n"
                + ",\n".join(f"      {json.dumps(name)}: {_dumped(part)}" for name, part in run.items())
                + "\n    }"
                for run in value
            ]
            lines.append(f'  "{key}": [' + ("\n    " + ",\n    ".join(each) + "\n  " if each else "") + "]")
        else:
            lines.append(f"  {json.dumps(key)}: {_dumped(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Make a table of cells."""
    head = list(head)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def beside_the_first(found: Mapping[str, Any]) -> list[str]:
    """Tell a difference from the first row, and its p; nothing of that one."""
    if found["difference"] is None:
        return ["", ""]
    return [f"{found['difference']:+z.2f}", "–" if found["p"] is None else f"{found['p']:.3f}"]


def spread(values: list[float]) -> str:
    """Tell the mean of some seeds, and how far they lie apart."""
    return f"{fmean(values):.2f}" + (f" ± {stdev(values):.2f}" if len(values) > 1 else "")


def processor(measured: Mapping[str, Any]) -> str:
    """Tell the processor, without what its maker adds."""
    return re.sub(r"\((R|TM)\)| (Processor|CPU)\b.*", "", measured["machine"]["processor"])
