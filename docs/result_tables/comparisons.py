"""The tables and pictures of comparisons: what `seq2seq compare --out` found."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from result_tables import files
from result_tables.files import LABELS, spread
from seq2seq.analysis.comparison import Difference
from seq2seq.analysis.comparison.pictures import draw_scores
from seq2seq.analysis.comparison.report import probability, verdict
from seq2seq.analysis.pages.document import standalone

KIND = "comparisons"


def carry(name: str, commit: str, folder: Path) -> None:
    """Carry a comparison into a file of its own: all figures, and nothing that names this machine."""
    found = json.loads((folder / "comparison.json").read_text("utf-8"))
    for variant in found["variants"]:
        del variant["folders"]
    files.write(files.RESULTS / KIND / f"{name}.json", {"commit": commit, **found})


def differences(name: str, metric: str) -> str:
    """Make a table with a row for each variant: mean and spread, and how far and how surely it is from the first.

    Raises:
        ValueError: There is no such comparison, or it has no such metric.
    """
    compared = _compared(name, metric)
    lines = [
        f"| variant | seeds | {LABELS[metric]} | difference | 95 % interval | p, corrected | verdict |",
        "|---|---|---|---|---|---|---|",
    ]
    for variant in compared["variants"]:
        result = variant["metrics"][metric]
        cells = [variant["name"], str(len(result["scores"])), spread(result["scores"])]
        lines.append(f"| {' | '.join([*cells, *_difference(metric, result['difference'])])} |")
    return "\n".join([*lines, "", f"{LABELS[metric]} `{compared['signatures'][metric]}`, commit {compared['commit']}."])


def by_length(name: str, metric: str) -> str:
    """Make a table with a row for each variant: its mean over seeds in each class of sources of like length.

    Raises:
        ValueError: There is no such comparison, or it has no such metric.
    """
    compared = _compared(name, metric)
    classes = compared["lengths"]
    sized = [f"{span} ({size:,})" for span, size in zip(classes["names"], classes["sizes"], strict=True)]
    lines = [f"| {LABELS[metric]} by {classes['what']} | {' | '.join(sized)} |", "|---|" + "---|" * len(sized)]
    for variant in compared["variants"]:
        cells = [f"{mean:.2f}" for mean in variant["metrics"][metric]["by_length"]]
        lines.append(f"| {' | '.join([variant['name'], *cells])} |")
    return "\n".join(lines)


def costs(name: str) -> str:
    """Make a table with a row for each variant: its numbers to learn, and how fast they were learnt.

    Raises:
        ValueError: There is no such comparison.
    """
    variants = files.need(KIND, name)["variants"]
    first = variants[0]["tokens_per_second"]
    rows = [
        [each["name"], f"{each['parameters']:,}", f"{each['tokens_per_second']:,.0f}",
         f"{first / each['tokens_per_second']:.2f} ×"]
        for each in variants
    ]  # fmt: skip
    return files.markdown(["variant", "parameters", "target tokens per second in training", "time of a token"], rows)


def picture(name: str, metric: str) -> str:
    """Draw the score of every run, in a row for each variant.

    Raises:
        ValueError: There is no such comparison, or it has no such metric.
    """
    variants = _compared(name, metric)["variants"]
    names, scores = [each["name"] for each in variants], [each["metrics"][metric]["scores"] for each in variants]
    return standalone(draw_scores(names, scores, f"{LABELS[metric]} of every run and their mean", wide=files.WIDE))


def caption(_: str, metric: str) -> str:
    """Say what the picture shows."""
    return f"{LABELS[metric]} of every run as a dot, a row for each variant"


def _compared(name: str, metric: str) -> dict[str, Any]:
    compared = files.need(KIND, name)
    if metric not in compared["signatures"]:
        raise ValueError(
            f"A comparison tells the metrics of its runs. Received: {name} {metric}. There is: "
            f"{', '.join(compared['signatures'])}."
        )
    return compared


def _difference(metric: str, found: Mapping[str, Any] | None) -> list[str]:
    if found is None:
        return [""] * 4
    difference = Difference(**found)
    said = verdict(metric, difference)
    if difference.seeds_known and not difference.detected:
        said += f"; one of {difference.smallest:.2f} would be, four times in five"
    return [f"{difference.value:+z.2f}", difference.interval, probability(difference.corrected), said]
