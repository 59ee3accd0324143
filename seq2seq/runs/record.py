"""The record of a run, as its folder keeps it: what was asked for, what happened, what came of it.

It is read without TensorFlow, and written here too, so that its form stands in one place.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seq2seq.recipe import Recipe
from seq2seq.runs.losses import draw_losses
from seq2seq.settings import SettingsError, differences
from seq2seq.system.files import replacing
from seq2seq.system.picture import card
from seq2seq.system.terminal import UsageError
from seq2seq.text.length_limit import LengthLimit
from seq2seq.training.run_folder import RunFolder

EXAMPLE = ("source", "translation", "reference")
"""What an example of a result consists of."""

_BEGUN = "run.json"
# What a run may not change when it goes on: its data, and the shapes of what was saved.
_FIXED = (
    "data",
    "tokenizer",
    "batches",
    "model",
    "seed",
    "training.optimizer",
    "training.ema",
    "training.freeze",
    "start_from",
)


@dataclass(frozen=True)
class RunResult:
    """What came of a run.

    Attributes:
        folder: The run folder.
        model: The translator file; None where the run was stopped before its end.
        metrics: Scores by part of the corpus ("validation", "test") and name, as in ``{"test": {"bleu": 36.1}}``.
        signatures: How each metric was computed.
        minutes: Wall time of training, validation included.
        stopped: Why training ended: "finished", "patience", or the signal that stopped it.
        examples: Some triples of held-out source, translation and reference.
        command: The command that began it; "" where Python did.
        cuts: Translations that are not whole, by part of the corpus: ``{"test": {"translations": 500, "cut": 3,
            "in_parts": 0}}``, see :class:`seq2seq.translation.Cuts`; empty in results older than it.
    """

    folder: Path
    model: Path | None
    metrics: dict[str, dict[str, float]]
    signatures: dict[str, str]
    minutes: float
    stopped: str
    examples: list[tuple[str, str, str]]
    command: str = ""
    cuts: dict[str, dict[str, int]] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        """Show itself in a notebook: its scores, an example, and how it learnt."""
        lines = {"folder": str(self.folder), "training": f"{self.minutes:,.1f} minutes, {self.stopped}"}
        for part, scores in self.metrics.items():
            lines[part] = ", ".join(f"{name} {value:.2f}" for name, value in scores.items())
        lines |= dict(zip(EXAMPLE, self.examples[0], strict=True)) if self.examples else {}
        found = comparable(read_log(RunFolder(self.folder).log))
        losses = [float(event["val_loss"]) for event in found if "val_loss" in event]
        return card("Run", lines, draw_losses(losses) if losses else None, "the loss of each validation")


@dataclass(frozen=True)
class RunRecord:
    """What a run folder says of its run; get one from :func:`read_run`.

    Attributes:
        folder: The run folder.
        recipe: What is run.
        command: The command that began it; "" where Python did.
        data: Where the text was read instead of ``recipe.data.path``.
        changed_settings: Settings that differ from the recipe as it was published, as ``{"model.dropout": 0.3}``.
        tokenizers: Fingerprints of the tokenizers of source and target; empty in records older than them.
        length_limit: How long a translation may become where the recipe does not say so, as it was learnt when the run
            began; in records older than it, what held then.
        origin: The model that it went on from: "model", where it lay, and "weights", its fingerprint; empty for none.
    """

    folder: Path
    recipe: Recipe
    command: str = ""
    data: str | None = None
    changed_settings: Mapping[str, Any] = field(default_factory=dict)
    tokenizers: tuple[str, ...] = ()
    length_limit: LengthLimit = field(default_factory=LengthLimit.by_factor)
    origin: Mapping[str, str] = field(default_factory=dict)

    def write(self) -> None:
        """Write down what is run, all at once."""
        self.announce()
        self.settle()

    def settle(self) -> None:
        """Write the recipe, the last word of a beginning: from then on the folder holds a run."""
        recipe = RunFolder(self.folder).recipe
        there = recipe.read_text(encoding="utf-8-sig") if recipe.exists() else ""  # of a run that goes on
        with replacing(recipe) as path:
            path.write_text(self.recipe.to_toml(onto=there), encoding="utf-8")

    def announce(self) -> None:
        """Write that a run begins: what else lies in the folder is its own from then on."""
        begun = {
            "command": self.command,
            "data": self.data,
            "changed_settings": dict(self.changed_settings),
            "tokenizers": self.tokenizers,
            "length_limit": self.length_limit.to_table(),
            "origin": dict(self.origin),
        }
        write_object(self.folder / _BEGUN, begun)

    def in_its_words(self, recipe: Recipe) -> Recipe:
        """Give a recipe as this run writes it: in one of before limits were learnt, a factor of 2 is the limit."""
        return _in_words_of_now(recipe, learnt=self.length_limit != LengthLimit.by_factor())

    @property
    def result(self) -> dict[str, Any] | None:
        """What ``result.json`` holds: scores, settings, times, machine, versions; None where the run did not end.

        Raises:
            ValueError: The file is damaged.
        """
        path = RunFolder(self.folder).result
        return read_object(path) if path.exists() else None

    @property
    def versions(self) -> dict[str, str]:
        """Versions of Python and of the packages, when training last began; empty where it never did."""
        path = RunFolder(self.folder).versions
        return read_object(path) if path.exists() else {}

    def log(self) -> Iterator[dict[str, Any]]:
        """Give the events of the log in their order; none where training never began.

        Raises:
            ValueError: A line is no event.
        """
        return read_log(RunFolder(self.folder).log)

    def differences(self, recipe: Recipe) -> dict[str, str]:
        """Say what another recipe has otherwise, by name, as this run writes it."""
        return differences(self.recipe, self.in_its_words(recipe))

    def fixed_differences(self, recipe: Recipe) -> dict[str, str]:
        """Say what another recipe has otherwise that a run keeps from its beginning to its end, by name."""
        return {name: said for name, said in differences(self.recipe, recipe).items() if is_fixed(name)}


def read_run(folder: str | Path) -> RunRecord | None:
    """Read the record of the run in a folder.

    Args:
        folder: The run folder.

    Returns:
        The record; None where no run began in the folder.

    Raises:
        SettingsError: The recipe in the folder is not one that this version knows.
        ValueError: The record is damaged.
    """
    run_folder = RunFolder(folder)
    if not run_folder.recipe.exists():
        return None
    if not (run_folder.path / _BEGUN).exists():
        raise ValueError(
            f"The folder of a run has {_BEGUN} beside its recipe. Received: {run_folder.path / _BEGUN}, which is not "
            "there. Put it back."
        )
    begun = read_object(run_folder.path / _BEGUN)
    learnt = "length_limit" in begun
    return RunRecord(
        run_folder.path,
        _in_words_of_now(Recipe.from_toml(run_folder.recipe), learnt),
        begun.get("command", ""),
        begun.get("data"),
        begun.get("changed_settings", {}),
        tuple(begun.get("tokenizers", ())),
        LengthLimit.from_table(begun["length_limit"]) if learnt else LengthLimit.by_factor(),
        begun.get("origin", {}),
    )


def read_log(path: Path) -> Iterator[dict[str, Any]]:
    """Give the events of a log in their order; none where the file is not there.

    Args:
        path: The ``log.jsonl`` of a run folder. A last line that was not written to its end, as a killed process leaves
            it, is left out.

    Raises:
        ValueError: A line is no event.
    """
    if not path.exists():
        return
    # Not splitlines: a text of a sample may hold a sign that ends lines elsewhere.
    *lines, _ = path.read_text(encoding="utf-8").split("\n")
    for line in lines:
        event = _object(line, path)
        if "event" not in event:
            raise ValueError(f"The log of a run has an event in each line. Received: {path}, with the line {line[:60]}")
        yield event


def monitored(events: Iterable[Mapping[str, Any]]) -> str:
    """Give the score of validation that decided last which weights a run keeps; "" where its log does not say.

    Args:
        events: The log. A run that goes on may be told another one.
    """
    said = [event["monitor"] for event in events if event["event"] in ("start", "resume") and "monitor" in event]
    return said[-1] if said else ""


def comparable(events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Give the validations of a log whose scores may be compared: those since they are measured as they are now.

    Args:
        events: The log. A run that goes on may measure in another way, or on another text, than before.

    Example:
        >>> log = [{"event": "start", "measured": {"text": "a"}}, {"event": "validation", "update": 1}]
        >>> log += [{"event": "resume", "measured": {"text": "b"}}, {"event": "validation", "update": 2}]
        >>> comparable(log)
        [{'event': 'validation', 'update': 2}]
    """
    found: list[Mapping[str, Any]] = []
    measured: dict[str, str] = {}
    for event in events:
        if event["event"] in ("start", "resume"):
            now = event.get("measured", {})  # an older version did not say
            if any(measured.get(name, value) != value for name, value in now.items()):
                found = []
            measured |= now
        elif event["event"] == "validation":
            found.append(event)
    return found


