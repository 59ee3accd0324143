"""A step whose loss or gradient is not finite: where that began, in which sentences, and whether training goes on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isfinite
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from seq2seq.distribution.replicas import local_copies
from seq2seq.models.update import skips_by_itself
from seq2seq.training.state import RunListener, RunState, TrainingBatches

ToText = Callable[[list[int]], str]

ADVICE = "Try a lower learning_rate, a longer warm-up (warmup_steps), or a smaller clip_norm"
_AT_ONCE = (
    "No step was taken before, so no learning rate did it: look there for a division by 0, a logarithm or root of 0, "
    "or an exponential of something large"
)
_SHOWN = 3  # pairs of a batch in a message
_WIDTH = 80  # characters of each text


class NotFiniteError(ValueError):
    """The loss, a gradient or a weight is not a finite number.

    Args:
        message: What is told.
        intact: Whether the step was left out, so that weights, optimizer and counters are as they were before it.
    """

    def __init__(self, message: str, *, intact: bool = False) -> None:
        super().__init__(message)
        self.intact = intact


class Origin(NamedTuple):
    """Where a step stopped being finite.

    Attributes:
        what: The first layer whose output was not finite, or else the first gradient, as the backward pass meets them.
        rows: Places in the batch of the pairs whose output was not; empty where they are not known.
    """

    what: str
    rows: list[int]


class Watch:
    """Looks after each step whether it was made, and decides what follows where it was not.

    Args:
        state: The counters; those of skipped batches are kept here.
        batches: The training batches.
        skip: Batches in a row that may be skipped.
        to_text: Makes text of the ids of a source and of those of a target; None shows ids.
        listeners: Who wants to know of a batch that is skipped.
    """

    def __init__(
        self,
        state: RunState,
        batches: TrainingBatches,
        skip: int = 0,
        to_text: tuple[ToText, ToText] | None = None,
        listeners: Sequence[RunListener] = (),
    ) -> None:
        if skip < 0:
            raise ValueError(f"skip_not_finite counts batches. Received: skip_not_finite={skip}. Use 0 to skip none.")
        self._state = state
        self._batches = batches
        self._skip = skip
        self._to_text = to_text
        self._listeners = listeners
        self._made = 0

    def start(self, model: keras.Model) -> None:
        """Take the steps that the optimizer has made so far."""
        self._made = _steps_made(model)

    def made(self, model: keras.Model, logs: Mapping[str, float]) -> bool:
        """Tell whether the step that just ended was made; if not, its batch is skipped.

        Raises:
            NotFiniteError: The loss or a weight is not finite, or too many batches in a row would be skipped.
        """
        state = self._state
        before, self._made = self._made, _steps_made(model)
        where = f"epoch {state.epoch + 1}, step {state.step + 1} (optimizer step {state.update + 1})"
        if self._made > before or skips_by_itself(model.optimizer):
            loss = logs.get("loss", 0.0)
            if not isfinite(loss):
                raise NotFiniteError(f"The loss is {loss} at {where}. {ADVICE}.")
            state.skipped_in_a_row = 0
            return True
        weight = first_not_finite(model)
        if weight:
            since = (
                f"after the step before. {ADVICE}" if state.update else "since the start. Look at where it comes from"
            )
            raise NotFiniteError(f"The loss is not finite at {where}, because {weight} is not finite {since}.")
        batch = next(self._batches.run(state.epoch, state.step))
        origin = find_origin(model, batch)
        found = f"Not finite at {where}: {origin.what}."
        pairs = self._pairs(batch, origin.rows)
        if state.skipped_in_a_row >= self._skip:
            raise NotFiniteError(f"{found} {_shown(pairs, batch, origin)} {self._way_out()}", intact=True)
        state.skipped += 1
        state.skipped_in_a_row += 1
        for listener in self._listeners:
            listener.skipped(f"{found} Batch skipped. {_shown(pairs, batch, origin)}", pairs)
        return False

    def _pairs(self, batch: Any, rows: Sequence[int]) -> list[tuple[str, str]]:
        """Give the pairs of a batch as text: those at some places, or all."""
        inputs, target_out = batch
        rows = rows or range(len(target_out))
        spell = self._to_text or (_spelled, _spelled)
        sides = zip(inputs["source"], target_out, strict=True)
        texts = [tuple(make(ids.tolist()) for make, ids in zip(spell, pair, strict=True)) for pair in sides]
        return [(texts[row][0], texts[row][1]) for row in rows]

    def _way_out(self) -> str:
        advice = ADVICE if self._state.update else _AT_ONCE
        if self._skip:
            return f"That makes {self._skip + 1} batches in a row, of which {self._skip} were skipped. {advice}."
        return f"The weights are as they were before this step. {advice}; or leave such batches out (skip_not_finite)."


def first_not_finite(model: keras.Model) -> str:
    """Name the first weight of the model that is not finite; "" where all are."""
    names = {id(variable): f"{path} ({variable.name})" for path, layer in _layers(model) for variable in layer.weights}
    for variable in model.trainable_variables:
        if not np.isfinite(_value(variable).sum(dtype=np.float64)):
            return names.get(id(variable), variable.path)
    return ""


def find_origin(model: Any, batch: Any) -> Origin:
    """Take a step again without an update, and find where it stops being finite.

    Args:
        model: A `Seq2Seq`, as it was before the step; it stays so.
        batch: What the step read.
    """
    copies = [copy for variable in model.non_trainable_variables for copy in local_copies(variable)]
    before = [(copy, copy.numpy().copy()) for copy in copies]
    calls: list[tuple[str, list[int] | None]] = []
    inputs, target_out = tf.nest.map_structure(tf.constant, tuple(batch))
    try:
        with _watched(model, calls, len(target_out)), tf.GradientTape() as tape:
            if model.decoder.input_feeding:
                _step_through(model, inputs)
            totals = model.totals(inputs, target_out, training=True)
            loss = totals.loss / tf.maximum(totals.tokens, 1)
        gradients = tape.gradient(loss, model.trainable_weights)
    finally:
        for copy, value in before:
            copy.assign(value)
    for path, rows in calls:
        if rows is not None:
            return Origin(f"the output of {path} is the first in the forward pass that is not", rows)
    if not isfinite(float(loss)):
        return Origin("the loss itself, of layers whose outputs all are finite", [])
    return Origin(_first_gradient(model, gradients, [path for path, _ in calls]), [])


def _step_through(model: Any, inputs: dict[str, tf.Tensor]) -> None:
    """Take the decoder's steps layer by layer: training with input feeding computes them without calling the layers."""
    encoded = model.encoder(inputs["source"])
    state, memory = model.decoder.start(model.bridge(encoded)), model.decoder.prepare(encoded)
    for tokens in tf.unstack(inputs["target_in"], axis=1):
        state = model.decoder.step(tokens, state, memory).state


