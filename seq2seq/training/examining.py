"""A look inside the model every so many steps: what `seq2seq diagnose` measures, as a curve."""

from collections.abc import Mapping
from typing import Any

import keras

from seq2seq.models.examination import Examination, changed_parts, weights_before
from seq2seq.training.log import JsonLog
from seq2seq.training.state import RunState, TrainingBatches


class Examining(keras.callbacks.Callback):
    """Writes what is measured inside a `Seq2Seq`, always on the first batch of the first epoch, into the log ("signs").

    It draws nothing and changes nothing, so that a run goes the same way with it. What a step changes is that of the
    real step.

    Args:
        state: The counters.
        batches: The training batches.
        log: Where it goes.
        every: Optimizer steps from one look to the next.
    """

    def __init__(self, state: RunState, batches: TrainingBatches, log: JsonLog, every: int) -> None:
        super().__init__()
        self._state = state
        self._batches = batches
        self._log = log
        self._every = every
        self._examination: Examination | None = None
        self._before: Mapping[str, Any] | None = None

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Note the weights before a step that is looked at."""
        due = (self._state.update + 1) % self._every == 0
        self._before = weights_before(self.model) if due else None

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Look, where the step was made: a batch that was skipped makes none."""
        if self._before is None or self._state.update % self._every:
            return
        if self._examination is None:
            self._examination = Examination(self.model, *next(self._batches.run(0)))
        signs = self._examination.signs(
            updates=self._state.update,
            learning_rate=float(self.model.optimizer.learning_rate),
            changes=changed_parts(self.model, self._before),
        )
        self._log.write("signs", signs.to_table())
