"""What happens around the steps of `fit`: data position, learning rate, validation and checkpoints, in this order."""

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import keras

from seq2seq.training.checkpoints import (
    averaged_weights,
    first_not_finite,
    save_checkpoint,
    save_weights,
    set_metrics,
)
from seq2seq.training.schedules import Position, Schedule
from seq2seq.training.state import Keeper, RunState, TrainingBatches, Validated
from seq2seq.training.stopping import Interruption, Judge, NotFiniteError
from seq2seq.training.validation import Validator


class Audience(Protocol):
    """Hears of what happens beside the steps and epochs that Keras tells its callbacks."""

    def validated(self, validation: Validated, best: bool) -> None:
        """Hear of a validation, and whether its score is the best so far."""

    def saving(self, state: RunState) -> None:
        """Hear that a checkpoint is about to be written."""


class Counting(keras.callbacks.Callback):
    """Sets where the data start, counts epochs, batches and steps, and watches that the loss stays finite. The first in the list.

    Args:
        state: The counters.
        batches: The training batches.
        resumed_metrics: Running metrics of the epoch that a resume starts in the middle of.
    """

    def __init__(self, state: RunState, batches: TrainingBatches, resumed_metrics: Sequence[Any] | None = None) -> None:
        super().__init__()
        self._state = state
        self._batches = batches
        self._resumed_metrics = resumed_metrics
        self._steps = 0
        self._step_began = 0.0

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Start the clock."""
        self._state.start_clock()

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
        # Not left to the dataset to tell: where the data end inside the train function, the graph may have counted a step of the
        # optimizer and drawn from the random generators before it finds out.
        if self._state.step >= self._steps:
            raise StopIteration
        self._step_began = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Count the step; refuse to go on from a loss that is not finite."""
        state = self._state
        state.train_seconds += time.monotonic() - self._step_began
        state.step += 1
        state.update += 1
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            raise NotFiniteError(
                f"The loss is {loss} at epoch {state.epoch + 1}, step {state.step} (optimizer step {state.update} of the run). "
                "Training stopped; the last good weights are kept. Try a lower learning rate, a longer warm-up, or a smaller clip_norm."
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Tell whether the epoch is done; give it its metrics even where a resume found nothing left to do in it."""
        state = self._state
        state.whole = not self.model.stop_training or state.step >= self._steps
        if logs is None:
            return
        if "loss" not in logs:
            logs.update({name: float(value) for name, value in self.model.get_metrics_result().items()})
        if state.train_seconds:
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
        if rate != self._set:
            self.model.optimizer.learning_rate = rate
            self._set = rate

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Put the learning rate of the last step into the logs."""
        if logs is not None and self._set is not None:
            logs["learning_rate"] = self._set


class Validation(keras.callbacks.Callback):
    """Validates, keeps the best weights, and lets schedule and patience hear of it.

    Args:
        state: The counters.
        batches: The training batches, for the length of an epoch.
        validator: Measures the model.
        judge: Knows the best score.
        schedule: Hears whether the score improved.
        best: Where the best weights go.
        epochs: Epochs that the run will have.
        every: Optimizer steps from one validation to the next; 0 validates at the end of each epoch. The end of the run always validates.
        audience: Who else wants to know.
    """

    def __init__(
        self,
        state: RunState,
        batches: TrainingBatches,
        validator: Validator,
        judge: Judge,
        schedule: Schedule,
        best: Path,
        *,
        epochs: int,
        every: int = 0,
        audience: Sequence[Audience] = (),
    ) -> None:
        super().__init__()
        self._state = state
        self._batches = batches
        self._validator = validator
        self._judge = judge
        self._schedule = schedule
        self._best = best
        self._epochs = epochs
        self._every = every
        self._audience = audience
        self._steps = 0
        self._latest: dict[str, float] = {}

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Note the length of the epoch."""
        self._steps = self._batches.steps(epoch)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Validate where enough steps have passed."""
        if self._every and self._state.update % self._every == 0:
            self._validate(logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Validate a whole epoch, and put the scores into the logs."""
        state = self._state
        if logs is None or not state.whole:
            return
        due = not self._every or epoch + 1 >= self._epochs
        if due and state.validated_at != state.update:
            self._validate(logs)
        if state.validated_at == state.update:
            logs.update(self._latest)
        state.tick()
        logs["seconds"] = state.epoch_seconds

    def _validate(self, logs: Mapping[str, float]) -> None:
        state = self._state
        with averaged_weights(self.model):
            validation = self._validator.measure(state.update)
            self._latest = validation.values
            state.validated_at = state.update
            epoch = state.epoch + min(state.step / max(self._steps, 1), 1.0)
            best = self._judge.improves({**logs, **validation.values}, state.update, epoch)
            if best:
                save_weights(self.model, self._best)
        self._schedule.observe(best)
        for listener in self._audience:
            listener.validated(validation, best)
        if self._judge.exhausted:
            self.model.stop_training = True


class Checkpoints(keras.callbacks.Callback):
    """Saves the run at the end of each epoch, every so many minutes, and when it is asked to stop. The last in the list.

    Args:
        state: The counters.
        keepers: Everything else that has something to remember, by name.
        folder: Where checkpoints go.
        interruption: Holds the name of the signal that asks the run to stop.
        minutes: Minutes from one checkpoint to the next inside an epoch; 0 for none there.
        audience: Who wants to know before a checkpoint is written.
    """

    def __init__(
        self,
        state: RunState,
        keepers: Mapping[str, Keeper],
        folder: Path,
        interruption: Interruption,
        *,
        minutes: float = 0.0,
        audience: Sequence[Audience] = (),
    ) -> None:
        super().__init__()
        self._state = state
        self._keepers = keepers
        self._folder = folder
        self._interruption = interruption
        self._minutes = minutes
        self._audience = audience
        self._saved_at = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Stop if asked to; save if it is time."""
        if self._interruption.received:
            self.model.stop_training = True  # the end of the epoch, which follows, saves
        elif self._minutes and time.monotonic() - self._saved_at > 60 * self._minutes:
            self._save()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Save, at the start of the next epoch if this one is done."""
        state = self._state
        if state.whole:
            state.history.append(dict(logs or {}))
            state.epoch, state.step = epoch + 1, 0
        self._save()
        if self._interruption.received:
            self.model.stop_training = True

    def _save(self) -> None:
        self._state.tick()
        bad = first_not_finite(self.model)
        if bad:
            raise NotFiniteError(
                f"The weights of {bad} are not finite after optimizer step {self._state.update} of the run. Training stopped; the last "
                "good weights are kept. Try a lower learning rate, a longer warm-up, or a smaller clip_norm."
            )
        for listener in self._audience:
            listener.saving(self._state)
        counters = {name: keeper.get_state() for name, keeper in self._keepers.items()}
        save_checkpoint(self._folder, self.model, {"run": self._state.get_state(), **counters})
        self._saved_at = time.monotonic()
