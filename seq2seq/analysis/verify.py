"""Proof that a run which was killed and resumed ends like one that was never stopped: trains both, compares all."""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seq2seq.recipe import Recipe
from seq2seq.runs.record import read_log
from seq2seq.system import process
from seq2seq.system.terminal import exit_status, format_table, tell
from seq2seq.training.run_folder import RunFolder
from seq2seq.training.state import OF_THE_PROCESS

if TYPE_CHECKING:
    import keras

_DIGITS = 16  # of a SHA-256, in hexadecimal: as much as a person compares


class DifferentError(ValueError):
    """A resumed run did not end like the one that was never stopped."""


class Part(NamedTuple):
    """One part of what a run leaves: its items by name, each as the bytes that are compared."""

    name: str
    items: dict[str, bytes]

    @property
    def digest(self) -> str:
        """The start of the SHA-256 over all items, in order."""
        found = hashlib.sha256()
        for item in self.items.values():
            found.update(len(item).to_bytes(8, "little") + item)
        return found.hexdigest()[:_DIGITS]


class Compared(NamedTuple):
    """One part of two runs, side by side.

    Attributes:
        name: What the part is.
        items: How many items it has: tensors, counters, lines.
        first: The start of the SHA-256 over the items of the first run.
        second: The same of the second run.
        different: Names of the items that differ.
    """

    name: str
    items: int
    first: str
    second: str
    different: list[str]


@dataclass(frozen=True)
class Verdict:
    """What the comparison of a straight and a resumed run says.

    Attributes:
        killed_at: Optimizer steps done when the process was killed.
        resumed_from: Optimizer steps of the checkpoint that the run went on from; 0 where there was none yet.
        compared: Every part of what the two runs left.
    """

    killed_at: int
    resumed_from: int
    compared: list[Compared]

    @property
    def identical(self) -> bool:
        """Whether nothing differs."""
        return not any(part.different for part in self.compared)

    def report(self) -> str:
        """Lay the comparison out as a table, with the verdict in words under it."""
        rows = [
            [part.name, part.items, part.first, part.second, _difference(part) if part.different else "identical"]
            for part in self.compared
        ]
        words = "identical to" if self.identical else "DIFFERENT from"
        return "\n".join([
            format_table(["part", "items", "straight", "resumed", "verdict"], rows, numbers=[1]), "",
            f"Killed at step {self.killed_at}, resumed from step {self.resumed_from}: {words} the run that was never "
            "stopped.",
        ])  # fmt: skip


def verify_resume(
    recipe: Recipe, *, steps: int, kill_at: Sequence[int], data: str | None = None, folder: str | Path | None = None
) -> Iterator[Verdict]:
    """Train a recipe straight, then again with a SIGKILL in the middle and a resume, and compare what they leave.

    Every training is a process of its own. Two settings are chosen where the recipe leaves them open: it is validated
    three times, and checkpoints are written by the count of steps, so that one lies before the kill.

    Args:
        recipe: The recipe.
        steps: Optimizer steps to train for.
        kill_at: Optimizer steps at which to kill, each in a run of its own; from 1 to below ``steps``.
        data: Where to read text instead of ``recipe.data.path``.
        folder: Where the runs go, and stay; None takes a temporary folder, which stays only where something differs.

    Yields:
        The verdict for each step of ``kill_at``.

    Raises:
        ValueError: A step is out of range, or a training failed.
        FileExistsError: There are runs in the folder already.
    """
    if not kill_at or not all(0 < step < steps for step in kill_at):
        raise ValueError(
            f"A run is killed after at least one step and before its end. Received: steps={steps}, "
            f"kill_at={', '.join(map(str, kill_at)) or 'nothing'}. Kill at steps from 1 to {max(steps - 1, 1)}."
        )
    base = Path(tempfile.mkdtemp(prefix="seq2seq-verify-")) if folder is None else Path(folder)
    if folder is not None and base.exists() and any(base.iterdir()):
        raise FileExistsError(
            f"Two trainings need a new folder. Received: {str(base)!r}, which is not empty. Name another, or delete it."
        )
    base.mkdir(parents=True, exist_ok=True)
    recipe_file = base / "recipe.toml"
    recipe_file.write_text(_prepared(recipe, steps, min(kill_at)).to_toml(), encoding="utf-8")
    train = _Training(recipe_file, steps, data)
    identical = False
    try:
        tell(f"Training {steps} steps without a stop ...")
        train(base / "straight")
        straight = read_parts(base / "straight")
        verdicts = []
        for step in kill_at:
            killed = base / f"killed-{step}"
            tell(f"Training again, with SIGKILL at step {step} ...")
            train(killed, kill_at=step)
            tell("Going on with it ...")
            train(killed, resume=True)
            verdicts.append(Verdict(step, _resumed_from(killed), compare(straight, read_parts(killed))))
            yield verdicts[-1]
        identical = all(verdict.identical for verdict in verdicts)
    finally:
        if folder is None and identical:
            shutil.rmtree(base)
        else:
            tell(f"The runs are in {base}.")


