"""What several workers do alike in training: stop after the same step, count the same epochs, read the same batches."""

import hashlib
from collections.abc import Mapping

import keras
import numpy as np

from seq2seq.distribution.workers import Workers
from seq2seq.training.state import RunState, TrainingBatches
from seq2seq.training.stopping import Interruption


class Agreement(keras.callbacks.Callback):
    """Stops all workers after the same step, whichever of them a signal asked to; before what saves.

    Args:
        interruption: Holds the signal that this worker received.
        workers: The workers.
    """

    def __init__(self, interruption: Interruption, workers: Workers) -> None:
        super().__init__()
        self._interruption = interruption
        self._team = workers
        self._agreed: str | None = None

    @property
    def received(self) -> str | None:
        """Name of the signal that one of them received, as far as all know of it; None where none did."""
        return self._agreed if self._team.count > 1 else self._interruption.received

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Ask the others."""
        self._ask()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Ask the others."""
        self._ask()

    def _ask(self) -> None:
        if self._team.count > 1:
            self._agreed = next(filter(None, self._team.exchange(self._interruption.received)), None)


class ChiefFollower(keras.callbacks.Callback):
    """Stands where the chief saves: stops and counts epochs as it does, and writes nothing.

    Args:
        state: The counters.
        stop: Says whether all are to stop.
    """

    def __init__(self, state: RunState, stop: Agreement) -> None:
        super().__init__()
        self._state = state
        self._stop = stop

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Stop if asked to."""
        if self._stop.received:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Count the epoch; stop if asked to."""
        self._state.end_epoch(epoch, logs or {})
        if self._stop.received:
            self.model.stop_training = True


def batch_digest(batches: TrainingBatches, most: int = 100) -> str:
    """Give a checksum of the first batches of the first epoch: what all workers have to have alike.

    Args:
        batches: The batches; the next iteration starts at the beginning afterwards.
        most: How many batches are looked at.
    """
    digest = hashlib.sha256()
    batches.seek(0)
    for inputs, target_out in batches.dataset().take(most):
        for ids in (inputs["source"], target_out):
            array = np.asarray(ids)
            digest.update(np.array(array.shape, "<i8").tobytes() + array.astype("<i4").tobytes())
    batches.seek(0)
    return digest.hexdigest()[:16]
