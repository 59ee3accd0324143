"""What the first state of a decoder layer is made of: small expressions over the final state of an encoder.

They are data until they are called, with what an encoder gave and with the weights of the bridge. So a bridge is
settled, told and tested before it has a weight.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple

from keras import ops

from seq2seq.layers.state import Encoded
from seq2seq.layers.wire import Wire


class Join(NamedTuple):
    """How several states become one.

    Attributes:
        states: From the states, each `[batch, width]`, to the one.
        units: From their widths to its width.
        adds: Whether it works number by number, which takes equal widths.
    """

    states: Callable[[Sequence[Any]], Any]
    units: Callable[[Sequence[int]], int]
    adds: bool = False


def _beside(states: Sequence[Any]) -> Any:
    return ops.concatenate(states, axis=-1)


def _total(states: Sequence[Any]) -> Any:
    return sum(states[1:], start=states[0])


def _average(states: Sequence[Any]) -> Any:
    return _total(states) / len(states)


MERGES = {
    "concat": Join(_beside, sum),
    "sum": Join(_total, itemgetter(0), adds=True),
    "mean": Join(_average, itemgetter(0), adds=True),
}
DIRECTIONS = MERGES | {
    "forward": Join(itemgetter(0), itemgetter(0)),
    "backward": Join(itemgetter(1), itemgetter(1)),
}


@dataclass(frozen=True)
class Given:
    """What an encoder gave, taken apart by name.

    Attributes:
        memory: `[batch, source_time, memory_units]`.
        mask: True = real token, `[batch, source_time]`; None where every one is real.
        states: By the name of a part, for each encoder layer, directions joined, `[batch, width]`.
    """

    memory: Any
    mask: Any
    states: Mapping[str, Sequence[Any]]

    @cached_property
    def mean(self) -> Any:
        """The mean of the memory over real tokens, `[batch, memory_units]`."""
        if self.mask is None:
            real = ops.ones_like(self.memory[:, :, :1])
        else:
            real = ops.cast(self.mask, self.memory.dtype)[:, :, None]
        return ops.sum(self.memory * real, axis=1) / ops.maximum(ops.sum(real, axis=1), 1)


def take_apart(encoded: Encoded, parts: Sequence[str], directions: Join) -> Given:
    """Name the parts of the state of an encoder, and join directions.

    Args:
        encoded: What the encoder gave; Keras hands plain lists over after loading a functional model.
        parts: Their names, in order.
        directions: How two directions join.

    Raises:
        ValueError: If the state has not so many parts.
    """
    memory, mask, state = encoded
    counts = sorted({len(direction) for layer in state for direction in layer})
    if counts != [len(parts)]:
        raise ValueError(
            f"The bridge was built for states of so many parts: {', '.join(parts)}. "
            f"Received: states of {', '.join(map(str, counts))}. Pass the encoder's parts to build_for."
        )

    def joined(layer: Sequence[Any], place: int) -> Any:
        states = [direction[place] for direction in layer]
        return directions.states(states) if len(states) > 1 else states[0]

    return Given(memory, mask, {part: [joined(layer, place) for layer in state] for place, part in enumerate(parts)})


class Weights(NamedTuple):
    """What a bridge has trained, by the names that its starts give: projections, and vectors `[units]`."""

    projections: Mapping[str, Callable[[Any], Any]]
    vectors: Mapping[str, Any]


class Start(ABC):
    """What one part of the state is made of."""

    @property
    def projections(self) -> "tuple[Projected, ...]":
        """The projections in it, in the order of their weights."""
        return ()

    @property
    def vectors(self) -> "tuple[Trained, ...]":
        """The trained vectors in it."""
        return ()

    @abstractmethod
    def __call__(self, given: Given, weights: Weights) -> Any:
        """Compute it, `[batch, width]`."""


@dataclass(frozen=True)
class Zeros(Start):
    """Zeros."""

    units: int

    def __call__(self, given: Given, weights: Weights) -> Any:  # noqa: D102
        return ops.zeros((ops.shape(given.memory)[0], self.units), given.memory.dtype)


@dataclass(frozen=True)
class Trained(Start):
    """A trained vector, the same for every source."""

    name: str
    units: int

    @property
    def vectors(self) -> "tuple[Trained, ...]":  # noqa: D102
        return (self,)

    def __call__(self, given: Given, weights: Weights) -> Any:  # noqa: D102
        vector = ops.cast(weights.vectors[self.name], given.memory.dtype)
        return ops.broadcast_to(vector[None], (ops.shape(given.memory)[0], self.units))


@dataclass(frozen=True)
class MeanOfMemory(Start):
    """The mean of the memory over real tokens."""

    def __call__(self, given: Given, weights: Weights) -> Any:  # noqa: D102
        return given.mean


@dataclass(frozen=True)
class FinalState(Start):
    """A part of the final state of an encoder layer, directions joined."""

    part: str
    layer: int

    def __call__(self, given: Given, weights: Weights) -> Any:  # noqa: D102
        return given.states[self.part][self.layer]


@dataclass(frozen=True)
class Merged(Start):
    """Several joined to one."""

    starts: Sequence[Start]
    merge: Join

    @property
    def projections(self) -> "tuple[Projected, ...]":  # noqa: D102
        return tuple(projection for start in self.starts for projection in start.projections)

    def __call__(self, given: Given, weights: Weights) -> Any:  # noqa: D102
        return self.merge.states([start(given, weights) for start in self.starts])


@dataclass(frozen=True)
class Projected(Start):
    """Another one through a trained projection."""

    start: Start
    name: str
    source_units: int
    units: int
    activation: str

    @property
    def projections(self) -> "tuple[Projected, ...]":  # noqa: D102
        return (self,)

    def __call__(self, given: Given, weights: Weights) -> Any:  # noqa: D102
        return weights.projections[self.name](self.start(given, weights))


@dataclass(frozen=True)
class Route:
    """The encoder layers that one decoder layer starts from, and how they join.

    Attributes:
        sources: The encoder layers.
        widths: The width of each, directions joined.
        merge: How they join.
    """

    sources: Sequence[int]
    widths: Sequence[int]
    merge: Join

    @property
    def apart(self) -> bool:
        """Whether each has to be projected before they can be added."""
        return self.merge.adds and len(set(self.widths)) > 1

    def fits(self, units: int) -> bool:
        """Whether they give this width without a projection."""
        return not self.apart and self.merge.units(self.widths) == units

    def taken(self, part: str) -> Start:
        """Give one part of their states as it is."""
        states = [FinalState(part, source) for source in self.sources]
        return Merged(states, self.merge) if len(states) > 1 else states[0]

    def projected(self, part: str, project: Callable[[Start, str, int], Start]) -> Start:
        """Give one part of their states through projections.

        Args:
            part: Its name.
            project: Puts a projection behind a start; told how the way is called and how wide the start is.
        """
        if not self.apart:
            return project(self.taken(part), "", self.merge.units(self.widths))
        each = zip(self.sources, self.widths, strict=True)
        return Merged(
            [project(FinalState(part, source), f"_from{source}", width) for source, width in each], self.merge
        )


@dataclass(frozen=True)
class LayerStart:
    """How one decoder layer starts: every part of its state, and how that is told.

    Attributes:
        parts: By name, in the order of the decoder's cell.
        wire: How it is told.
    """

    parts: Mapping[str, Start]
    wire: Wire

    @property
    def projections(self) -> list[Projected]:
        """The projections in it, in the order of their weights: those of one source together."""
        by_part = [start.projections for start in self.parts.values() if start.projections]
        return [projection for of_source in zip(*by_part, strict=True) for projection in of_source]

    @property
    def vectors(self) -> list[Trained]:
        """The trained vectors in it, in the order of their weights."""
        return [vector for start in self.parts.values() for vector in start.vectors]

    def __call__(self, given: Given, weights: Weights) -> list[Any]:
        """Compute the parts of the state, each `[batch, units]`."""
        return [start(given, weights) for start in self.parts.values()]
