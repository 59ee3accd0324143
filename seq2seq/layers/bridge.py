"""State passing: which encoder layers each decoder layer starts from, and how their states get there."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from seq2seq.layers.cells import LSTMState
from seq2seq.layers.state import Encoded, StackState

MODES = {
    "per_layer": "decoder layer i starts from encoder layer i (Sutskever et al. 2014, Luong et al. 2015)",
    "last_layer": "every decoder layer starts from the top encoder layer (Cho et al. 2014)",
    "concatenated": "every decoder layer starts from all encoder layers side by side, projected (google/seq2seq)",
    "mean": "every decoder layer starts from the mean of the memory, through a tanh layer (Nematus, Sockeye)",
    "learned": "every decoder layer starts from a trained vector; the source is ignored (yoyodyne)",
    "zero": "every decoder layer starts from zeros",
}
TO = ("all", "first")
DIRECTIONS = ("concat", "sum", "mean", "forward", "backward")
MERGES = ("concat", "sum", "mean")
STATES = ("both", "hidden", "cell")
PROJECT = ("auto", "always", "never")
ACTIVATIONS = ("auto", "none", "tanh", "relu")
ALIGN = ("none", "bottom", "top", "spread")

Routes = list[list[int]]


class Wire(NamedTuple):
    """How one decoder layer gets its initial state.

    Attributes:
        sources: The encoder layers it starts from; empty where it starts from zeros, a mean or a trained vector.
        source_units: The width of each of them, directions joined.
        units: The width of the decoder layer.
        projected: Whether a trained projection lies between.
        start: In words, what the state is made of.
    """

    sources: list[int]
    source_units: list[int]
    units: int
    projected: bool
    start: str


@keras.saving.register_keras_serializable("seq2seq")
class StateBridge(keras.layers.Layer):
    """Turns the final state of an encoder stack into the initial state of a decoder stack.

    A routing table names, for every decoder layer, the encoder layers whose final states it starts from. Hidden and
    cell states take the same routes and never share a projection. Any depths and widths work together.

    Args:
        units: The width of each decoder layer, lowest first.
        mode: A name of `MODES`, or the table itself: one list of encoder layers per decoder layer, where `[]` is
            zeros and negative numbers count from the top.
        to: `"all"` decoder layers, or only the `"first"` (lowest), zeros above; for named modes.
        directions: How the two states of a bidirectional layer join: `"concat"`, `"sum"`, `"mean"`, or only
            `"forward"` (after the last real token) or `"backward"` (after the first).
        merge: How several routed layers join: `"concat"`, `"sum"` or `"mean"`; the last two project each layer to the
            decoder's width first where widths differ.
        states: What is passed: `"both"`, `"hidden"` or `"cell"`; the other one is zero.
        project: Put a trained projection `"auto"` (only where widths differ), `"always"` or `"never"`.
        activation: Of the projection: `"none"`, `"tanh"`, `"relu"`, or `"auto"`: tanh for `"mean"`, else none.
        align: For `"per_layer"` between depths E and D: `"bottom"` layer i from layer i, `"top"` from i + E - D (zeros
            where there is no such layer), `"spread"` from ⌊i·E/D⌋; `"none"` asks for equal depths.

    Call arguments:
        encoded: An `Encoded`: memory, mask and the state per layer and direction.

    Returns:
        The initial state of the decoder stack: per layer a tuple of one `LSTMState`, each part `[batch, units]`.

    Raises:
        ValueError: At construction or build, for settings that contradict each other or do not fit the encoder.

    Example:
        >>> bridge = StateBridge([32, 16], [[-1], [0, 1]])
        >>> bridge.build_for(encoder_units=[(8,), (8, 8)])
        >>> [(wire.sources, wire.projected) for wire in bridge.wires]
        [([1], True), ([0, 1], True)]
    """

    built: bool

    def __init__(
        self,
        units: Sequence[int],
        mode: str | Sequence[Sequence[int]] = "per_layer",
        to: str = "all",
        directions: str = "concat",
        merge: str = "concat",
        states: str = "both",
        project: str = "auto",
        activation: str = "auto",
        align: str = "none",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        _choose("to", to, TO)
        _choose("directions", directions, DIRECTIONS)
        _choose("merge", merge, MERGES)
        _choose("states", states, STATES)
        _choose("project", project, PROJECT)
        _choose("activation", activation, ACTIVATIONS)
        _choose("align", align, ALIGN)
        self.units = list(units)
        self.mode = mode if isinstance(mode, str) else [list(route) for route in mode]
        if isinstance(self.mode, str):
            _choose("mode", self.mode, MODES)
        else:
            _check_table(self.mode, len(self.units))
            if to != "all":
                raise ValueError(
                    f"A routing table says itself where states go. Received: to={to!r} with mode={self.mode}. "
                    "Leave `to` out, and write [] for a decoder layer that starts from zeros."
                )
        if align != "none" and mode != "per_layer":
            raise ValueError(
                f"align says which layer is level with which, for per_layer only. Received: align={align!r} with "
                f"mode={self.mode!r}. Leave it out, or use mode='per_layer'."
            )
        if mode == "concatenated" and merge != "concat":
            raise ValueError(
                "concatenated puts all encoder layers side by side. "
                f"Received: mode='concatenated', merge={merge!r}. Leave `merge` out, or use an explicit table."
            )
        if project == "never" and mode in ("concatenated", "mean"):
            raise ValueError(
                f"{mode} always projects: what it passes has not the decoder's width by design. "
                f"Received: project='never'. Leave `project` out, or use an explicit table."
            )
        self.to = to
        self.directions = directions
        self.merge = merge
        self.states = states
        self.project = project
        self.activation = activation
        self.align = align

    @property
    def ignores_source(self) -> bool:
        """Whether nothing of the source reaches any decoder layer: zeros or trained vectors everywhere; once built."""
        return not any(wire.source_units for wire in self.wires)

    def routes(self, encoder_depth: int) -> Routes:
        """The routing table: for every decoder layer the encoder layers (from 0) that it starts from.

        Raises:
            ValueError: If the mode cannot join these depths.
        """
        depth, top = len(self.units), encoder_depth - 1
        if not isinstance(self.mode, str):
            return [_resolved(route, encoder_depth, self.mode) for route in self.mode]
        if self.mode == "per_layer":
            routes = self._level(encoder_depth)
        elif self.mode == "last_layer":
            routes = [[top] for _ in range(depth)]
        elif self.mode == "concatenated":
            routes = [list(range(encoder_depth)) for _ in range(depth)]
        else:
            return [[] for _ in range(depth)]
        return [route if self._reached(layer) else [] for layer, route in enumerate(routes)]

    def build(self, encoded_shape: Any) -> None:  # noqa: D102
        memory, _, state = encoded_shape
        self.build_for([tuple(direction[0][-1] for direction in layer) for layer in state], memory[-1])

    def build_for(self, encoder_units: Sequence[Sequence[int]], memory_units: int = 0) -> None:
        """Make the projections for an encoder.

        Args:
            encoder_units: Width per encoder layer and direction.
            memory_units: Width of the encoder's outputs; the mode `"mean"` needs it.
        """
        if self.built:
            return
        self.encoder_units = [tuple(widths) for widths in encoder_units]
        self.memory_units = memory_units
        joined = [self._joined_units(widths) for widths in self.encoder_units]
        self.projections: dict[str, keras.layers.Dense] = {}
        self.vectors: dict[str, Any] = {}
        self.wires = [
            self._wire(layer, route, [joined[source] for source in route])
            for layer, route in enumerate(self.routes(len(joined)))
        ]
        self.built = True

    def call(self, encoded: Encoded) -> StackState:  # noqa: D102
        memory, mask, state = encoded
        batch = ops.shape(memory)[0]
        parts = {}
        for part, name in enumerate(("hidden", "cell")):
            joined = [self._join([direction[part] for direction in layer]) for layer in state]
            parts[name] = [self._start(layer, name, joined, memory, mask, batch) for layer in range(len(self.units))]
        return tuple((LSTMState(*pair),) for pair in zip(parts["hidden"], parts["cell"], strict=True))

    def get_config(self) -> dict[str, Any]:  # noqa: D102
        names = ("units", "mode", "to", "directions", "merge", "states", "project", "activation", "align")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def get_build_config(self) -> dict[str, Any]:  # noqa: D102
        return {"encoder_units": [list(widths) for widths in self.encoder_units], "memory_units": self.memory_units}

    def build_from_config(self, config: dict[str, Any]) -> None:  # noqa: D102
        self.build_for(**config)

    # --- routes -------------------------------------------------------------------------------------------------

    def _reached(self, layer: int) -> bool:
        return self.to == "all" or layer == 0

    def _level(self, encoder_depth: int) -> Routes:
        depth = len(self.units)
        if self.align == "none" and encoder_depth != depth:
            raise ValueError(
                "per_layer passes encoder layer i to decoder layer i, so both need the same depth. "
                f"Received: encoder depth={encoder_depth}, decoder depth={depth}. "
                "Use align='top', align='bottom' or align='spread', or mode='concatenated'."
            )
        if self.align == "spread":
            return [[layer * encoder_depth // depth] for layer in range(depth)]
        shift = encoder_depth - depth if self.align == "top" else 0
        return [[layer + shift] if 0 <= layer + shift < encoder_depth else [] for layer in range(depth)]

    # --- widths and projections ---------------------------------------------------------------------------------

    def _joined_units(self, widths: Sequence[int]) -> int:
        return sum(widths) if self.directions == "concat" else widths[0]

    def _wire(self, layer: int, route: list[int], widths: list[int]) -> Wire:
        """Settle how one decoder layer starts, and make what is trained for it."""
        units = self.units[layer]
        if not route:
            return self._wire_without_route(layer)
        unequal = any(width != units for width in widths)
        separately = len(route) > 1 and self.merge != "concat" and len(set(widths)) > 1
        merged = sum(widths) if self.merge == "concat" else widths[0]
        wanted = separately or (unequal if len(route) == 1 or self.merge != "concat" else merged != units)
        if self.project == "never" and wanted:
            raise ValueError(
                f"Decoder layer {layer} starts from encoder layers {route} with widths {widths}, merged by "
                f"{self.merge!r}, which do not give its own width. Received: units={units}, project='never'. "
                "Use project='auto', or make the widths fit."
            )
        projected = wanted or self.project == "always" or self.mode == "concatenated"
        if projected and separately:
            for source, width in zip(route, widths, strict=True):
                self._add_projections(f"layer{layer}_from{source}", width, units)
        elif projected:
            self._add_projections(f"layer{layer}", merged, units)
        names = [f"encoder layer {source}" for source in route]
        joiner = {"concat": " ++ ", "sum": " + ", "mean": " + "}[self.merge]
        start = joiner.join(names)
        return Wire(route, widths, units, projected, f"mean({start})" if self.merge == "mean" and route[1:] else start)

    def _wire_without_route(self, layer: int) -> Wire:
        units = self.units[layer]
        if self.mode == "mean" and self._reached(layer):
            if not self.memory_units:
                raise ValueError(
                    "The mode 'mean' averages the encoder's outputs, so the bridge needs their width. "
                    "Received: memory_units=0. Pass memory_units to build_for."
                )
            self._add_projections(f"layer{layer}", self.memory_units, units)
            return Wire([], [self.memory_units], units, True, "mean of the memory")
        if self.mode == "learned" and self._reached(layer):
            for part in self._passed():
                self.vectors[f"layer{layer}_{part}"] = self.add_weight(
                    shape=(units,), initializer="zeros", name=f"layer{layer}_{part}"
                )
            return Wire([], [], units, False, "trained vector")
        return Wire([], [], units, False, "zeros")

    def _passed(self) -> tuple[str, ...]:
        return ("hidden", "cell") if self.states == "both" else (self.states,)

    def _add_projections(self, name: str, width: int, units: int) -> None:
        activation = "tanh" if self.activation == "auto" and self.mode == "mean" else self.activation
        function = None if activation in ("auto", "none") else activation
        for part in self._passed():
            dense = keras.layers.Dense(units, function, dtype=self.dtype_policy, name=f"{name}_{part}")
            dense.build((None, width))
            self.projections[f"{name}_{part}"] = dense

    # --- states -------------------------------------------------------------------------------------------------

    def _join(self, directions: list) -> Any:
        """One state per layer from one per direction."""
        if len(directions) == 1 or self.directions == "forward":
            return directions[0]
        if self.directions == "backward":
            return directions[1]
        if self.directions == "concat":
            return ops.concatenate(directions, axis=-1)
        return _total(directions, self.directions)

    def _start(self, layer: int, part: str, joined: list, memory: Any, mask: Any, batch: Any) -> Any:
        """The initial hidden or cell state of one decoder layer, `[batch, units]`."""
        wire, name = self.wires[layer], f"layer{layer}"
        if part not in self._passed():
            return ops.zeros((batch, wire.units), memory.dtype)
        if wire.sources:
            parts = [joined[source] for source in wire.sources]
            if f"{name}_from{wire.sources[0]}_{part}" in self.projections:
                parts = [
                    self.projections[f"{name}_from{source}_{part}"](state)
                    for source, state in zip(wire.sources, parts, strict=True)
                ]
                return _total(parts, self.merge)
            merged = ops.concatenate(parts, axis=-1) if self.merge == "concat" else _total(parts, self.merge)
            return self.projections[f"{name}_{part}"](merged) if wire.projected else merged
        if wire.projected:
            real = ops.cast(mask, memory.dtype)[:, :, None]
            mean = ops.sum(memory * real, axis=1) / ops.maximum(ops.sum(real, axis=1), 1)
            return self.projections[f"{name}_{part}"](mean)
        if f"{name}_{part}" in self.vectors:
            vector = ops.cast(self.vectors[f"{name}_{part}"], memory.dtype)
            return ops.broadcast_to(vector[None], (batch, wire.units))
        return ops.zeros((batch, wire.units), memory.dtype)


def _total(states: list, how: str) -> Any:
    total = sum(states[1:], start=states[0])
    return total / len(states) if how == "mean" else total


def _choose(name: str, value: Any, choices: Any) -> None:
    if value not in choices:
        raise ValueError(f"{name} is one of {', '.join(choices)}. Received: {name}={value!r}.")


def _check_table(table: list[list[int]], depth: int) -> None:
    if len(table) != depth:
        raise ValueError(
            "A routing table has one list of encoder layers per decoder layer. "
            f"Received: {len(table)} lists {table}, decoder depth={depth}. Write [] for a layer that starts from zeros."
        )


def _resolved(route: list[int], depth: int, table: Any) -> list[int]:
    """Encoder layers counted from 0, for a route that may count from the top."""
    for number in route:
        if not -depth <= number < depth:
            raise ValueError(
                f"The routing table names an encoder layer that does not exist. Received: layer {number} in {table}, "
                f"encoder depth={depth}. Layers are 0 to {depth - 1}, or -1 to -{depth} from the top."
            )
    layers = [number % depth for number in route]
    if len(set(layers)) < len(layers):
        raise ValueError(f"A route names the same encoder layer twice. Received: {route} in {table}. Name it once.")
    return layers
