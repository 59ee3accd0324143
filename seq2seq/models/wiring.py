"""What is wired to what in a model: its layers and the way its states take, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from seq2seq.layers.wire import Wire

if TYPE_CHECKING:
    from seq2seq.layers.wire import Kind, Way
    from seq2seq.models import Seq2Seq

LAYER_COLUMNS = ("part", "layer", "kind", "input", "output", "parameters")
"""The columns of `layer_table`."""

STATE_COLUMNS = ("decoder layer", "starts from", "widths", "projection")
"""The columns of `state_table`."""

# In words, what the fields of a wire say.
_UNROUTED: dict[Kind, str] = {"mean": "mean of the memory", "trained": "trained vector", "zeros": "zeros"}
_MERGED = {"concat": "side by side", "sum": "summed", "mean": "averaged"}
_DIRECTED = {
    "sum": "directions summed",
    "mean": "directions averaged",
    "forward": "forward direction",
    "backward": "backward direction",
}
_ODD_WAYS: dict[Way, str] = {"replaced": "{} from hidden", "zero": "{} zero", "dropped": "{} dropped"}


def need_seq2seq(model: Any, by: str) -> None:
    """Refuse what has no state bridge: a translator, an ensemble, any other model.

    Args:
        model: What was given.
        by: The name of what takes it.

    Raises:
        ValueError: It is something else than a `Seq2Seq`.
    """
    if getattr(model, "bridge", None) is None:
        raise ValueError(
            f"{by} takes a Seq2Seq. Received: {type(model).__name__}. Use translator.model, one of the models of an "
            "ensemble, or for other models keras.utils.plot_model."
        )


def has_wires(model: Seq2Seq) -> bool:
    """Whether its bridge says how it is wired; one of one's own need not."""
    return bool(getattr(model.bridge, "wires", None))


def need_wires(model: Any, by: str) -> None:
    """Refuse what has no state bridge, and one of one's own that does not say how it is wired.

    Args:
        model: What was given.
        by: The name of what takes it.

    Raises:
        ValueError: It is something else than a `Seq2Seq`, or its bridge has no wires.
    """
    need_seq2seq(model, by)
    if not has_wires(model):
        raise ValueError(
            f"{by} tells how a bridge is wired. Received: a {type(model.bridge).__name__} without wires. "
            "Give it a Wire for each decoder layer (docs/how-to/own-bridge.md)."
        )


def wires_of(model: Seq2Seq) -> list[Wire]:
    """Give what each decoder layer starts from; a bridge of one's own need not say it."""
    if has_wires(model):
        return list(model.bridge.wires)
    return [Wire(units=units, label="own") for units in model.decoder.units]


def layer_table(model: Seq2Seq) -> list[list[object]]:
    """List the layers of a model from the source to the logits, with their parameters.

    Args:
        model: A built model.

    Returns:
        Rows of :data:`LAYER_COLUMNS`: widths of input and output (per direction, as in "2 × 256"; the input of an
        embedding is the number of ids), and the number of trained numbers. Shared weights count once. The last row is
        the sum.

    Raises:
        ValueError: It is something else than a `Seq2Seq`.
    """
    need_seq2seq(model, "layer_table")
    encoder, bridge, decoder = model.encoder, model.bridge, model.decoder
    shared = encoder.embedding is decoder.embedding
    kind, size = ("that of the decoder", 0) if shared else ("table", _size(encoder.embedding))
    rows: list[list[object]] = [["encoder", "embedding", kind, encoder.vocab_size, encoder.embedding_dim, size]]
    rows += _stack_rows("encoder", encoder.stack, encoder.embedding_dim, "reversed source" if encoder.reverse else "")
    rows.append(["bridge", "", bridge.mode if isinstance(bridge.mode, str) else "table", "", "", _size(bridge)])
    size = _size(decoder.embedding)
    rows.append(["decoder", "embedding", "table", decoder.vocab_size, decoder.embedding_dim, size])
    fed = decoder.units[-1] if decoder.input_feeding else 0
    rows += _stack_rows("decoder", decoder.stack, decoder.embedding_dim + fed, "input feeding" if fed else "")
    width, read = decoder.units[-1], decoder.memory_units
    if decoder.attention is not None:
        rows.append(["decoder", "attention", decoder.attention_name, read, read, _size(decoder.attention)])
        rows.append(["decoder", "combine", "tanh", read + width, width, _size(decoder.combine)])
    if decoder.readout is not None:
        rows.append(["decoder", "readout", "dense", width, decoder.embedding_dim, _size(decoder.readout)])
        width = decoder.embedding_dim
    kind = "the embedding, turned round" if decoder.logits is None else "dense"
    size = decoder.vocab_size if decoder.logits is None else _size(decoder.logits)
    rows.append(["decoder", "logits", kind, width, decoder.vocab_size, size])
    return [*rows, ["all", "", "", "", "", sum(int(str(row[-1])) for row in rows)]]


