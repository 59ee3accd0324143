"""One run: from a recipe to a trained, measured translator in a run folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.metrics import measure
from seq2seq.recipe import Recipe
from seq2seq.runs.measuring import write_result
from seq2seq.runs.preparing import Ready, begin, prepare
from seq2seq.runs.record import RunResult, default_folder, model_file
from seq2seq.settings import by_name
from seq2seq.system.terminal import silence, tell
from seq2seq.training.run_folder import RunFolder, open_run_folder

if TYPE_CHECKING:
    import keras

    from seq2seq.distribution.devices import Devices
    from seq2seq.distribution.workers import Workers
    from seq2seq.training.fit import TrainingResult


def run(
    recipe: Recipe,
    *,
    folder: str | Path | None = None,
    resume: bool = False,
    data: str | None = None,
    seed: int | None = None,
    command: str = "",
    changed: Mapping[str, object] | None = None,
    progress: str = "auto",
    strategy: str | Devices = "",
) -> RunResult:
    """Read text, train a model, write the translator and measure it.

    Args:
        recipe: What to run.
        folder: The run folder; None is ``runs/`` and the recipe's name.
        resume: Whether to go on with a stopped run in the folder.
        data: Where to read text instead of ``recipe.data.path``.
        seed: A seed instead of ``recipe.seed``.
        command: The command that makes this run from its beginning, for the record; "" is the one that began it.
        changed: Settings that differ from the recipe as it was published, for the record.
        progress: How to show training: "auto", "bar", "lines" or "none".
        strategy: What the work is shared among: "mirrored", all devices of this process; "multiworker", all workers
            that ``TF_CONFIG`` or Slurm names, each of which calls this alike; "", one device. Or what
            :func:`seq2seq.distribution.devices.open_devices` gave. The chief alone writes, and shows what happens.

    Returns:
        What came of it, which is also in ``result.json`` in the folder.

    Raises:
        RunFolderError: The folder holds another run.
        LockedError: Another process is at work in it.
        ValueError: Settings, text or saved state do not fit together.
        OSError: A file cannot be read or written.
    """
    recipe = recipe if seed is None else replace(recipe, seed=seed)
    # A metric that cannot be computed here (a tokenizer that is unknown or not installed) is told before training.
    measure(["text"], ["text"], recipe.evaluation, ["text"])
    with (
        _opened(strategy) as devices,
        _run_folder(recipe, default_folder(recipe) if folder is None else folder, resume, devices) as run_folder,
    ):
        ready = prepare(recipe, run_folder, data, command, changed or {}, devices)
        trained = _train(recipe, ready, run_folder, resume, progress, devices)
        if trained.stopped.startswith("SIG"):
            return RunResult(run_folder.path, None, {}, {}, trained.minutes, trained.stopped, [])
        if not devices.workers.chief:
            return _told(run_folder, devices.workers.from_chief())
        try:
            result = write_result(ready, trained)
        except KeyboardInterrupt:
            tell(f"Training is over and kept in {run_folder.path}. The same command with --resume measures the result.")
            raise
        devices.workers.from_chief(vars(result) | {"folder": None, "model": None})
        return result


def _told(folder: RunFolder, result: dict[str, Any]) -> RunResult:
    """Give the result as the chief told it."""
    examples = [(source, translation, reference) for source, translation, reference in result["examples"]]
    return RunResult(**result | {"folder": folder.path, "model": model_file(folder), "examples": examples})


def train_only(
    recipe: Recipe,
    *,
    folder: str | Path,
    resume: bool = False,
    data: str | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    progress: str = "auto",
    strategy: str | Devices = "",
) -> TrainingResult:
    """Train as :func:`run` does, and leave it at that: nothing is measured at the end, and no translator is written.

    Args:
        recipe: What to train.
        folder: The run folder.
        resume: Whether to go on with a stopped run in the folder.
        data: Where to read text instead of ``recipe.data.path``.
        callbacks: Keras callbacks of your own.
        progress: How to show training: "auto", "bar", "lines" or "none".
        strategy: As for :func:`run`.

    Returns:
        What came of it.
    """
    with _opened(strategy) as devices, _run_folder(recipe, folder, resume, devices) as run_folder:
        ready = prepare(recipe, run_folder, data, "", {}, devices)
        return _train(recipe, ready, run_folder, resume, progress, devices, callbacks)


def need_same_settings(workers: Workers, recipe: Recipe) -> None:
    """Make sure that all workers were given the same recipe; called by all of them together.

    Raises:
        ClusterError: They were not; it names the settings.
    """
    workers.need_same(by_name(recipe), "settings")


def _opened(strategy: str | Devices) -> AbstractContextManager[Devices]:
    from seq2seq.distribution import open_devices

    return open_devices(strategy) if isinstance(strategy, str) else nullcontext(strategy)


@contextmanager
def _run_folder(recipe: Recipe, path: str | Path, resume: bool, devices: Devices) -> Iterator[RunFolder]:
    """Take the run folder, as the chief; the others know its name, and say nothing."""
    need_same_settings(devices.workers, recipe)
    if not devices.workers.chief:
        with silence():
            yield RunFolder(path)
        return
    run_folder = open_run_folder(path, resume=resume)
    with run_folder.locked():
        yield run_folder


def _train(
    recipe: Recipe,
    ready: Ready,
    folder: RunFolder,
    resume: bool,
    progress: str,
    devices: Devices,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> TrainingResult:
    from seq2seq.training.checkpoint_file import CheckpointError
    from seq2seq.training.fit import train
    from seq2seq.training.validation import HeldOut

    translator = ready.translator
    try:
        return train(
            translator.model,
            ready.batches,
            recipe.training,
            folder=folder,
            validation=HeldOut(
                ready.validation,
                ready.corpora.validation,
                lambda texts: translator.hypotheses(texts, translator.search.greedy()),
                recipe.evaluation,
            ),
            to_text=(translator.source_tokenizer.decode, translator.target_tokenizer.decode),
            callbacks=callbacks,
            progress=progress,
            resume=resume,
            devices=devices,
            accepted=(lambda: begin(folder, ready)) if devices.workers.chief else None,
        )
    except CheckpointError as error:
        raise type(error)(f"{error}{ready.moved}") from error
