"""What can be done to the states that a model passes: parts of them, named, and changes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from seq2seq.models.wiring import wires_of

if TYPE_CHECKING:
    from seq2seq.layers.state import StackState
    from seq2seq.models import Seq2Seq

How = Literal["zeros", "of another sentence", "exchanged"]
"""How states are altered: zeros in their place, those of another sentence, or two layers start from each other's."""


@dataclass(frozen=True)
class Place:
    """Some of the states on their way.

    Attributes:
        name: For tables, as in "layer 0, hidden" or "encoder layer 1".
        end: "decoder": what its layers start from; "encoder": what its layers end with.
        layers: The layers, from 0.
        parts: The names of the parts.
        whole: Whether these are all parts.
    """

    name: str
    end: Literal["decoder", "encoder"]
    layers: tuple[int, ...]
    parts: tuple[str, ...]
    whole: bool

    def values(self, state: StackState) -> np.ndarray:
        """Lay these states side by side, `[sentences, all units]` float64."""
        found = [getattr(each, part) for layer in self.layers for each in state[layer] for part in self.parts]
        return np.concatenate([np.asarray(one, np.float64) for one in found], axis=1)

    def altered(self, state: StackState, change: Callable[[np.ndarray], np.ndarray]) -> StackState:
        """Give the state with a change to each array of these."""

        def each(one: Any) -> Any:
            return one._replace(**{part: change(getattr(one, part)) for part in self.parts})

        return tuple(
            tuple(map(each, directions)) if layer in self.layers else directions
            for layer, directions in enumerate(state)
        )


@dataclass(frozen=True)
class Alteration:
    """A change to the states that are passed.

    Attributes:
        where: What is changed.
        how: What is done to it.
        end: At which end.
        whole: Whether all parts of a state are changed.
        change: Gives the changed state of that end.
    """

    where: str
    how: How
    end: Literal["decoder", "encoder"]
    whole: bool
    change: Callable[[StackState], StackState]


def places(model: Seq2Seq) -> list[Place]:
    """Name what can be altered or read: what decoder layers start from, all together and one by one, and their parts.

    Where the bridge sends an encoder layer to several decoder layers, or joins several, what each encoder layer ends
    with is another thing, and is named too.
    """
    wires = wires_of(model)
    found = list(_of("decoder", range(len(wires)), model.decoder.stack.cell.part_names))
    sources = [source for wire in wires for source in wire.sources]
    if len(set(sources)) < len(sources) or any(len(wire.sources) > 1 for wire in wires):
        found += _of("encoder", sorted(set(sources)), model.encoder.stack.cell.part_names)
    return found


def _of(end: Literal["decoder", "encoder"], layers: Sequence[int], parts: tuple[str, ...]) -> Iterator[Place]:
    title = "" if end == "decoder" else "encoder "
    together = [(f"all {title}layers", tuple(layers))] if len(layers) > 1 else []
    for name, group in [*together, *((f"{title}layer {layer}", (layer,)) for layer in layers)]:
        yield Place(name, end, group, parts, whole=True)
        if len(parts) > 1:
            yield from (Place(f"{name}, {part}", end, group, (part,), whole=False) for part in parts)


def alterations(model: Seq2Seq, donors: np.ndarray) -> Iterator[Alteration]:
    """Give every change that can be made to what a model passes.

    Args:
        model: The model.
        donors: For each sentence the one whose states it gets, `[sentences]`.
    """
    changes: dict[How, Callable[[np.ndarray], np.ndarray]] = {
        "zeros": np.zeros_like,
        "of another sentence": lambda part: part[donors],
    }
    for place in places(model):
        for how, change in changes.items():
            yield Alteration(place.name, how, place.end, place.whole, _bound(place, change))
    for below, above in pairwise(range(len(model.decoder.units))):
        if model.decoder.units[below] == model.decoder.units[above]:
            yield Alteration(f"layers {below} and {above}", "exchanged", "decoder", True, _exchange(below, above))


def _bound(place: Place, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[StackState], StackState]:
    return lambda state: place.altered(state, change)


def _exchange(below: int, above: int) -> Callable[[StackState], StackState]:
    order = {below: above, above: below}
    return lambda state: tuple(state[order.get(layer, layer)] for layer in range(len(state)))


def draw_donors(sentences: int, seed: int) -> np.ndarray:
    """Draw for each of several sentences another one, `[sentences]`; each gives its states once."""
    order = np.random.default_rng(seed).permutation(sentences)
    donors = np.empty_like(order)
    donors[order] = np.roll(order, 1)
    return donors