def _stack_rows(part: str, stack: Any, width: int, remark: str) -> list[list[object]]:
    rows: list[list[object]] = []
    for number, (forward, backward) in enumerate(zip(stack.forward_layers, stack.backward_layers, strict=True)):
        notes = [stack.cell.title if backward is None else f"{stack.cell.title}, both directions"]
        if remark and number == 0:
            notes.append(remark)
        if stack.has_residual(number):
            notes.append("residual")
        units = stack.units[number]
        output = f"2 × {units:,}" if backward is not None else units
        parameters = _size(forward) + (_size(backward) if backward is not None else 0)
        rows.append([part, str(number), ", ".join(notes), width, output, parameters])
        width = units * (1 if backward is None else 2)
    return rows


def state_table(model: Seq2Seq) -> list[list[object]]:
    """List for each decoder layer what its first state is made of.

    Args:
        model: A built model.

    Returns:
        Rows of :data:`STATE_COLUMNS`, lowest layer first. Widths are those of the states of the encoder layers,
        directions joined, and of the decoder layer.

    Raises:
        ValueError: It is something else than a `Seq2Seq`, or its bridge has no wires.
    """
    need_wires(model, "state_table")
    rows: list[list[object]] = []
    for number, wire in enumerate(model.bridge.wires):
        sources = " + ".join(_times(len(list(run)), width) for width, run in groupby(wire.source_units))
        widths = f"{sources} → {wire.units:,}" if sources else f"{wire.units:,}"
        rows.append([str(number), _start(wire), widths, _projection(wire)])
    return rows


def told_parts(wire: Wire) -> list[str]:
    """Say what becomes of the parts of a state that are not simply passed.

    Args:
        wire: How a decoder layer starts.

    Returns:
        Short remarks, as in "hidden only" or "cell dropped".
    """
    asked = [part for part, way in wire.parts.items() if way != "left_out"]
    only = [f"{' and '.join(asked)} only"] if len(asked) < len(wire.parts) else []
    return only + [_ODD_WAYS[way].format(part) for part, way in wire.parts.items() if way in _ODD_WAYS]


def told_directions(wire: Wire) -> list[str]:
    """Say how two directions join, where they do not stand side by side."""
    return [_DIRECTED[wire.directions]] if wire.directions in _DIRECTED else []


def _start(wire: Wire) -> str:
    words = []
    if wire.sources:
        words.append(f"encoder layer{'s' * (len(wire.sources) > 1)} {', '.join(map(str, wire.sources))}")
    if wire.label:
        words.append(wire.label)
    elif wire.merge is not None:
        words.append(_MERGED[wire.merge])
    elif not wire.sources:
        words.append(_UNROUTED[wire.kind])
    return ", ".join([*words, *told_directions(wire), *told_parts(wire)])


def _times(count: int, width: int) -> str:
    return f"{count} × {width:,}" if count > 1 else f"{width:,}"


def _projection(wire: Wire) -> str:
    projected = [part for part, way in wire.parts.items() if way in ("projected", "replaced")]
    kind = "linear" if wire.activation == "none" else wire.activation
    if len(projected) > 1:
        return f"{kind}, {' and '.join(projected)} apart"
    if projected and len(wire.parts) > 1:
        return f"{kind}, {projected[0]} only"
    return kind if projected else "none"


def _size(layer: Any) -> int:
    return int(sum(variable.value.shape.num_elements() for variable in layer.weights))


def told_frozen(model: Seq2Seq, paths: Sequence[str]) -> str:
    """Say which parts of a model do not learn, and how much of it that is; nothing where all do.

    Args:
        model: A model.
        paths: What it was frozen by.
    """
    if not paths:
        return ""
    still = sum(variable.value.shape.num_elements() for variable in model.frozen)
    return f"Frozen: {', '.join(paths)} ({still:,} of {model.count_params():,} parameters do not learn)."
