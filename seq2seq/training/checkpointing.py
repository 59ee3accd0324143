"""When checkpoints are written."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras

from seq2seq.training.agreement import Agreement
from seq2seq.training.checkpoint_file import save_checkpoint
from seq2seq.training.not_finite import ADVICE, NotFiniteError, first_not_finite
from seq2seq.training.state import Remembering, RunListener, RunState


class Checkpoints(keras.callbacks.Callback):
    """Saves the run at the end of each epoch, now and then inside it, and when it is to stop; the last in the list.

    Args:
        state: The counters.
        remembering: Everything else that has something to remember, by name.
        folder: Where checkpoints go.
        stop: Holds the name of the signal that asks the run to stop.
        steps: Optimizer steps from one checkpoint to the next; 0 for none by the count.
        minutes: Minutes from one checkpoint to the next; 0 for none by the clock.
        keep: Checkpoints that stay, the newest ones.
        listeners: Who wants to know before a checkpoint is written.
    """

    def __init__(
        self,
        state: RunState,
        remembering: Mapping[str, Remembering],
        folder: Path,
        stop: Agreement,
        steps: int = 0,
        minutes: float = 0.0,
        keep: int = 1,
        listeners: Sequence[RunListener] = (),
    ) -> None:
        super().__init__()
        self._state = state
        self._remembering = remembering
        self._folder = folder
        self._stop = stop
        self._steps = steps
        self._minutes = minutes
        self._keep = keep
        self._listeners = listeners
        self._saved_at = time.monotonic()
        self._saved_update = state.update

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Stop if asked to; save if it is time."""
        if self._stop.received:
            self.model.stop_training = True  # the end of the epoch, which follows, saves
        elif self._due():
            self.save()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Save, at the start of the next epoch if this one is done."""
        self._state.end_epoch(epoch, logs or {})
        self.save()
        if self._stop.received:
            self.model.stop_training = True

    def _due(self) -> bool:
        # By the number of the step, not by the steps since the last time: a resumed run saves where the other one does.
        # Where the batch was skipped, the step was seen before.
        update = self._state.update
        if self._steps and update % self._steps == 0 and update != self._saved_update:
            return True
        return self._minutes > 0 and time.monotonic() - self._saved_at > 60 * self._minutes

    def save(self) -> None:
        """Write a checkpoint.

        Raises:
            NotFiniteError: A weight is not finite: the checkpoint before stays the last one.
        """
        self._state.tick()
        bad = first_not_finite(self.model)
        if bad:
            raise NotFiniteError(
                f"{bad} is not finite after optimizer step {self._state.update}, and is not saved. {ADVICE}."
            )
        for listener in self._listeners:
            listener.saving(self._state)
        counters = {name: part.get_state() for name, part in self._remembering.items()}
        save_checkpoint(self._folder, self.model, {"run": self._state.get_state(), **counters}, keep=self._keep)
        self._saved_at = time.monotonic()
        self._saved_update = self._state.update
