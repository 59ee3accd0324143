"""Where the time of training goes beside the arithmetic: tracing, compiling, waiting for data."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import keras
import tensorflow as tf

from seq2seq.training.state import RunListener
from seq2seq.training.step_times import StepTimes


class Timing(keras.callbacks.Callback):
    """Times every step apart: the wait for its batch, tracing, compiling, the rest.

    It takes the place of Keras' train function, which fetches a batch inside the graph, where nobody sees the wait.
    Where several replicas train together, or a step is not one batch, Keras' own stays: only the first step is timed.

    Args:
        began: `time.monotonic()` when the model was built.
        listeners: Hears of the first step.
    """

    def __init__(self, began: float, listeners: Sequence[RunListener] = ()) -> None:
        super().__init__()
        self.times = StepTimes()
        self._began = began
        self._listeners = listeners
        self._epoch = StepTimes()
        self._ours = False

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Put the timed train function in the place of Keras' own."""
        model = self.model
        one_batch = model.steps_per_execution == 1 and model.distribute_strategy.num_replicas_in_sync == 1
        self._ours = one_batch and not model.run_eagerly
        if self._ours:
            model.train_function = _TimedStep(model, self.times)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Note where the epoch begins."""
        self._epoch = StepTimes(**asdict(self.times))

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Tell of the first step."""
        if not self.times.first_step:
            self.times.first_step = time.monotonic() - self._began
            for listener in self._listeners:
                listener.first_step(self.times)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Put the figures of the epoch into the logs."""
        if logs is not None and self._ours and self.times.steps > self._epoch.steps:
            logs.update(self.times.since(self._epoch))

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Give Keras its function back."""
        if self._ours:
            self.model.train_function = None


class _TimedStep:
    """A train function as `fit` calls it: takes the iterator, gives the logs."""

    def __init__(self, model: keras.Model, times: StepTimes) -> None:
        self._model = model
        self._times = times
        self._step: Any = None
        self._compiles = False
        self._shapes: set[tuple[Any, ...]] = set()

    def __call__(self, iterator: Any) -> dict[str, tf.Tensor]:
        times = self._times
        began = time.monotonic()
        data = next(iterator)
        times.wait_seconds += time.monotonic() - began
        if self._step is None:
            self._trace(iterator.element_spec)
        started = time.monotonic()
        logs = self._step(data)
        ended = time.monotonic()
        if self._compiles:
            shapes = tuple(tuple(tensor.shape) for tensor in tf.nest.flatten(data))
            if shapes not in self._shapes:
                self._shapes.add(shapes)
                times.compilations += 1
                times.compile_seconds += ended - started
        times.seconds += ended - began
        times.steps += 1
        return logs

    def _trace(self, spec: Any) -> None:
        """Trace one graph for all shapes that the data may have."""
        began = time.monotonic()
        model = self._model
        self._step = tf.function(
            lambda data: model.train_step(data),
            input_signature=[spec],
            jit_compile=model.jit_compile or None,
            autograph=False,
        )
        functions = self._step.get_concrete_function().graph.as_graph_def().library.function
        # Whatever asks for XLA, the layers or the model: it compiles anew for every shape.
        self._compiles = model.jit_compile or any(each.attr["_XlaMustCompile"].b for each in functions)
        self._times.traces += 1
        self._times.trace_seconds += time.monotonic() - began
