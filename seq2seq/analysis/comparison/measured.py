"""A finished run as a comparison reads it: its recipe, its scores, its cost and its texts."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple

from seq2seq.recipe import Recipe
from seq2seq.runs.record import comparable, monitored, read_log, read_run
from seq2seq.text.lines import read_lines
from seq2seq.training.run_folder import RunFolder


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _are_scores(value: object) -> bool:
    return isinstance(value, dict) and "validation" in value and all(
        isinstance(scores, dict) and all(map(_is_number, scores.values())) for scores in value.values()
    )  # fmt: skip


# What a result has, and how it is known to be that.
_KINDS: dict[str, Callable[[object], bool]] = {
    "metrics": _are_scores,
    "signatures": lambda value: isinstance(value, dict),
    "minutes": _is_number,
}


class Validated(NamedTuple):
    """One validation of a run.

    Attributes:
        step: Optimizer steps done.
        epoch: Whole epochs done before the one that it came in, or ended.
        score: The monitored score.
    """

    step: int
    epoch: int
    score: float


class Texts(NamedTuple):
    """What was translated, line by line.

    Attributes:
        sources: Source sentences.
        references: Their reference translations.
        translations: What the run made of them.
    """

    sources: list[str]
    references: list[str]
    translations: list[str]


@dataclass(frozen=True)
class MeasuredRun:
    """What the folder of a finished run says.

    Attributes:
        folder: The run folder.
        recipe: What was run.
        data: Where the text was read instead of ``recipe.data.path``.
        scores: By part of the corpus ("validation", "test") and metric.
        signatures: How each metric was computed.
        minutes: Wall time of training, validation included.
        parameters: Trained numbers; None in results older than that figure.
        tokens_per_second: Target tokens trained on in a second, the median of all epochs; None where no epoch ended.
        monitor: What decided which weights were kept.
        curve: Optimizer steps and the monitored score at each validation.
        processor: Of the machine that it ran on; "" in results older than that.
        cuts: By part of the corpus how many translations there are and how many of them were "cut" at the limit of
            length; empty in results older than that.
        skipped: Training pairs that were left out, as empty or over-long.
    """

    folder: Path
    recipe: Recipe
    data: str | None
    scores: dict[str, dict[str, float]]
    signatures: dict[str, str]
    minutes: float
    parameters: int | None = None
    tokens_per_second: float | None = None
    monitor: str = ""
    curve: list[tuple[int, float]] = field(default_factory=list)
    processor: str = ""
    cuts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    skipped: int = 0

    def missing_texts(self, part: str) -> list[Path]:
        """Name the files of a part's texts that are not there."""
        return [path for path in self._text_files(part) if not path.exists()]

    def need_texts(self) -> None:
        """Read all texts that there are, to know that they are whole.

        Raises:
            ValueError: The files of a part do not have the same number of lines, or no text is in them.
        """
        for part in self.scores:
            if not self.missing_texts(part):
                self.texts(part)

    def texts(self, part: str) -> Texts:
        """Read what was translated.

        Raises:
            ValueError: The files do not have the same number of lines.
        """
        files = self._text_files(part)
        texts = Texts(*(list(read_lines(path, nul=True)) for path in files))
        if len({len(each) for each in texts}) > 1:
            raise ValueError(
                "Sources, references and translations of a run stand line by line beside each other. Received: "
                + ", ".join(f"{path} with {len(each):,} lines" for path, each in zip(files, texts, strict=True))
                + f". To measure the run again: {self.measure_again()}"
            )
        return texts

    def measure_again(self) -> str:
        """Give the command that translates and scores the held-out text once more, without training."""
        folder = shlex.quote(str(self.folder))
        return f"seq2seq train {folder}/recipe.toml --out {folder} --resume"

    def _text_files(self, part: str) -> list[Path]:
        return [self.folder / f"{part}.{name}.txt" for name in ("source", "reference", "translations")]


