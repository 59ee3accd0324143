"""Measures inside a model on one batch: gradients, gates, what layers and routes say, what leaks."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from seq2seq.layers.observed import Observed, observe
from seq2seq.layers.precision import fine
from seq2seq.layers.stack import StackedRNN
from seq2seq.models.inputs import NAMES, need_ids, need_names, need_one_batch
from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.models.signs import (
    EmbeddingSigns,
    GateSigns,
    LayerSigns,
    LeakSigns,
    PartSigns,
    RouteSigns,
    Signs,
)
from seq2seq.models.wiring import wires_of
from seq2seq.text.special_ids import PAD, START, UNKNOWN

_SHUT, _OPEN = 0.05, 0.95
_STILL = 1e-4  # deviation of an output below which a unit may be dead
_OF_INPUTS = 0.01  # and its share of that of what the layer reads: a weak layer is not dead for reading little
_FEW = 8  # pairs by which leaks are looked for
_MORE = 3  # columns of padding that are added
_TOLERANCE, _COARSE = 1e-3, 0.2  # nats by which rounding may differ, in float32 and in half precision

Array = np.ndarray[Any, Any]


class Examination:
    """Measures inside a model, on one batch, as often as it is asked; without dropout, and nothing is changed.

    Args:
        model: A `Seq2Seq`.
        inputs: As for a call of the model.
        target_out: Ids, each target ending with `</s>`, padding on the right, `[batch, target_time]`.

    Raises:
        ValueError: These are no ids of one batch, or there is no target token among them.
    """

    def __init__(self, model: Seq2Seq, inputs: Mapping[str, Any], target_out: Any) -> None:
        need_names(inputs)
        self._model = model
        self._inputs = {name: tf.convert_to_tensor(inputs[name]) for name in NAMES}
        self._target_out = tf.convert_to_tensor(target_out)
        for name, ids in (*self._inputs.items(), ("target_out", self._target_out)):
            need_ids(ids, name)
        need_one_batch(self._inputs["source"], self._inputs["target_in"], self._target_out)
        if not tf.math.count_nonzero(self._target_out):
            raise ValueError(
                "A model is measured by what it says of target tokens. Received: target_out of "
                f"shape {tuple(self._target_out.shape)} with none. Give pairs with targets that end with </s>."
            )

    def signs(
        self,
        *,
        updates: int | None = None,
        learning_rate: float | None = None,
        changes: Mapping[str, float] | None = None,
        leaks: bool = False,
    ) -> Signs:
        """Measure the model as it is now.

        Args:
            updates: See `Signs`.
            learning_rate: See `Signs`.
            changes: What the last optimizer step changed, as `changed_parts` gives it; None where none was taken.
            leaks: Whether to look for what leaks.
        """
        model, target_out = self._model, self._target_out
        nats, gradients, state, d_state, outputs = self._compute()
        squares = {
            id(weight): 0.0 if gradient is None else _square(gradient)
            for weight, gradient in zip(model.trainable_weights, gradients, strict=True)
        }
        parts = [
            PartSigns(
                name,
                _norm(weights),
                sum(squares.get(id(weight), 0.0) for weight in weights) ** 0.5,
                None if changes is None else changes[name],
                frozen=not any(id(weight) in squares for weight in weights),
            )
            for name, weights in _parts(model).items()
        ]
        return Signs(
            pairs=int(target_out.shape[0]),
            tokens=int(tf.math.count_nonzero(target_out)),
            loss=float(nats),
            vocabulary=model.decoder.vocab_size,
            gradient=sum(squares.values()) ** 0.5,
            updates=updates,
            learning_rate=learning_rate,
            parts=parts,
            layers=self._layers(state, outputs),
            routes=_routes(model, state, d_state),
            embeddings=_embeddings(model),
            bridge_untouched=_untouched(model.bridge),
            leaks=_leaks(model, self._inputs, target_out) if leaks else None,
        )

    def trial_step(self) -> dict[str, float]:
        """Take the step that the optimizer of the model would take on this batch, measure what it changes, and undo it.

        Returns:
            As `changed_parts`.
        """
        model = self._model
        weights = model.trainable_weights
        gradients = self._compute()[1]
        if not model.optimizer.built:
            model.optimizer.build(weights)  # or what the step makes of its own would stay
        known = [(variable, variable.numpy()) for variable in (*weights, *model.optimizer.variables)]
        before = weights_before(model)
        try:
            model.optimizer.apply(
                [
                    tf.zeros_like(weight.value) if gradient is None else gradient
                    for gradient, weight in zip(gradients, weights, strict=True)
                ],
                weights,
            )
            return changed_parts(model, before)
        finally:
            for variable, value in known:
                variable.assign(value)

    def _compute(self) -> tuple[Any, ...]:
        """Give loss without smoothing, gradients, first state of the decoder with its gradients, and its outputs."""
        model, target_out = self._model, self._target_out
        with tf.GradientTape() as tape:
            encoded = model.encoder(self._inputs["source"], training=False)
            state = model.decoder.stack.named(model.bridge(encoded))
            tape.watch(state)
            outputs = model.decoder.read(self._inputs["target_in"], state, encoded, False)
            totals = model.totals_of(outputs, target_out)
            loss = totals.loss / tf.maximum(totals.tokens, 1)
        gradients, d_state = tape.gradient(loss, [model.trainable_weights, state])
        # By id, as training takes them: a word that occurs twice counts once, with the sum.
        gradients = [None if gradient is None else tf.convert_to_tensor(gradient) for gradient in gradients]
        return totals.nats / tf.maximum(totals.tokens, 1), gradients, state, d_state, outputs

    def _layers(self, state: Any, outputs: tf.Tensor) -> list[LayerSigns]:
        encoder, decoder = self._model.encoder, self._model.decoder
        source, target_in = self._inputs["source"], self._inputs["target_in"]
        mask = tf.not_equal(source, PAD)
        read = encoder.embed(source, training=False)
        found = _stack_signs("encoder", encoder.stack, read, mask, observe(encoder.stack, read, mask=mask))
        read = decoder.embedding(target_in)
        if decoder.input_feeding:
            read = tf.concat([read, tf.pad(outputs[:, :-1], [[0, 0], [1, 0], [0, 0]])], axis=2)
        mask = tf.not_equal(self._target_out, PAD)
        return found + _stack_signs("decoder", decoder.stack, read, mask, observe(decoder.stack, read, state))


def weights_before(model: Seq2Seq) -> dict[str, list[Array]]:
    """Note the weights of every part of a model, for `changed_parts`."""
    return {name: [weight.numpy() for weight in weights] for name, weights in _parts(model).items()}


def changed_parts(model: Seq2Seq, before: Mapping[str, Sequence[Array]]) -> dict[str, float]:
    """Tell how far the weights of each part went from what they were, over their norm before; 0 where that is 0."""
    found = {}
    for name, weights in _parts(model).items():
        apart = sum(_square(weight.numpy() - old) for weight, old in zip(weights, before[name], strict=True)) ** 0.5
        norm = sum(map(_square, before[name])) ** 0.5
        found[name] = apart / norm if norm else 0.0
    return found


def _parts(model: Seq2Seq) -> dict[str, list[Any]]:
    """Give the weights of a model by part, from the source to the logits."""
    encoder, decoder = model.encoder, model.decoder
    shared = encoder.embedding is decoder.embedding
    layers: list[tuple[str, Iterable[Any]]] = [
        ("shared embedding" if shared else "encoder embedding", [encoder.embedding]),
        *_stack_parts("encoder", encoder.stack),
        ("bridge", [model.bridge]),
        ("decoder embedding", [] if shared else [decoder.embedding]),
        *_stack_parts("decoder", decoder.stack),
        ("attention", [decoder.attention, decoder.combine]),
        ("logits", [decoder.readout, decoder.logits]),
    ]
    by_name = {name: [weight for layer in each if layer for weight in layer.weights] for name, each in layers}
    if decoder.logits is None:
        by_name["logits"].append(decoder.bias)
    return {name: weights for name, weights in by_name.items() if weights}


def _stack_parts(side: str, stack: StackedRNN) -> list[tuple[str, Iterable[Any]]]:
    pairs = zip(stack.forward_layers, stack.backward_layers, strict=True)
    return [(f"{side} layer {number}", pair) for number, pair in enumerate(pairs)]


def _stack_signs(
    side: str, stack: StackedRNN, read: tf.Tensor, mask: tf.Tensor, seen: Sequence[Observed]
) -> list[LayerSigns]:
    real = tf.where(mask)

    def rows(values: tf.Tensor) -> Array:
        return np.asarray(tf.cast(tf.gather_nd(values, real), tf.float32))

    put_out = [rows(each.outputs) for each in seen]
    inputs, found = rows(read), []
    for number, (outputs, below) in enumerate(zip(put_out, [None, *put_out], strict=False)):
        deviation, of_inputs = outputs.std(axis=0), inputs.std(axis=0).mean()
        gates = {name: rows(gate) for name, gate in seen[number].gates.items()}
        found.append(
            LayerSigns(
                side,
                number,
                outputs.shape[1],
                spread=float(deviation.mean()),
                dead=float(np.mean((deviation < _STILL) & (deviation < _OF_INPUTS * of_inputs))),
                saturated=float(np.mean(np.abs(outputs) > _OPEN)),
                rank=_rank(outputs),
                likeness=None if below is None else _likeness(below, outputs),
                gates={name: _gate(gate, name == stack.cell.remembering) for name, gate in gates.items()},
            )
        )
        inputs = inputs + outputs if stack.has_residual(number) else outputs
    return found


def _gate(values: Array, remembers: bool) -> GateSigns:
    lives = None
    if remembers:
        # What a unit keeps over steps is the product of its gates: the mean of their logarithms.
        kept = np.log(np.clip(values, 1e-6, 1 - 1e-6)).mean(axis=0)
        first, middle, third = (float(life) for life in np.quantile(np.log(0.5) / kept, (0.25, 0.5, 0.75)))
        lives = (first, middle, third)
    return GateSigns(float(np.mean(values < _SHUT)), float(np.mean(values > _OPEN)), lives)


def _rank(rows: Array) -> float:
    """The participation ratio of the covariance: 1 where all lies on a line, the width where no direction is first."""
    centred = rows - rows.mean(axis=0)
    covariance = centred.T @ centred
    total = np.square(covariance).sum(dtype=np.float64)
    return float(np.trace(covariance, dtype=np.float64) ** 2 / total) if total > 0 else 0.0


def _likeness(rows: Array, others: Array) -> float:
    """Linear CKA: how like two sets of outputs are, whatever their widths."""
    a, b = (each - each.mean(axis=0) for each in (rows, others))
    size = float(np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b))
    return float(np.linalg.norm(a.T @ b) ** 2 / size) if size > 0 else 0.0


def _routes(model: Seq2Seq, state: Any, d_state: Any) -> list[RouteSigns]:
    found = []
    for number, (wire, (given,), (gradients,)) in enumerate(zip(wires_of(model), state, d_state, strict=True)):
        for part, value, gradient in zip(model.decoder.stack.cell.part_names, given, gradients, strict=True):
            numbers = np.asarray(tf.cast(value, tf.float32))
            spread = float(numbers.std(axis=0).mean())
            size = float(np.sqrt(np.square(numbers).mean()))
            way = wire.parts.get(part, wire.label or wire.kind)
            norm = 0.0 if gradient is None else _square(gradient) ** 0.5
            found.append(RouteSigns(number, part, way, size, spread, norm))
    return found


def _embeddings(model: Seq2Seq) -> list[EmbeddingSigns]:
    sides: dict[str, Any] = {"encoder": model.encoder, "decoder": model.decoder}
    found = []
    for name, side in sides.items():
        values = side.embedding.embeddings.numpy()
        tied = model.decoder.tie_embeddings and side.embedding is model.decoder.embedding
        size = float(np.sqrt(np.square(values).mean()))
        found.append(EmbeddingSigns(name, side.vocab_size, side.embedding_dim, size, tied))
    return found


def _untouched(bridge: Any) -> bool:
    """Tell whether all vectors of a bridge are zeros, from which biases and trained states start."""
    vectors = [weight.numpy() for weight in bridge.weights if len(weight.shape) == 1]
    return bool(vectors) and not any(np.any(vector) for vector in vectors)


def _leaks(model: Seq2Seq, inputs: Mapping[str, tf.Tensor], target_out: tf.Tensor) -> LeakSigns:
    source, target_in = (np.asarray(inputs[name])[:_FEW] for name in ("source", "target_in"))
    targets = np.asarray(target_out)[:_FEW]
    real = targets != PAD
    wide = [(0, 0), (0, _MORE)]

    def said(source: Array, target_in: Array) -> Array:
        """The log-probability of every target token, as far as they go."""
        logits = model({"source": tf.constant(source), "target_in": tf.constant(target_in)}, training=False)
        log_probs = tf.nn.log_softmax(tf.cast(logits, fine(logits.dtype)))[:, : targets.shape[1]]
        return np.asarray(tf.gather(log_probs, targets, axis=2, batch_dims=2))

    plain = said(source, target_in)
    padded = said(np.pad(source, wide, constant_values=PAD), np.pad(target_in, wide, constant_values=PAD))
    # The tokens behind the middle of each target become others, as far as there are others.
    places = np.arange(targets.shape[1])
    behind = places > (real.sum(axis=1, keepdims=True) - 1) // 2
    first = UNKNOWN + 1
    others = first + (target_in - first + 1) % max(model.decoder.vocab_size - first, 1)
    changed = said(source, np.where(behind & (target_in > UNKNOWN), others, target_in))
    shifted = np.concatenate([np.full_like(targets[:, :1], START), targets[:, :-1]], axis=1)
    return LeakSigns(
        _furthest(plain, padded, real),
        _furthest(plain, changed, real & ~behind),
        aligned=bool(np.all((target_in == shifted) | ~real)),
        tolerance=_COARSE if tf.as_dtype(model.compute_dtype).size == 2 else _TOLERANCE,
    )


def _furthest(values: Array, others: Array, where: Array) -> float:
    return float(np.max(np.abs(values - others)[where], initial=0.0))


def _norm(weights: Sequence[Any]) -> float:
    return sum(_square(weight.numpy()) for weight in weights) ** 0.5


def _square(values: Any) -> float:
    """The sum of the squares, in double precision."""
    return float(np.square(np.asarray(tf.cast(values, tf.float32)), dtype=np.float64).sum())
