"""From settings to a model: only here do the names of a model's options meet its parts."""

from collections.abc import Sequence
from typing import Any

import keras

from seq2seq.layers import StateBridge
from seq2seq.models.decoder import Decoder
from seq2seq.models.encoder import Encoder
from seq2seq.models.forget_gates import start_forget_gates
from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.models.settings import (
    ContradictionError,
    DecoderSettings,
    EncoderSettings,
    ModelSettings,
    TeacherForcingSettings,
)


def build_model(
    settings: ModelSettings,
    source_vocab: int,
    target_vocab: int,
    *,
    label_smoothing: float = 0.0,
    sampled_softmax: int = 0,
    teacher_forcing: TeacherForcingSettings = TeacherForcingSettings(),
    precision: str = "float32",
    freeze: Sequence[str] = (),
    seed: int = 0,
) -> Seq2Seq:
    """Build a model, with weights drawn by a seed.

    Args:
        settings: What it is made of: settings of your own, or an architecture such as
            :func:`seq2seq.models.architectures.luong2015`.
        source_vocab: Ids of the source, special ones counted.
        target_vocab: Ids of the target, special ones counted.
        label_smoothing: Share of probability spread over the whole vocabulary in training.
        sampled_softmax: Words that a training step scores beside its targets; 0 scores all.
        teacher_forcing: What the decoder reads in training.
        precision: Number format of the computation: "float32" or "mixed_bfloat16".
        freeze: Parts that do not learn, by path (see `Seq2Seq.freeze`).
        seed: Seed of the weights and of everything that training draws; Keras' own, for the whole process.

    Returns:
        The model, built but not compiled.

    Raises:
        ContradictionError: Settings do not fit together; the message says which and what to change.

    Example:
        >>> from seq2seq.models import luong2015
        >>> build_model(luong2015(width=0.01), 20, 30).decoder.units
        [10, 10, 10, 10]
    """
    keras.utils.set_random_seed(seed)
    settings = settings.resolved()
    try:
        model = Seq2Seq(
            _encoder(settings, source_vocab, precision),
            _bridge(settings, precision),
            _decoder(settings, target_vocab, precision),
            label_smoothing=label_smoothing,
            share_embeddings=settings.tied == "all",
            sampled_softmax=sampled_softmax,
            sampling_seed=seed,
            teacher_forcing=teacher_forcing,
            dtype=precision,
            name="seq2seq",
        )
        if settings.forget_bias != 1:
            start_forget_gates(model.encoder.stack, settings.forget_bias)
            start_forget_gates(model.decoder.stack, settings.forget_bias)
        model.freeze(freeze)
        return model
    except ValueError as error:
        raise ContradictionError(str(error)) from error


def _encoder(settings: ModelSettings, vocab: int, precision: str) -> Encoder:
    ways = settings.encoder.bidirectional
    return Encoder(
        vocab,
        **_stack(settings, settings.encoder),
        bidirectional=ways if isinstance(ways, str) else list(ways),
        reverse=settings.encoder.reverse,
        dtype=precision,
        name="encoder",
    )


def _bridge(settings: ModelSettings, precision: str) -> StateBridge:
    bridge = settings.bridge
    return StateBridge(
        list(settings.decoder.units),
        bridge.mode if isinstance(bridge.mode, str) else [list(route) for route in bridge.mode],
        to=bridge.to,
        directions=bridge.directions,
        merge=bridge.merge,
        states=bridge.states,
        project=bridge.project,
        activation=bridge.activation,
        align=bridge.align,
        cell=settings.decoder.cell,
        missing=bridge.missing,
        dtype=precision,
        name="bridge",
    )


def _decoder(settings: ModelSettings, vocab: int, precision: str) -> Decoder:
    attention = settings.attention
    return Decoder(
        vocab,
        **_stack(settings, settings.decoder),
        attention=None if attention.kind == "none" else attention.kind,
        input_feeding=attention.input_feeding,
        output_dropout=settings.decoder.output_dropout,
        tie_embeddings=settings.tied != "none",
        dtype=precision,
        name="decoder",
    )


def _stack(settings: ModelSettings, side: EncoderSettings | DecoderSettings) -> dict[str, Any]:
    """Give the arguments that encoder and decoder have in common."""
    return {
        "embedding_dim": side.embedding,
        "units": list(side.units),
        "cell": side.cell,
        "residual_from": None if side.residual_from == "none" else side.residual_from,
        "dropout": side.dropout,
        "recurrent_dropout": side.recurrent_dropout,
        "embedding_dropout": side.embedding_dropout,
        # Others are not made: an initializer takes a seed when it is, and would move all behind it.
        **settings.initializers,
    }