def compare(first: list[Part], second: list[Part]) -> list[Compared]:
    """Compare what two runs left, part by part and item by item, to the last bit.

    Args:
        first: The parts of one run, from :func:`read_parts`.
        second: The parts of the other one.
    """
    found = []
    nothing = Part("", {})
    ours, theirs = ({part.name: part for part in parts} for parts in (first, second))
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        one, two = ours.get(name, nothing), theirs.get(name, nothing)
        names = [*one.items, *(item for item in two.items if item not in one.items)]
        different = [item for item in names if one.items.get(item) != two.items.get(item)]
        found.append(Compared(name, len(names), one.digest, two.digest, different))
    return found


def read_parts(folder: Path) -> list[Part]:
    """Read everything that a run leaves and that another one could differ in; wall times are left out.

    Args:
        folder: The run folder.
    """
    from seq2seq.training.checkpoint_file import find_checkpoint

    run = RunFolder(folder)
    checkpoint = find_checkpoint(run.last)
    if checkpoint is None:
        raise FileNotFoundError(f"A comparison needs a checkpoint. Received: {folder}, which has none.")
    best = {run.best.name: run.best.read_bytes()} if run.best.exists() else {}
    parts = [*_checkpoint_parts(checkpoint), Part("best weights", best), Part("log", _log_lines(run.log))]
    if run.tensorboard.exists():
        parts.append(Part("TensorBoard", dict(_tensorboard_events(run.tensorboard))))
    return parts


def _checkpoint_parts(path: Path) -> list[Part]:
    with zipfile.ZipFile(path) as archive:
        document = json.loads(archive.read("state.json"))
        tensors: dict[str, dict[str, bytes]] = {}
        for part, names in document["variables"].items():
            for number, name in enumerate(names):
                kind = _kind(part, name)
                # By number: names are numbered anew in every process.
                tensors.setdefault(kind, {})[f"{number} {name}"] = archive.read(f"{part}/{number:05d}.npy")
    state = document["state"]
    counters = {f"{part}.{key}": value for part, values in state.items() for key, value in values.items()}
    # Where the log and TensorBoard's end in bytes depends on the digits of wall times; what they say is compared below.
    told = {
        name: _text(value)
        for name, value in counters.items()
        if name not in ("log.size", "tensorboard.sizes") and name.partition(".")[2] not in OF_THE_PROCESS
    }
    return [*(Part(kind, items) for kind, items in tensors.items()), Part("counters", told)]


def _kind(part: str, name: str) -> str:
    if part == "model":
        return "random generators" if "seed_generator" in name else "weights"
    if part == "optimizer":
        return "averages of the weights" if name.endswith("_average") else "optimizer"
    return "metrics of the epoch"


def _log_lines(path: Path) -> dict[str, bytes]:
    # That it was resumed, and how long its first step took, is all that a resumed run says and the other does not.
    lines = [event for event in read_log(path) if event["event"] not in ("resume", "first_step")]
    return {f"line {number}": _text(line) for number, line in enumerate(lines, start=1)}


def _text(value: Any) -> bytes:
    return json.dumps(_without_clocks(value), sort_keys=True).encode()


