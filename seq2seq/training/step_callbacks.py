"""What happens around every step: data position, counters, learning rate."""

import time
from collections.abc import Mapping, Sequence

import keras
import numpy as np

from seq2seq.training.checkpoint_file import set_metrics
from seq2seq.training.not_finite import Watch
from seq2seq.training.schedules import Position, Schedule
from seq2seq.training.state import RunState, TrainingBatches


class Counting(keras.callbacks.Callback):
    """Sets where the data start, counts steps and watches that they stay finite; the first in the list.

    Args:
        state: The counters.
        batches: The training batches.
        watch: Tells whether a step was made.
        resumed_metrics: Running metrics of the epoch that a resume starts in the middle of.
    """

    def __init__(
        self,
        state: RunState,
        batches: TrainingBatches,
        watch: Watch,
        resumed_metrics: Sequence[np.ndarray] | None = None,
    ) -> None:
        super().__init__()
        self._state = state
        self._batches = batches
        self._watch = watch
        self._resumed_metrics = resumed_metrics
        self._steps = 0
        self._step_began = 0.0

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Start the clock."""
        self._state.start_clock()
        self._watch.start(self.model)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Set where the data start: Keras asks for them right after this, and has just reset its metrics."""
        state = self._state
        if self._resumed_metrics is not None and state.step:
            set_metrics(self.model, self._resumed_metrics)
        else:
            state.step, state.train_seconds, state.epoch_seconds = 0, 0.0, 0.0
        self._resumed_metrics = None
        state.epoch = epoch
        self._steps = self._batches.steps(epoch)
        self._batches.seek(epoch, state.step)

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Note the time; end an epoch that a resume started late.

        Raises:
            StopIteration: There are no more batches; for Keras the sign that an epoch is over.
        """
        # Not left to the dataset to tell: where the data end inside the train function, the graph may have counted a
        # step of the optimizer and drawn from the random generators before it finds out.
        if self._state.step >= self._steps:
            raise StopIteration
        self._step_began = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Count the step; where it was not finite, leave out its batch, or refuse to go on."""
        state = self._state
        state.train_seconds += time.monotonic() - self._step_began
        state.update += self._watch.made(self.model, logs or {})
        state.step += 1

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Tell whether the epoch is done; give it its metrics even where a resume found nothing left to do in it."""
        state = self._state
        state.whole = not self.model.stop_training or state.step >= self._steps
        if logs is None:
            return
        if "loss" not in logs:
            logs.update({name: float(value) for name, value in self.model.get_metrics_result().items()})
        if state.train_seconds:
            if state.skipped:
                logs["skipped"] = state.skipped
            logs["tokens_per_second"] = self._batches.tokens * state.step / max(self._steps, 1) / state.train_seconds


class LearningRate(keras.callbacks.Callback):
    """Sets the learning rate before each step.

    Args:
        state: The counters.
        batches: The training batches, for the length of an epoch.
        schedule: Factors of the peak.
        peak: The learning rate where the factor is 1.
        epochs: Epochs that the run will have.
    """

    def __init__(self, state: RunState, batches: TrainingBatches, schedule: Schedule, peak: float, epochs: int) -> None:
        super().__init__()
        self._state = state
        self._batches = batches
        self._schedule = schedule
        self._peak = peak
        self._epochs = epochs
        self._steps = 0
        self._set: float | None = None

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Note the length of the epoch."""
        self._steps = max(self._batches.steps(epoch), 1)

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Set the learning rate of this step, where it changes."""
        state = self._state
        share = min(state.step / self._steps, 1.0)
        rate = self._peak * self._schedule.factor(Position(state.update, state.epoch + share, self._epochs))
        state.learning_rate = rate
        if rate != self._set:
            self.model.optimizer.learning_rate = rate
            self._set = rate

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Put the learning rate of the last step into the logs."""
        if logs is not None and self._state.learning_rate is not None:
            logs["learning_rate"] = self._state.learning_rate
