"""The rows of the tables of results: a task, what was published, and our runs of it."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

from result_tables import files
from seq2seq.runs import read_run

# Of a command: what belongs to the machine that it ran on.
_OWN = ("--out", "--data", "--jobs")
_OWN_FLAGS = ("--resume", "--resume-if-begun")


@dataclass(frozen=True)
class Row:
    """A row of a table, as its file holds it.

    Attributes:
        name: The file's name without its ending.
        title: What was done, for a reader.
        recipe: The recipe script.
        command: The command, but for the place of data and results.
        metrics: Names of the metrics to tell, the first one first.
        published: What others reached: "system", and a value for each metric that they tell.
        mean_of: Names of the rows that this one is the mean of, seed by seed; it has no runs of its own then.
        runs: Our runs, each with "seed" and "metrics".
    """

    name: str
    title: str
    recipe: str
    command: str
    metrics: tuple[str, ...]
    published: tuple[Mapping[str, Any], ...] = ()
    mean_of: tuple[str, ...] = ()
    runs: tuple[Mapping[str, Any], ...] = field(default=())

    def values(self, metric: str, part: str = "test") -> list[float]:
        """Give what each run reached, in the order of the seeds."""
        return [run["metrics"][part][metric] for run in self.runs]

    def ours(self) -> str:
        """Tell mean and spread over seeds of every metric."""
        if not self.runs:
            return files.NOT_YET
        told = [f"{files.LABELS[metric]} {files.spread(self.values(metric))}" for metric in self.metrics]
        seeds = len(self.runs)
        return f"{', '.join(told)} ({seeds} seed{'s' * (seeds != 1)})"

    def theirs(self) -> str:
        """Tell what was published, the best of each kind as it stands in the file."""
        return "; ".join(
            ", ".join(f"{files.LABELS[name]} {system[name]:.2f}" for name in self.metrics if name in system)
            + f" ({system['system']})"
            for system in self.published
        )

    def signatures(self) -> dict[str, str]:
        """Give the signature of every metric that is told; the same for all runs of a row."""
        return {metric: self.runs[0]["signatures"][metric] for metric in self.metrics if self.runs}

    def changes(self) -> str:
        """Give what the command changes of the recipe."""
        words = shlex.split(self.command)
        return " ".join(f"--set {after}" for word, after in pairwise(words) if word == "--set")

    def minutes(self) -> str:
        """Tell the minutes of a run had all its epochs been as quick as the quickest; other work ran beside some."""
        if not self.runs:
            return ""
        alone = self.quickest() / 60
        return f"{alone:.2g}" if alone < 10 else f"{alone:.0f}"

    def quickest(self) -> float:
        """Give the seconds of the quickest run, had all its epochs been as quick as its quickest."""
        return _alone(self.fastest())

    def machine(self) -> str:
        """Tell where the quickest run ran."""
        if not self.runs:
            return ""
        return f"{self.fastest()['machine']['cores']} cores ({files.processor(self.fastest())})"

    def fastest(self) -> Mapping[str, Any]:
        """Give the quickest run."""
        return min(self.runs, key=_alone)


def _alone(run: Mapping[str, Any]) -> float:
    seconds: float = run["epochs"] * run["fastest_epoch_seconds"]
    return seconds


def read() -> dict[str, Row]:
    """Read all rows by name; those that are a mean have the mean of every seed that all of their rows have."""
    found = {path.stem: _read_file(path) for path in sorted(files.RESULTS.glob("*.json"))}
    for name, row in found.items():
        if row.mean_of:
            found[name] = _row(name, {**vars(row), "runs": list(_means([found[each] for each in row.mean_of]))})
    return found


def _read_file(path: Path) -> Row:
    return _row(path.stem, json.loads(path.read_text("utf-8")))


def _row(name: str, table: Mapping[str, Any]) -> Row:
    lists = {key: tuple(table.get(key, ())) for key in ("metrics", "published", "mean_of")}
    runs = tuple(sorted(table.get("runs", ()), key=lambda run: run["seed"]))
    return Row(name, table["title"], table["recipe"], table["command"], **lists, runs=runs)


def _means(parts: list[Row]) -> Iterator[dict[str, Any]]:
    by_seed = [{run["seed"]: run for run in part.runs} for part in parts]
    for seed in sorted(set.intersection(*map(set, by_seed))):
        runs = [runs[seed] for runs in by_seed]
        metrics = {
            part: {name: fmean(run["metrics"][part][name] for run in runs) for name in values}
            for part, values in runs[0]["metrics"].items()
        }
        epochs = sum(run["epochs"] for run in runs)
        seconds = sum(part.quickest() for part in parts)
        processors = dict.fromkeys(files.processor(part.fastest()) for part in parts)
        yield {
            **runs[0],
            "metrics": metrics,
            "epochs": epochs,
            "fastest_epoch_seconds": seconds / epochs,
            "machine": {**runs[0]["machine"], "processor": " and ".join(processors)},
        }


def shortened(folder: Path, commit: str) -> dict[str, Any]:
    """Give what is kept of a finished run: its scores, what it took, and its curve; nothing that names this machine.

    Raises:
        ValueError: The folder holds no finished run.
    """
    record = read_run(folder)
    result = record.result if record else None
    if record is None or result is None:
        raise ValueError(f"A result is of a finished run. Received: {folder}. Let it finish, or name another folder.")
    epochs = [event for event in record.log() if event["event"] == "epoch"]
    curve = [event for event in record.log() if event["event"] == "validation"]
    watched = ["val_loss", *(f"val_{name}" for name in result["signatures"])]
    return {
        "seed": result["seed"],
        "commit": commit,
        "command": _command(result["command"]),
        "changed_settings": {
            name: value for name, value in result["changed_settings"].items() if not name.startswith("data.path")
        },
        "metrics": result["metrics"],
        "signatures": result["signatures"],
        "parameters": result.get("parameters"),
        "epochs": result["epochs"],
        "best_epoch": result["best_epoch"],
        "minutes": result["minutes"],
        "fastest_epoch_seconds": round(min(event["seconds"] for event in epochs), 1),
        "machine": result["machine"],
        "versions": {name: version for name, version in result["versions"].items() if name != "system"},
        "curve": {name: [round(event[name], 3) for event in curve] for name in watched},
    }


def _command(command: str) -> str:
    words = iter(shlex.split(command))
    kept = []
    for word in words:
        if word in _OWN:
            next(words, None)
        elif word not in _OWN_FLAGS and word.partition("=")[0] not in _OWN:
            # Wherever the checkout lay, its recipes are in recipes/.
            kept.append("/".join(Path(word).parts[-2:]) if word.startswith("/") and word.endswith(".py") else word)
    return shlex.join(kept)


def add(name: str, commit: str, *folders: Path) -> None:
    """Carry finished runs into the file of a row; a run of the same seed is replaced."""
    path = files.RESULTS / f"{name}.json"
    table = json.loads(path.read_text("utf-8"))
    runs = {run["seed"]: run for run in table.get("runs", ())}
    for folder in folders:
        run = shortened(folder, commit)
        runs[run["seed"]] = run
    table["runs"] = [runs[seed] for seed in sorted(runs)]
    files.write(path, table)
