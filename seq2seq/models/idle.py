"""Settings of a model that change nothing beside its others: they are told, since nobody sets one for nothing."""

from typing import Any

from seq2seq.layers.bridge import StateBridge
from seq2seq.models.architectures import ARCHITECTURES
from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.models.settings import BridgeSettings, ModelSettings

_WHY_IDLE = {
    "to": "no layer above the lowest is passed anything",
    "directions": "no layer whose state is passed reads both ways",
    "merge": "no decoder layer starts from several encoder layers",
    "states": "there is no other part to pass",
    "project": "what is passed is projected without it, or nothing is passed",
    "activation": "nothing is projected, or all projections have it",
    "align": "each decoder layer starts from the same encoder layers without it",
    "missing": "the encoder's cell has all that is passed, or nothing is passed",
}


def idle_dropout(settings: ModelSettings) -> str:
    """Say where a share is dropped between the layers of a stack that has one; empty where all that is set is used.

    Args:
        settings: Of the model.

    Example:
        >>> from seq2seq.recipe import DecoderSettings, ModelSettings
        >>> idle_dropout(ModelSettings(decoder=DecoderSettings((64,), dropout=0.5)))
        'Nothing is dropped by model.decoder.dropout=0.5: it is for between layers, and there is one. Elsewhere drop
        embedding_dropout, recurrent_dropout and output_dropout.'
    """
    one = {side: len(part.units) == 1 for side, part in (("encoder", settings.encoder), ("decoder", settings.decoder))}
    own = {side: getattr(settings, side).dropout for side in one}
    idle = [f"model.{side}.dropout={own[side]}" for side in one if one[side] and own[side] not in ("as_model", 0)]
    led = [one[side] for side in one if own[side] == "as_model"]
    if led and all(led) and settings.dropout not in (_usual(settings).dropout, 0):
        idle.append(f"model.dropout={settings.dropout}")
    if not idle:
        return ""
    return (
        f"Nothing is dropped by {' and '.join(idle)}: it is for between layers, and there is one. Elsewhere drop "
        "embedding_dropout, recurrent_dropout and output_dropout."
    )


def idle_bridge(settings: ModelSettings, model: Seq2Seq) -> str:
    """Say which settings of a bridge change nothing of what the decoder starts from; empty where all do.

    A setting is idle if the plan of the bridge is the same with its default. `project="never"` is not told: it
    refuses projections, also where none is needed.

    Args:
        settings: Of the model.
        model: Built from them.

    Example:
        >>> from seq2seq.models import build_model
        >>> from seq2seq.recipe import DecoderSettings, EncoderSettings
        >>> small = BridgeSettings(merge="sum")
        >>> settings = ModelSettings(bridge=small, encoder=EncoderSettings((4,)), decoder=DecoderSettings((4,)))
        >>> idle_bridge(settings, build_model(settings, 9, 9))
        'Nothing is changed by model.bridge.merge="sum": no decoder layer starts from several encoder layers.'
    """
    bridge, usual = model.bridge, _usual(settings).bridge
    idle = [
        f'model.bridge.{name}="{value}": {why}'
        for name, why in _WHY_IDLE.items()
        if (value := getattr(settings.bridge, name)) not in (getattr(usual, name), "never")
        and _is_idle(bridge, name, getattr(BridgeSettings(), name))
    ]
    return f"Nothing is changed by {'; nor by '.join(idle)}." if idle else ""


def _is_idle(bridge: StateBridge, name: str, default: Any) -> bool:
    """Whether a bridge starts the same decoder in the same way with the default of one of its settings."""
    if name == "directions":
        return all(wire.directions is None for wire in bridge.wires)
    try:
        other = StateBridge.from_config({**bridge.get_config(), name: default})
        plan = other.plan(bridge.encoder_units, bridge.memory_units, bridge.encoder_parts)
    except ValueError:
        return False  # the default does not go with the other settings
    return [start.parts for start in plan] == [start.parts for start in bridge.starts]


def _usual(settings: ModelSettings) -> ModelSettings:
    """What is set where nobody sets anything: by the architecture, or by default."""
    return ARCHITECTURES[settings.architecture](settings.width) if settings.architecture else ModelSettings()
