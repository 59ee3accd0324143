"""Logs: one JSON object per line and event, and TensorBoard's."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import keras

from seq2seq.text.sentences import encodable
from seq2seq.training.state import RunState, Validated
from seq2seq.training.step_times import StepTimes


class JsonLog(keras.callbacks.Callback):
    """Writes the log, by event.

    They are "start" or "resume", "first_step", "epoch", "validation", "signs", "skipped", "checkpoint" and "end".

    Args:
        path: The file; a new run starts it, a resumed one cuts it back to its checkpoint and appends.
        state: The counters.
    """

    def __init__(self, path: Path, state: RunState) -> None:
        super().__init__()
        self._path = path
        self._state = state
        self._file: TextIO | None = None
        self._keep = 0

    def write(self, event: str, values: Mapping[str, Any] | None = None) -> None:
        """Append one event, with its time and the counters of the run.

        Args:
            event: Its name.
            values: Plain JSON values; what is not finite is written as text.
        """
        if self._file is None:
            self._file = self._open()
        state = self._state
        line = {
            "event": event,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "epoch": state.epoch,
            "step": state.step,
            "update": state.update,
            **(values or {}),
        }
        self._file.write(json.dumps(_finite(line), ensure_ascii=False, allow_nan=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def first_step(self, times: StepTimes) -> None:
        """Write how long the first step of this process took to come."""
        self.write("first_step", {"timing": times.table()})

    def validated(self, validation: Validated, best: bool) -> None:
        """Write a validation."""
        more = {
            "signatures": validation.signatures,
            "samples": [[encodable(text) for text in sample] for sample in validation.samples],
            "seconds": round(validation.seconds, 3),
        }
        self.write("validation", {"best": best, **validation.values, **more})

    def skipped(self, message: str, pairs: Sequence[tuple[str, str]]) -> None:
        """Write why a batch is skipped, and its pairs."""
        self.write("skipped", {"message": message, "pairs": [[encodable(text) for text in pair] for pair in pairs]})

    def saving(self, state: RunState) -> None:
        """Write that a checkpoint follows, so that it stands in the part of the log that the checkpoint keeps."""
        self.write("checkpoint")
        if self._file is not None:
            os.fsync(self._file.fileno())

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write a whole epoch."""
        if self._state.whole:
            self.write("epoch", {**(logs or {}), "epoch": epoch + 1, "step": 0})

    def get_state(self) -> dict[str, Any]:
        """Give the size of the log in bytes."""
        return {"size": self._path.stat().st_size if self._path.exists() else 0}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take the size that the log is cut back to."""
        self._keep = state["size"]

    def _open(self) -> TextIO:
        if self._keep and self._path.exists():
            with self._path.open("r+b") as old:
                old.truncate(min(self._keep, self._path.stat().st_size))
            return self._path.open("a", encoding="utf-8")
        return self._path.open("w", encoding="utf-8")


class TensorBoardLog(keras.callbacks.Callback):
    """Writes epochs and validations for TensorBoard, over optimizer steps.

    Args:
        folder: Where TensorBoard finds it; a new run starts it, a resumed one cuts it back to its checkpoint and adds a
            file.
        state: The counters.
    """

    def __init__(self, folder: Path, state: RunState) -> None:
        super().__init__()
        import tensorflow as tf

        self._summary = tf.summary
        self._folder = folder
        self._state = state
        self._opened: Any = None
        self._keep: dict[str, int] | None = None

    def first_step(self, times: StepTimes) -> None:
        """Nothing is drawn of the first step."""

    def validated(self, validation: Validated, best: bool) -> None:
        """Write the scores and the samples of a validation."""
        self._write(validation.values)
        if validation.samples:
            cells = ([encodable(text).replace("|", "¦") for text in row] for row in validation.samples)
            rows = "\n".join(f"| {' | '.join(row)} |" for row in cells)
            table = f"| source | translation | reference |\n|---|---|---|\n{rows}"
            with self._writer.as_default():
                self._summary.text("samples", table, step=validation.update)
        self._writer.flush()

    def skipped(self, message: str, pairs: Sequence[tuple[str, str]]) -> None:
        """Nothing is written: the count comes with the epoch."""

    def saving(self, state: RunState) -> None:
        """Write what is held back, so that a checkpoint knows what it keeps."""
        self._writer.flush()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write the training metrics of a whole epoch."""
        if self._state.whole:
            self._write({name: value for name, value in (logs or {}).items() if not name.startswith("val_")})

    def close(self) -> None:
        """Close the file."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def get_state(self) -> dict[str, Any]:
        """Give the files of the log, with their sizes in bytes."""
        return {"sizes": {path.name: path.stat().st_size for path in self._files()}}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take the sizes that the files are cut back to; other files of the log go."""
        self._keep = state["sizes"]

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("events.out.tfevents.*"))

    @property
    def _writer(self) -> Any:
        if self._opened is None:
            # Cut, and not left to TensorBoard's own handling of restarts: that differs between its readers.
            if self._keep is not None:
                for path in self._files():
                    if path.name not in self._keep:
                        path.unlink()
                    elif path.stat().st_size > self._keep[path.name]:
                        os.truncate(path, self._keep[path.name])
            self._opened = self._summary.create_file_writer(str(self._folder))
        return self._opened

    def _write(self, values: Mapping[str, float]) -> None:
        with self._writer.as_default():
            for name, value in values.items():
                self._summary.scalar(name, value, step=self._state.update)


def _finite(value: Any) -> Any:
    """Write NaN and infinity as text: JSON has no numbers for them."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {name: _finite(entry) for name, entry in value.items()}
    return value