def finished_run(recipe: Recipe, folder: str | Path, *, data: str | None = None) -> RunResult | None:
    """Give the stored result of a finished run of the very same recipe, without loading anything large.

    Args:
        recipe: What is to be run.
        folder: The run folder.
        data: Where to read text instead of ``recipe.data.path``, as it was given to :func:`seq2seq.runs.running.run`.

    Returns:
        What the run gave then; None where the folder holds no finished run, or one of another recipe, text or seed.
    """
    run_folder = RunFolder(folder)
    model = model_file(run_folder)
    if not (run_folder.result.exists() and model.exists()):
        return None
    written = read_object(run_folder.result)
    # Its own settings, not recipe.toml: that may have changed since, where the run was taken up again and stopped.
    if not _same_settings(written, recipe, run_folder.result) or written["data"] != data:
        return None
    return RunResult(
        run_folder.path,
        model,
        written["metrics"],
        written["signatures"],
        written["minutes"],
        written["stopped"],
        [(example["source"], example["translation"], example["reference"]) for example in written["examples"]],
        written["command"],
        written.get("cuts", {}),
    )


def default_folder(recipe: Recipe) -> Path:
    """Name the run folder of a recipe where none is given."""
    return Path("runs") / recipe.name


def model_file(folder: RunFolder) -> Path:
    """Name the translator file of a finished run."""
    return folder.path / "model.s2s"


