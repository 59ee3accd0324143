"""Checkpoints: every variable and counter of a run in one file that is there whole or not at all."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from seq2seq.distribution.replicas import local_copies
from seq2seq.system.files import replacing

FORMAT = 1
_STATE = "state.json"
_RENAMED = {"judge": "best_score"}  # counters that older versions wrote under another name
# What Python raises, all in all, where bytes of a zip or of an array are not what they were.
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, ValueError, RuntimeError, OSError)


class CheckpointError(ValueError):
    """A checkpoint cannot be used here."""


class DamagedCheckpointError(CheckpointError):
    """A checkpoint cannot be read: it is torn, or bytes of it have changed."""


class Loaded(NamedTuple):
    """What a resume starts from.

    Attributes:
        path: The checkpoint.
        state: The counters, as :func:`load_checkpoint` gives them.
        damaged: Newer checkpoints that could not be read, newest first.
    """

    path: Path
    state: dict[str, Any]
    damaged: list[Path]


def save_checkpoint(folder: Path, model: keras.Model, state: Mapping[str, Any], *, keep: int = 1) -> Path:
    """Write a checkpoint, then delete the older ones.

    It is an uncompressed zip: one `.npy` per variable of model (the states of its random generators among them),
    optimizer and running metrics, and ``state.json``. Every part has its checksum, and the file gets its name only when
    it is complete on the disk.

    Args:
        folder: Where checkpoints lie; made where it does not exist.
        model: A built and compiled model.
        state: Counters as plain JSON values, with "update" (optimizer steps) in ``state["run"]``.
        keep: How many checkpoints stay, this one counted.

    Returns:
        The new file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"update-{state['run']['update']:09d}.ckpt"
    parts = _variables(model)
    document = {
        "format": FORMAT,
        "optimizer": type(model.optimizer).__name__,
        "variables": {part: [variable.path for variable in variables] for part, variables in parts.items()},
        "state": dict(state),
    }
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", allowZip64=True) as archive:
        archive.writestr(_STATE, json.dumps(document, indent=1))
        for part, variables in parts.items():
            for number, variable in enumerate(variables):
                with archive.open(_member(part, number), "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, _to_numpy(variable), allow_pickle=False)
    unfinished = folder.glob(".*.ckpt")  # of a process that was killed while it wrote
    for old in [*checkpoints(folder)[keep:], *unfinished]:
        if old != path:
            old.unlink(missing_ok=True)
    return path


def checkpoints(folder: Path) -> list[Path]:
    """Give the checkpoints in a folder, newest first."""
    return sorted(folder.glob("update-*.ckpt"), reverse=True)


def find_checkpoint(folder: Path) -> Path | None:
    """Give the newest checkpoint in a folder, or None where there is none."""
    return next(iter(checkpoints(folder)), None)


def update_of(path: Path) -> int:
    """Give the optimizer steps that were done when a checkpoint was written."""
    return int(path.stem.removeprefix("update-"))


def average_weights(paths: Sequence[Path], model: keras.Model) -> None:
    """Put the mean of the weights of several checkpoints into a model; what is not trained is of the first of them.

    Args:
        paths: Files that :func:`save_checkpoint` wrote; their optimizers are left alone.
        model: A model like the one saved.

    Raises:
        DamagedCheckpointError: A file is damaged; nothing has been changed then.
        CheckpointError: One was written for another model; nothing has been changed then either.
    """
    first: list[np.ndarray] = []
    sums: list[np.ndarray] = []
    for path in paths:
        names = _document(path)["variables"]["model"]
        try:
            with zipfile.ZipFile(path) as archive:
                found = [_read_array(archive, _member("model", number)) for number in range(len(names))]
        except _DAMAGE as error:
            raise _damaged(path, error) from error
        _compare(path, "model", names, found, list(model.variables))
        first = first or found
        before = sums or [np.zeros(())] * len(found)
        sums = [value.astype(np.float64) + each for value, each in zip(found, before, strict=True)]
    trained = {id(variable) for variable in model.trainable_variables}
    for variable, value, summed in zip(model.variables, first, sums, strict=True):
        _assign(variable, (summed / len(paths)).astype(value.dtype) if id(variable) in trained else value)


def load_latest(folder: Path, model: keras.Model) -> Loaded | None:
    """Load the newest checkpoint of a folder that can be read; None where there is none at all.

    Damaged ones on the way are named, and left as they are until :func:`set_aside`: what is loaded may be refused yet.

    Args:
        folder: Where checkpoints lie.
        model: See :func:`load_checkpoint`.

    Raises:
        CheckpointError: None of them can be read, or the newest one that can was written for another model or
            optimizer.
    """
    unreadable: list[Path] = []
    first: DamagedCheckpointError | None = None
    for path in checkpoints(folder):
        try:
            state = load_checkpoint(path, model)
        except DamagedCheckpointError as error:
            unreadable.append(path)
            first = first or error
            continue
        return Loaded(path, state, unreadable)
    if first:
        raise DamagedCheckpointError(
            f"{first} There is no older one that can; or start a new run: best.weights.h5 in the folder above is not "
            "touched."
        ) from first
    return None


def set_aside(damaged: Sequence[Path]) -> list[Path]:
    """Give damaged checkpoints the ending ``.damaged``, so that they are neither read nor counted any more."""
    return [path.replace(path.with_suffix(".damaged")) for path in damaged]


def read_state(path: Path) -> dict[str, Any]:
    """Give the counters of a checkpoint, without touching a model.

    Raises:
        DamagedCheckpointError: The file is damaged.
        CheckpointError: It is of another format.
    """
    return _document(path)["state"]


def load_checkpoint(path: Path, model: keras.Model) -> dict[str, Any]:
    """Put the variables of a checkpoint into a model and its optimizer.

    Args:
        path: A file that :func:`save_checkpoint` wrote.
        model: A model like the one saved, built and compiled, with its optimizer built.

    Returns:
        The counters, with the values of the running metrics under "metrics": Keras resets metrics when an epoch begins,
        so they are to be put back after that, by :func:`set_metrics`.

    Raises:
        DamagedCheckpointError: The file is damaged; nothing has been changed then.
        CheckpointError: It was written for another model or optimizer; nothing has been changed then either.
    """
    document = _document(path)
    parts = _variables(model)
    if document["optimizer"] != type(model.optimizer).__name__:
        raise CheckpointError(
            f"A run goes on with the optimizer it was started with. Received: {type(model.optimizer).__name__}, while "
            f"{path} was written with {document['optimizer']}. Set it back, or start a new run."
        )
    loaded: dict[str, list[np.ndarray]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for part, names in document["variables"].items():
                loaded[part] = [_read_array(archive, _member(part, number)) for number in range(len(names))]
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    for part in ("model", "optimizer"):
        _compare(path, part, document["variables"][part], loaded[part], parts[part])
    for part in ("model", "optimizer"):
        for variable, value in zip(parts[part], loaded[part], strict=True):
            _assign(variable, value)
    return document["state"] | {"metrics": loaded["metrics"]}


def set_metrics(model: keras.Model, values: Sequence[np.ndarray]) -> None:
    """Put back the running sums of the model's metrics.

    Raises:
        CheckpointError: The model has other metrics than the one saved.
    """
    variables = model.metrics_variables
    if [tuple(variable.shape) for variable in variables] != [value.shape for value in values]:
        raise CheckpointError(
            "A run goes on with the metrics it was started with, built before training starts. Received: "
            f"metrics={[metric.name for metric in model.metrics]}, with {len(variables)} variables instead of "
            f"{len(values)}. Give the model the metrics it had."
        )
    for variable, value in zip(variables, values, strict=True):
        _assign(variable, value)


def metric_values(model: keras.Model) -> list[np.ndarray]:
    """Give the running sums of the model's metrics."""
    return [_to_numpy(variable) for variable in model.metrics_variables]


def save_weights(model: keras.Model, path: Path) -> None:
    """Write the weights alone, in Keras' own `.weights.h5` format, whole or not at all.

    Keras would add the optimizer's variables, which make the file three times as large and get in the way of the next
    optimizer. One process at a time writes a file, as the lock of a run sees to.
    """
    with replacing(path) as temporary, _without_optimizer(model):
        model.save_weights(temporary)
    for unfinished in path.parent.glob(f".*{path.name}"):  # of a process that was killed while it wrote
        unfinished.unlink(missing_ok=True)


def load_weights(model: keras.Model, path: Path) -> None:
    """Read what :func:`save_weights` wrote, and leave the model's optimizer as it is."""
    with _without_optimizer(model):
        model.load_weights(path)


@contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Let the optimizer's running averages stand in for the weights; nothing happens where it keeps none."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # of one that scales the loss
    if not optimizer.use_ema:
        yield
        return
    weights = [_to_numpy(variable) for variable in model.trainable_variables]
    optimizer.finalize_variable_values(model.trainable_variables)
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, weights, strict=True):
            variable.assign(value)


@contextmanager
def _without_optimizer(model: keras.Model) -> Iterator[None]:
    optimizer = model.optimizer
    model.optimizer = None
    try:
        yield
    finally:
        model.optimizer = optimizer


def _variables(model: keras.Model) -> dict[str, list[Any]]:
    return {
        "model": list(model.variables),
        "optimizer": list(model.optimizer.variables),
        "metrics": list(model.metrics_variables),
    }


def _member(part: str, number: int) -> str:
    return f"{part}/{number:05d}.npy"


def _assign(variable: Any, value: np.ndarray) -> None:
    for copy in local_copies(variable):
        copy.assign(value)


def _to_numpy(variable: Any) -> np.ndarray:
    # Every replica has the same value, a running metric too.
    value = np.asarray(local_copies(variable)[0].numpy())
    # NumPy's own format knows no bfloat16; every bfloat16 is a float32.
    return value.astype(np.float32) if value.dtype.name == "bfloat16" else value


def _read_array(archive: zipfile.ZipFile, member: str) -> np.ndarray:
    # Whole, so that zipfile compares the checksum.
    return np.lib.format.read_array(io.BytesIO(archive.read(member)), allow_pickle=False)


def _document(path: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            document = json.loads(archive.read(_STATE))
    except PermissionError:
        raise
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    if document.get("format") != FORMAT:
        raise CheckpointError(
            f"This version reads checkpoints of format {FORMAT}. Received: {path} of format {document.get('format')}. "
            "Continue the run with the version in its versions.json."
        )
    document["state"] = {_RENAMED.get(name, name): counters for name, counters in document["state"].items()}
    return document


def _damaged(path: Path, error: Exception) -> DamagedCheckpointError:
    return DamagedCheckpointError(
        f"The checkpoint cannot be read: {error}. Received: {path}. Bring the file back from a copy."
    )


def _compare(path: Path, part: str, names: list[str], values: list[np.ndarray], variables: list[Any]) -> None:
    saved = [(name, value.shape) for name, value in zip(names, values, strict=True)]
    here = [(variable.path, tuple(variable.shape)) for variable in variables]
    for number in range(max(len(saved), len(here))):
        then = saved[number] if number < len(saved) else ("nothing", ())
        now = here[number] if number < len(here) else ("nothing", ())
        # Keras numbers names anew in every process: shapes decide.
        if number >= min(len(saved), len(here)) or then[1] != now[1]:
            raise CheckpointError(
                f"A run goes on with the model it was started with. Received: {now[0]} of shape {now[1]} ({part}), "
                f"where {path} has {then[0]} of shape {then[1]}. Set the model back, or start a new run."
            )
