"""Architectures by the name of their paper: settings of a model to start from, and where they depart from the paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seq2seq.models.settings import AttentionSettings, BridgeSettings, DecoderSettings, EncoderSettings, ModelSettings
from seq2seq.settings import changes, override, write_value


def sutskever2014(width: float = 1.0) -> ModelSettings:
    """Four layers of 1,000, reversed source, states passed layer by layer, no attention.

    Args:
        width: Factor for every width, above 0.

    Raises:
        ValueError: The width is not above 0.

    Source:
        Sutskever, Vinyals and Le 2014, sections 3.3 and 3.4.
    """
    units = _scaled([1000] * 4, width)
    return ModelSettings(
        architecture="sutskever2014",
        width=width,
        embedding=units[0],
        dropout=0.0,
        embedding_dropout=0.0,
        encoder=EncoderSettings(units, bidirectional="never", reverse=True),
        attention=AttentionSettings("none"),
        decoder=DecoderSettings(units, output_dropout=0.0),
    )


def bahdanau2014(width: float = 1.0) -> ModelSettings:
    """One bidirectional layer of 1,000, additive attention, state from the backward direction through tanh.

    Args:
        width: Factor for every width, above 0.

    Raises:
        ValueError: The width is not above 0.

    Source:
        Bahdanau, Cho and Bengio 2015, appendix A.
    """
    units, (embedding,) = _scaled([1000], width), _scaled([620], width)
    return ModelSettings(
        architecture="bahdanau2014",
        width=width,
        embedding=embedding,
        dropout=0.0,
        embedding_dropout=0.0,
        encoder=EncoderSettings(units, bidirectional="all"),
        bridge=BridgeSettings(directions="backward", project="always", activation="tanh"),
        attention=AttentionSettings("additive", input_feeding=True),
        decoder=DecoderSettings(units, output_dropout=0.0),
    )


def luong2015(width: float = 1.0) -> ModelSettings:
    """Four layers of 1,000, reversed source, general attention with input feeding, dropout 0.2.

    Args:
        width: Factor for every width, above 0.

    Raises:
        ValueError: The width is not above 0.

    Source:
        Luong, Pham and Manning 2015, sections 3.1, 3.3 and 4.1.
    """
    units = _scaled([1000] * 4, width)
    return ModelSettings(
        architecture="luong2015",
        width=width,
        embedding=units[0],
        dropout=0.2,
        embedding_dropout=0.0,
        encoder=EncoderSettings(units, bidirectional="never", reverse=True),
        attention=AttentionSettings("general", input_feeding=True),
        decoder=DecoderSettings(units, output_dropout=0.0),
    )


def gnmt2016(width: float = 1.0) -> ModelSettings:
    """Eight layers of 1,024, the first encoder layer bidirectional, residual connections from the third layer on.

    Args:
        width: Factor for every width, above 0.

    Raises:
        ValueError: The width is not above 0.

    Source:
        Wu et al. 2016, section 3.
    """
    units = _scaled([1024] * 8, width)
    return ModelSettings(
        architecture="gnmt2016",
        width=width,
        embedding=units[0],
        dropout=0.2,
        embedding_dropout=0.0,
        residual_from=2,
        encoder=EncoderSettings(units, bidirectional="first"),
        attention=AttentionSettings("additive", input_feeding=True),
        decoder=DecoderSettings(units, output_dropout=0.0),
    )


ARCHITECTURES: dict[str, Callable[[float], ModelSettings]] = {
    "sutskever2014": sutskever2014,
    "bahdanau2014": bahdanau2014,
    "luong2015": luong2015,
    "gnmt2016": gnmt2016,
}
"""The architectures by name: functions of a factor for every width."""


def _has_lstm(settings: ModelSettings) -> bool:
    return "lstm" in (settings.encoder.cell, settings.decoder.cell)


def _attends(settings: ModelSettings) -> bool:
    return settings.attention.kind != "none"


def _starts_as_keras(settings: ModelSettings) -> bool:
    return not settings.initializers


def _feeds(settings: ModelSettings) -> bool:
    return settings.attention.input_feeding


def _passes_per_layer(settings: ModelSettings) -> bool:
    return settings.bridge.mode == "per_layer"


DEPARTURES: dict[str, dict[str, Callable[[ModelSettings], bool]]] = {
    "sutskever2014": {"weights start as in Keras (Glorot, orthogonal), not uniform in ±0.08": _starts_as_keras},
    "bahdanau2014": {
        "LSTM layers instead of gated recurrent units (model.cell=gru); the cell state starts like the hidden state": (
            _has_lstm
        ),
        "attention looks with the new decoder state, not with that of the step before": _attends,
        "what it finds enters the next step (input feeding), not this one": _feeds,
        "a tanh layer before the logits instead of maxout": _attends,
    },
    "luong2015": {
        "global attention; the paper's best single system attends locally (local-p)": _attends,
        "weights start as in Keras (Glorot, orthogonal), not uniform in ±0.1": _starts_as_keras,
    },
    "gnmt2016": {
        "attention looks with the top decoder layer, not the bottom one": _attends,
        "what it finds enters the lowest layer of the next step, not every layer of this one": _feeds,
        "the decoder starts from the encoder's states, layer by layer; the paper does not say": _passes_per_layer,
    },
}
"""Where an architecture is not what its paper says, and of which settings, each side's written out, that is true."""

_PAPERS = {"bahdanau2014": {"cell": "gru", "encoder.cell": "gru", "decoder.cell": "gru"}}
"""Settings of a paper that an architecture departs from: to set them is no departure."""


def start_from_architecture(start: ModelSettings, values: Mapping[str, Any]) -> ModelSettings:
    """Give what the settings of a model start from where some of them are written.

    Another architecture takes the place of all settings; another width of the same one keeps what was changed of it.

    Args:
        start: What they start from where no architecture is written.
        values: The plain values that are written, of which "architecture" and "width" count.
    """
    name, width = values.get("architecture", start.architecture), values.get("width", start.width)
    if (name, width) == (start.architecture, start.width):
        return start
    if not name:
        return ModelSettings() if start.architecture else start
    fresh = ARCHITECTURES[name](width)
    return override(fresh, _assignments(_changed(start))) if name == start.architecture else fresh


def departures(settings: ModelSettings) -> str:
    """Say where settings depart from the paper of their architecture; empty where they have none."""
    if not settings.architecture:
        return ""
    written_out = settings.resolved()
    lines = [text for text, is_so in DEPARTURES[settings.architecture].items() if is_so(written_out)]
    paper = _PAPERS.get(settings.architecture, {})
    changed = {name: value for name, value in _changed(settings).items() if value != paper.get(name)}
    if changed:
        lines.append(f"set otherwise here: {', '.join(f'model.{each}' for each in _assignments(changed))}")
    return "\n  - ".join([f"{settings.architecture} departs from its paper:", *lines])


def _changed(settings: ModelSettings) -> dict[str, Any]:
    """List what was changed of an architecture, by name."""
    return changes(ARCHITECTURES[settings.architecture](settings.width), settings)


def _assignments(changed: Mapping[str, Any]) -> list[str]:
    return [f"{name}={write_value(value)}" for name, value in changed.items()]


def _scaled(units: Sequence[int], width: float) -> tuple[int, ...]:
    if width <= 0:
        raise ValueError(f"width is a factor on every width of the paper, above 0. Received: width={width}.")
    return tuple(max(1, round(width * unit)) for unit in units)