def model_in(path: Path) -> Path:
    """Name the model file that is meant: the path, or what the run in that folder came to.

    Raises:
        UsageError: The run has not ended.
    """
    if not path.is_dir():
        return path
    folder = RunFolder(path)
    if folder.recipe.exists() and not model_file(folder).exists():
        raise UsageError(
            f"The run in this folder has no model file yet: training writes it at its end. Received: {path}. "
            f"Wait for it, or go on with --resume; its recipe is {folder.recipe}."
        )
    return model_file(folder) if folder.recipe.exists() else path


def is_fixed(name: str) -> bool:
    """Tell whether a setting, such as ``model.dropout``, stays as it is for the whole of a run."""
    return name in _FIXED or name.partition(".")[0] in _FIXED


def write_object(path: Path, values: Mapping[str, Any]) -> None:
    """Write a part of the record as JSON, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(values, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def read_object(path: Path) -> dict[str, Any]:
    """Read a part of the record.

    Raises:
        ValueError: It is no JSON object.
    """
    return _object(path.read_bytes(), path)


def _same_settings(written: Mapping[str, Any], recipe: Recipe, path: Path) -> bool:
    """Tell whether the settings of a result are those of a recipe; a setting newer than they are is as by default."""
    try:
        then = Recipe.from_table(written["settings"], str(path)) if "settings" in written else None
        learnt = "cuts" in written
        return then is not None and _in_words_of_now(then, learnt) == _in_words_of_now(recipe, learnt)
    except SettingsError:
        return False


def _in_words_of_now(recipe: Recipe, learnt: bool) -> Recipe:
    """Give a stored recipe as it is written now: before limits of length were learnt, all had the factor 2 by default.

    With the limit that is told of such a run it means the same.
    """
    if learnt or recipe.decoding.search.max_length_factor != 2.0:
        return recipe
    return recipe.override(["decoding.search.max_length_factor=learnt"])


def _object(text: str | bytes, path: Path) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError(
            f"The run folder is damaged. Received: {path}, which holds no JSON object. Name another folder with --out, "
            "or delete this one."
        )
    return found