def read_measured(folder: str | Path) -> MeasuredRun:
    """Read a finished run.

    Args:
        folder: The run folder.

    Raises:
        ValueError: There is no run in the folder, or it did not end, or its record is damaged.
    """
    folder = Path(folder)
    record = read_run(folder)
    if record is None:
        raise ValueError(f"There is no run to compare. Received: {folder}. Name the folders of finished runs.")
    result = record.result
    if result is None:
        raise ValueError(
            f"A run is compared when it has ended. Received: {folder}, which has no result yet. To go on with it: "
            f"seq2seq train {shlex.quote(str(folder))}/recipe.toml --out {shlex.quote(str(folder))} --resume"
        )
    path = RunFolder(folder).result
    if damaged := [name for name, fits in _KINDS.items() if not fits(result.get(name))]:
        told = ", ".join(f"{name}={json.dumps(result.get(name))[:60]}" for name in damaged)
        raise ValueError(f"The run folder is damaged. Received: {path} with {told}.")
    monitor, validations = read_validations(folder)
    speeds = [float(event.get("tokens_per_second", 0.0)) for event in record.log() if event["event"] == "epoch"]
    return MeasuredRun(
        folder,
        # Its own settings, not recipe.toml: that may have changed since, where the run was taken up again and stopped.
        Recipe.from_table(result["settings"], str(path)) if "settings" in result else record.recipe,
        record.data,
        result["metrics"],
        result["signatures"],
        result["minutes"],
        result.get("parameters"),
        median(speeds) if speeds else None,
        monitor,
        [(each.step, each.score) for each in validations],
        result.get("machine", {}).get("processor", ""),
        result.get("cuts", {}),
        sum(result.get("skipped_pairs", {}).get("train", {}).values()),
    )


def read_validations(folder: Path) -> tuple[str, list[Validated]]:
    """Read what decided which weights of a run were kept, and what it was at each validation, of a running one too.

    Args:
        folder: The run folder; without a log in it there is no validation yet.
    """
    events, found = list(read_log(RunFolder(folder).log)), []
    monitor = monitored(events)
    for event in comparable(events):
        if f"val_{monitor}" in event:
            try:
                found.append(Validated(event["update"], event["epoch"], float(event[f"val_{monitor}"])))
            except (KeyError, TypeError, ValueError):
                told = f"{RunFolder(folder).log}, with the event {json.dumps(event)[:80]}"
                raise ValueError(f"A validation has update, epoch and score. Received: {told}.") from None
    return monitor, found


def find_runs(folders: Iterable[str | Path]) -> list[Path]:
    """Find the runs that folders are or hold, at any depth, in the order of the folders; finished or not.

    Inside a folder the order is that of the comparison that was written there, and else that of the names.

    Raises:
        ValueError: A folder is none, or holds no finished run.

    Example:
        >>> find_runs(["absent"])
        Traceback (most recent call last):
        ValueError: There is no such folder of runs. Received: absent.
    """
    found: list[Path] = []
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise ValueError(f"There is no such folder of runs. Received: {folder}.")
        if (folder / "run.json").exists():
            found.append(folder)
            continue
        inside = {path for path, names in _walk(folder) if {"run.json", "result.json"} & set(names)}
        if not any((path / "result.json").exists() for path in inside):
            raise ValueError(f"There is no finished run in the folder. Received: {folder}, without any result.json.")
        order = _compared_in(folder)
        found += sorted(inside, key=lambda path: (order.get(path.name, len(order)), path))
    return list(dict.fromkeys(found))


def _walk(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Give every folder below one with the names of its files; through links too, and each folder once."""
    seen = {os.path.realpath(folder)}
    for path, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in sorted(folders) if os.path.realpath(Path(path, name)) not in seen]
        seen |= {os.path.realpath(Path(path, name)) for name in folders}
        yield Path(path), names


def _compared_in(folder: Path) -> dict[str, int]:
    """Give the places of the run folders in the comparison that stands beside them; nothing where none does."""
    try:
        variants = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))["variants"]
        names = [Path(run).name for variant in variants for run in variant["folders"]]
    except (OSError, ValueError, KeyError, TypeError):  # there is none, or it is damaged: it only gives an order
        return {}
    return {name: place for place, name in enumerate(names)}
