"""Tiny models over turned words: healthy ones, and one made ill on purpose for each illness."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge
from seq2seq.analysis.diagnosis import Diagnosis, examine
from seq2seq.text import Batches

VOCAB = 14
LEARNT = 500  # optimizer steps, as far as the doctor is told


def batches(vocab: int = VOCAB, longest: int = 6, size: int = 8) -> Batches:
    random = np.random.default_rng(0)
    words = [random.integers(4, vocab, random.integers(2, longest + 1)).tolist() for _ in range(64)]
    return Batches(words, [word[::-1] for word in words], size=size)


@dataclass
class Patient:
    """A model, and what is known of it."""

    model: Seq2Seq
    batches: Batches = field(default_factory=batches)
    updates: int = 0

    def diagnosis(self) -> Diagnosis:
        return examine(self.model, *next(self.batches.run(0)), updates=self.updates)


def build(
    encoder: list[int] = [8],  # noqa: B006
    decoder: list[int] = [8],  # noqa: B006
    bridge: Any = "concatenated",
    *,
    vocab: int = VOCAB,
    embedding: int = 8,
    cell: str = "lstm",
    encoder_type: type[Encoder] = Encoder,
    decoder_type: type[Decoder] = Decoder,
    **options: Any,
) -> Seq2Seq:
    keras.utils.set_random_seed(1)
    bridge = StateBridge(decoder, bridge, cell=cell) if isinstance(bridge, str) else bridge
    reading = {name: options.pop(name) for name in ("bidirectional", "reverse") if name in options}
    deep = {name: options.pop(name) for name in ("residual_from",) if name in options}
    return Seq2Seq(
        encoder_type(vocab, embedding, encoder, cell=cell, **reading, **deep),
        bridge,
        decoder_type(vocab, embedding, decoder, cell=cell, **options, **deep),
    )


# --- made ill ------------------------------------------------------------------------------------------------------


def vanishing() -> Patient:
    """A deep stack of layers that each hand on little."""
    model = build([8] * 6, [8], "last_layer")
    for layer in model.encoder.stack.forward_layers:
        scale(layer.cell.kernel, 0.2)
    return Patient(model)


def exploding() -> Patient:
    """A recurrent matrix that makes everything larger at each step."""
    model = build([16], [16], "per_layer", cell="simple_rnn", embedding=16)
    layer = model.encoder.stack.forward_layers[0].cell
    scale(layer.recurrent_kernel, 4.0)
    scale(layer.kernel, 0.01)
    return Patient(model, batches(longest=20))


def saturated() -> Patient:
    model = build()
    scale(model.decoder.stack.forward_layers[0].cell.kernel, 1000.0)
    return Patient(model)


def dead_layer() -> Patient:
    model = build([8, 8])
    for weight in model.encoder.stack.forward_layers[1].trainable_variables:
        scale(weight, 0.0)
    return Patient(model)


def untrained_bridge() -> Patient:
    """A bridge that training left out."""
    model = build()
    model.bridge.trainable = False
    model.compile("adam")
    some = batches(size=32)
    model.fit(some.dataset(), epochs=2, shuffle=False, verbose=0)
    return Patient(model, some, LEARNT)


def embedding_of_few_numbers() -> Patient:
    return Patient(build(vocab=500, embedding=3), batches(500))


def embedding_of_small_numbers() -> Patient:
    """As Keras draws it."""
    model = build(embedding=4)
    model.encoder.embedding.embeddings.assign(keras.random.uniform((VOCAB, 4), -0.05, 0.05, seed=1))
    return Patient(model)


def learning_rate_too_high() -> Patient:
    model = build()
    model.compile(keras.optimizers.Adam(0.3))
    model.optimizer.build(model.trainable_variables)
    return Patient(model)


def target_read_and_scored_at_once() -> Patient:
    class Unshifted(Batches):
        def batch(self, indices: Any) -> Any:
            inputs, target_out = super().batch(indices)
            return inputs | {"target_in": target_out}, target_out

    return Patient(build(), Unshifted(*_pairs()))


class Ahead(Decoder):
    """Reads the next token instead of this one."""

    def _run(self, target_in: tf.Tensor, *others: Any) -> Any:
        return super()._run(tf.pad(target_in[:, 1:], [[0, 0], [0, 1]]), *others)


def target_of_the_next_step() -> Patient:
    return Patient(build(decoder_type=Ahead))


class WithPadding(StateBridge):
    """Takes the mean over everything, padding too."""

    def call(self, encoded: Any) -> Any:
        return super().call(encoded._replace(mask=tf.ones_like(encoded.mask)))


def padding_leaking() -> Patient:
    return Patient(build(bridge=WithPadding([8], "mean")))


def _pairs() -> tuple[list[list[int]], list[list[int]]]:
    words = [[4 + (place + step) % 9 for step in range(2 + place % 4)] for place in range(16)]
    return words, [word[::-1] for word in words]


def scale(weight: Any, factor: float) -> None:
    weight.assign(factor * weight)


ILL: dict[str, Callable[[], Patient]] = {
    "vanishing": vanishing,
    "exploding": exploding,
    "saturated": saturated,
    "dead layer": dead_layer,
    "untrained bridge": untrained_bridge,
    "embedding too small": embedding_of_few_numbers,
    "embedding too small, as Keras draws it": embedding_of_small_numbers,
    "learning rate too high": learning_rate_too_high,
    "target leaking": target_read_and_scored_at_once,
    "target leaking, in a decoder of one's own": target_of_the_next_step,
    "padding leaking": padding_leaking,
}
"""The illness, and what comes after a comma, by how to fall ill."""

HEALTHY: dict[str, Any] = {
    "two by two": {"encoder": [8, 8], "decoder": [8, 8]},
    "gru": {"cell": "gru", "attention": "general"},
    "layer normalisation": {"cell": "layer_norm_lstm", "attention": "dot"},
    "peepholes": {"cell": "peephole_lstm"},
    "coupled": {"cell": "coupled_lstm", "bidirectional": "first"},
    "simple RNN": {"cell": "simple_rnn", "attention": "general"},
    "four by four": {"encoder": [8] * 4, "decoder": [8] * 4, "bridge": "per_layer"},
    "residual": {"encoder": [8] * 6, "decoder": [8] * 2, "residual_from": 1},
    "input feeding": {"attention": "additive", "input_feeding": True},
    "tied": {"tie_embeddings": True, "bridge": "mean", "reverse": True},
}
"""What is built of models that only learn."""


def healthy(name: str, epochs: int = 30) -> Patient:
    """A model that has learnt a little, with the optimizer that it learnt with."""
    model = build(**HEALTHY[name])
    model.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0))
    some = batches()
    model.fit(some.dataset(), epochs=epochs, shuffle=False, verbose=0)
    return Patient(model, some, epochs * some.steps())