def _without_clocks(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_clocks(entry) for name, entry in value.items() if name not in OF_THE_PROCESS}
    return [_without_clocks(entry) for entry in value] if isinstance(value, list) else value


def _tensorboard_events(folder: Path) -> Iterator[tuple[str, bytes]]:
    from tensorboard.compat.proto.event_pb2 import Event  # type: ignore[import-untyped]

    number = 0
    for path in sorted(folder.glob("events.out.tfevents.*")):
        data = io.BytesIO(path.read_bytes())
        # A record: its length, a checksum of that, the event, a checksum of the event.
        while head := data.read(12):
            event = Event.FromString(data.read(struct.unpack("<Q", head[:8])[0]))
            data.read(4)
            for value in event.summary.value:
                if value.tag not in OF_THE_PROCESS:
                    number += 1
                    place = f"event {number}, {value.tag} at step {event.step}"
                    yield place, place.encode() + value.SerializeToString(deterministic=True)


def _difference(part: Compared) -> str:
    return f"{len(part.different)} of {part.items} DIFFERENT, first {part.different[0]}"


def _resumed_from(folder: Path) -> int:
    return next((event["update"] for event in read_log(RunFolder(folder).log) if event["event"] == "resume"), 0)


def _prepared(recipe: Recipe, steps: int, first_kill: int) -> Recipe:
    """Set what a comparison needs: enough epochs, validations on the way, checkpoints at steps instead of times."""
    training = recipe.training
    changed = replace(
        training,
        epochs=max(training.epochs, steps),  # an epoch has at least one step
        validate_every=training.validate_every or max(steps // 3, 1),
        checkpoint_steps=training.checkpoint_steps or max((first_kill - 1) // 2, 1),
        checkpoint_minutes=0.0,
    )
    return replace(recipe, training=changed)


class _Training(NamedTuple):
    """Trains in a process of its own."""

    recipe: Path
    steps: int
    data: str | None

    def __call__(self, folder: Path, *, kill_at: int = 0, resume: bool = False) -> None:
        command = [
            *process.own_module("seq2seq.analysis.verify"),
            str(self.recipe),
            str(folder),
            "--steps",
            str(self.steps),
        ]
        command += ["--kill-at", str(kill_at)] if kill_at else []
        command += ["--resume"] if resume else []
        command += ["--data", self.data] if self.data is not None else []
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as training:
            try:
                told = training.communicate()[1]
            except BaseException:
                training.kill()
                raise
        expected = -signal.SIGKILL if kill_at else 0
        if (status := training.returncode) != expected:
            said = told.decode(errors="replace").strip() or "nothing"
            short = f" Training ended before step {kill_at}." if kill_at and not status else ""
            raise ValueError(f"A training ended with status {status}, not {expected}.{short} It said:\n{said}")


def _stop_at(step: int, kill: bool) -> keras.callbacks.Callback:
    """Stop the training after a step: in good order, or as a machine that dies would."""
    import keras

    class StopAt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if int(self.model.optimizer.iterations) != step:
                return
            if kill:
                os.kill(os.getpid(), signal.SIGKILL)
            self.model.stop_training = True

    return StopAt()


def _train(arguments: argparse.Namespace) -> None:
    from seq2seq.runs.running import train_only

    stops = [_stop_at(arguments.steps, kill=False)]
    if arguments.kill_at:
        stops.append(_stop_at(arguments.kill_at, kill=True))
    train_only(
        Recipe.from_toml(arguments.recipe),
        folder=arguments.folder,
        resume=arguments.resume,
        data=arguments.data,
        callbacks=stops,
        progress="none",
    )


def _main() -> int:
    process.prepare()
    parser = argparse.ArgumentParser(
        prog="seq2seq.analysis.verify", description="One training of `seq2seq verify-resume`."
    )
    parser.add_argument("recipe", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--kill-at", type=int, default=0)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--data")
    arguments = parser.parse_args()
    return exit_status(lambda: _train(arguments), debug=True)


if __name__ == "__main__":
    sys.exit(_main())