def _first_gradient(model: Any, gradients: Sequence[Any], called: Sequence[str]) -> str:
    """Name the gradient that the backward pass meets first among those that are not finite."""
    latest = {path: place for place, path in enumerate(called)}
    places: dict[int, tuple[float, str]] = {}
    for path, layer in _layers(model):
        for variable in layer.weights:
            # Children come after their parents, so that the innermost layer that was called counts. A weight of no
            # such layer makes the logits, next to the loss.
            known = places.get(id(variable), (float("inf"), ""))[0]
            places[id(variable)] = (latest.get(path, known), f"{path} ({variable.name})")
    wrong = [
        places.get(id(weight), (float("inf"), weight.path))
        for weight, gradient in zip(model.trainable_weights, gradients, strict=True)
        if gradient is not None and not isfinite(float(tf.reduce_sum(tf.square(tf.convert_to_tensor(gradient)))))
    ]
    if not wrong:
        return "the norm of all gradients together, while each of them is"
    return f"the gradient of {max(wrong, key=lambda place: place[0])[1]} is the first in the backward pass that is not"


@contextmanager
def _watched(model: Any, calls: list[tuple[str, list[int] | None]], rows: int) -> Iterator[None]:
    """Note each call of a layer, with the rows in which its output is not finite; None where it is."""

    def watch(path: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*arguments: Any, **options: Any) -> Any:
            result = function(*arguments, **options)
            if tf.executing_eagerly():
                calls.append((path, _wrong_rows(result, rows)))
            return result

        return noting

    watched = []
    try:
        for path, layer in _layers(model):
            # Whole sequences; one step where outputs are fed back; what an attention makes of a memory and of queries.
            for name in ("call", "step", "prepare", "scores"):
                method = getattr(layer, name, None)
                if callable(method):
                    setattr(layer, name, watch(path, method))
                    watched.append((layer, name))
        yield
    finally:
        for layer, name in watched:
            delattr(layer, name)


def _wrong_rows(result: Any, rows: int) -> list[int] | None:
    """Tell in which rows tensors are not finite; [] where they have others than the batch; None where they are."""
    wrong: set[int] = set()
    bad = False
    for value in tf.nest.flatten(result):
        if not (tf.is_tensor(value) and value.dtype.is_floating):
            continue
        finite = np.isfinite(tf.cast(value, tf.float32).numpy())
        if not finite.all():
            bad = True
            if finite.ndim and len(finite) == rows:
                wrong |= {int(row) for row in np.flatnonzero(~finite.reshape(rows, -1).all(axis=1))}
    return sorted(wrong) if bad else None


def _layers(model: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Give every layer inside a model with the names of those it lies in, as in decoder/stack/layer0_forward."""
    for layer in model._flatten_layers(include_self=False, recursive=False):
        inner = f"{path}/{layer.name}" if path else layer.name
        yield inner, layer
        yield from _layers(layer, inner)


def _value(variable: Any) -> np.ndarray:
    return np.asarray(local_copies(variable)[0].numpy())


def _steps_made(model: keras.Model) -> int:
    return int(_value(model.optimizer.iterations))


def _shown(pairs: Sequence[tuple[str, str]], batch: Any, origin: Origin) -> str:
    size = len(batch[1])
    count = f"{len(pairs):,} of the {size:,} pairs of the batch" if origin.rows else f"The batch has {size:,} pairs"
    shown = "; ".join(f"{_short(source)!r} → {_short(target)!r}" for source, target in pairs[:_SHOWN])
    return f"{count}{', among them' if len(pairs) > _SHOWN else ''}: {shown}."


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def _spelled(ids: list[int]) -> str:
    return " ".join(str(number) for number in ids if number)
