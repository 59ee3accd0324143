"""What can be measured inside a model on one batch, as plain numbers: read without TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class PartSigns:
    """How a part of a model learns.

    Attributes:
        name: The part, as in "encoder layer 0", "bridge" or "logits".
        norm: Norm of its trained weights.
        gradient: Norm of their gradient, of the loss in nats per target token, before any clipping; 0 where none
            arrives.
        update: Norm of what an optimizer step changes, over that of the weights; None where no step was taken.
        frozen: Whether all its weights are kept from training.
    """

    name: str
    norm: float
    gradient: float
    update: float | None
    frozen: bool = False


@dataclass(frozen=True)
class GateSigns:
    """How far a gate of a layer is open, over all units and real steps.

    Attributes:
        shut: Share of values below 0.05.
        open: Share of values above 0.95.
        half_lives: Of the gate that remembers: steps until half is forgotten, the quartiles over units; None of others.
    """

    shut: float
    open: float
    half_lives: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class LayerSigns:
    """What a recurrent layer puts out, both directions together, at real steps.

    Attributes:
        side: "encoder" or "decoder".
        number: Its place in the stack, 0 the lowest.
        units: Its width, directions side by side.
        spread: Mean over units of the deviation of their outputs: how much it says.
        dead: Share of units whose output hardly changes, whatever is read.
        saturated: Share of outputs beyond ±0.95.
        rank: Effective number of directions that its outputs take: the participation ratio of their covariance.
        likeness: How like the outputs are to those of the layer below, 0 to 1 (linear CKA); None of the lowest.
        gates: Its gates by the names that the cell gives them.

    Source:
        Kornblith et al. 2019, equation 5 (linear CKA); Gao et al. 2017 (participation ratio).
    """

    side: str
    number: int
    units: int
    spread: float
    dead: float
    saturated: float
    rank: float
    likeness: float | None
    gates: Mapping[str, GateSigns]

    @property
    def name(self) -> str:
        """As :class:`PartSigns` calls it."""
        return f"{self.side} layer {self.number}"


@dataclass(frozen=True)
class RouteSigns:
    """What a decoder layer is given to start from, for one part of its state.

    Attributes:
        layer: The decoder layer, 0 the lowest.
        part: The part of the state, as in "hidden".
        way: How it comes there, as in "taken" or "projected".
        size: Root of the mean square of its numbers.
        spread: Mean over units of the deviation between the sentences of the batch: what it tells of a sentence.
        gradient: Norm of the gradient of the loss with respect to it.
    """

    layer: int
    part: str
    way: str
    size: float
    spread: float
    gradient: float


@dataclass(frozen=True)
class EmbeddingSigns:
    """How an embedding is made.

    Attributes:
        side: "encoder" or "decoder".
        vocabulary: Number of ids.
        width: Numbers for each of them.
        size: Root of the mean square of these numbers.
        tied: Whether logits are made with it too.
    """

    side: str
    vocabulary: int
    width: int
    size: float
    tied: bool


@dataclass(frozen=True)
class LeakSigns:
    """What reaches where it must not.

    Attributes:
        padding: The most that the log-probability of a target token changes where sentences get more padding, nats.
        target: The most that it changes where target tokens behind it are others, nats.
        aligned: Whether what the decoder reads is what it has to say, one step later, with `<s>` before.
        tolerance: What rounding may do, nats.
    """

    padding: float
    target: float
    aligned: bool
    tolerance: float


@dataclass(frozen=True)
class Signs:
    """What was measured inside a model on one batch.

    Attributes:
        pairs: Sentence pairs of the batch.
        tokens: Target tokens of it, `</s>` counted.
        loss: Nats per target token on it, without dropout and smoothing.
        vocabulary: Number of target ids; guessing blindly has a loss of its logarithm.
        gradient: Norm of all gradients together, before any clipping.
        updates: Optimizer steps that the model has made; None where that is not known, of a model file.
        learning_rate: Of the step that was taken; None where none was.
        parts: How each part learns.
        layers: What each recurrent layer puts out.
        routes: What each decoder layer starts from.
        embeddings: How embeddings are made.
        bridge_untouched: Whether what the bridge has trained is as it was drawn: all its biases and vectors are zero.
        leaks: What reaches where it must not; None where that was not looked for.
    """

    pairs: int
    tokens: int
    loss: float
    vocabulary: int
    gradient: float
    updates: int | None
    learning_rate: float | None
    parts: list[PartSigns]
    layers: list[LayerSigns]
    routes: list[RouteSigns]
    embeddings: list[EmbeddingSigns]
    bridge_untouched: bool
    leaks: LeakSigns | None

    def to_table(self) -> dict[str, Any]:
        """Give them as a table of plain values; what is not finite is text, since JSON has no numbers for it."""
        table: dict[str, Any] = _for_json(asdict(self))
        return table

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Signs:
        """Read what :meth:`to_table` gave."""
        found = _with_numbers(table)
        for name, kind in (("parts", PartSigns), ("routes", RouteSigns), ("embeddings", EmbeddingSigns)):
            found[name] = [kind(**each) for each in found[name]]
        found["layers"] = [LayerSigns(**each | {"gates": _gates(each["gates"])}) for each in found["layers"]]
        found["leaks"] = None if found["leaks"] is None else LeakSigns(**found["leaks"])
        return cls(**found)


def _gates(table: Mapping[str, Mapping[str, Any]]) -> dict[str, GateSigns]:
    return {
        name: GateSigns(gate["shut"], gate["open"], gate["half_lives"] and tuple(gate["half_lives"]))
        for name, gate in table.items()
    }


def _for_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _for_json(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_for_json(entry) for entry in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _with_numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _with_numbers(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_with_numbers(entry) for entry in value]
    return float(value) if value in ("nan", "inf", "-inf") else value
