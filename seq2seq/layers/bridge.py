"""State passing: which encoder layers each decoder layer starts from, and how their states get there."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras

from seq2seq.layers.arguments import hand_on_frozen
from seq2seq.layers.cells import Cell, cell_config, cell_named
from seq2seq.layers.routes import ALIGN, MODES, TABLE, Routes, check_table, checked_table, resolved
from seq2seq.layers.stack import checked_units
from seq2seq.layers.starts import (
    DIRECTIONS,
    MERGES,
    LayerStart,
    MeanOfMemory,
    Projected,
    Route,
    Start,
    Trained,
    Weights,
    Zeros,
    take_apart,
)
from seq2seq.layers.state import Encoded, StackState, is_nested, nesting
from seq2seq.layers.wire import Kind, Way, Wire
from seq2seq.system.choices import choose

TO = {"all": "every decoder layer", "first": "the lowest one; zeros above"}
STATES = {"both": "every part of the state", "hidden": "the hidden state", "cell": "the cell state"}
PROJECT = {"auto": "where widths differ", "always": "everywhere", "never": "nowhere"}
ACTIVATIONS = {"auto": "that of the mode", "none": "linear", "tanh": "tanh", "relu": "the larger of 0 and the number"}
MISSING = {"zero": "zeros", "project": "a trained projection of the hidden state"}
_CHOICES: dict[str, Mapping[str, Any]] = {
    "to": TO,
    "directions": DIRECTIONS,
    "merge": MERGES,
    "states": STATES,
    "project": PROJECT,
    "activation": ACTIVATIONS,
    "align": ALIGN,
    "missing": MISSING,
}


class _EncoderEnd(NamedTuple):
    """The encoder's end of a bridge: of its layers the widths, directions joined, and which read both ways; parts."""

    units: list[int]
    both_ways: list[bool]
    memory_units: int
    parts: tuple[str, ...]


@keras.saving.register_keras_serializable("seq2seq")
class StateBridge(keras.layers.Layer):
    """Turns the final state of an encoder stack into the initial state of a decoder stack.

    A routing table names, for every decoder layer, the encoder layers whose final states it starts from. All parts of
    a state (hidden, cell) take the same routes and never share a projection. Any depths and widths work together, and
    any two cells: what the decoder's cell has not is dropped, what the encoder's has not is `missing`.

    Args:
        units: The width of each decoder layer, lowest first.
        mode: A name of `MODES`, or the table itself: one list of encoder layers per decoder layer, where `[]` is
            zeros and negative numbers count from the top.
        to: `"all"` decoder layers, or only the `"first"` (lowest), zeros above; for named modes.
        directions: How the two states of a bidirectional layer join: `"concat"`, `"sum"`, `"mean"`, or only
            `"forward"` (after the last real token) or `"backward"` (after the first).
        merge: How several routed layers join: `"concat"`, `"sum"` or `"mean"`; the last two project each layer to the
            decoder's width first where widths differ.
        states: What is passed: `"both"`, which is every part that there is, `"hidden"` or `"cell"`; what is not is
            zero.
        project: Put a trained projection `"auto"` (only where widths differ), `"always"` or `"never"`.
        activation: Of the projection: `"none"`, `"tanh"`, `"relu"`, or `"auto"`: tanh for `"mean"`, else none.
        align: For `"per_layer"` between depths E and D: `"bottom"` layer i from layer i, `"top"` from i + E - D (zeros
            where there is no such layer), `"spread"` from ⌊i·E/D⌋; `"none"` asks for equal depths.
        cell: The decoder's cell, a name of `seq2seq.layers.CELLS` or a `Cell`, which says what parts its state has.
        missing: What a routed part is that the encoder's cell has not, as the cell state of a GRU: `"zero"`, or
            `"project"`, a trained projection of the hidden state.

    Call arguments:
        encoded: An `Encoded`: memory, mask and the state per layer and direction.

    Returns:
        The initial state of the decoder stack: per layer a tuple of one state of the cell, each part `[batch, units]`.

    Raises:
        ValueError: At construction or build, for settings that contradict each other, do not fit the encoder, or pass
            nothing.

    Example:
        >>> bridge = StateBridge([32, 16], [[-1], [0, 1]])
        >>> bridge.build_for(encoder_units=[(8,), (8, 8)])
        >>> [(wire.sources, wire.projected) for wire in bridge.wires]
        [([1], True), ([0, 1], True)]

    Source:
        Sutskever et al. 2014 and Luong et al. 2015 (per layer), Cho et al. 2014 (one summary for all layers).
    """

    built: bool
    encoder_units: list[tuple[int, ...]]
    encoder_parts: tuple[str, ...]

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
        cell: str | Cell = "lstm",
        missing: str = "zero",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = checked_units(units)
        self.mode = mode if isinstance(mode, str) else checked_table(mode)
        self.to = to
        self.directions = directions
        self.merge = merge
        self.states = states
        self.project = project
        self.activation = activation
        self.align = align
        self.cell = cell_named(cell)
        self.missing = missing
        for what, table in _CHOICES.items():
            choose(what, getattr(self, what), table)
        self.parts = self.cell.part_names
        self._mode = choose("mode", self.mode, MODES) if isinstance(self.mode, str) else TABLE
        self._check_settings()

    @property
    def ignores_source(self) -> bool:
        """Whether nothing of the source reaches any decoder layer: zeros or trained vectors everywhere; once built."""
        return not any(wire.source_units for wire in self.wires)

    def routes(self, encoder_depth: int) -> Routes:
        """The routing table: for every decoder layer the encoder layers (from 0) that it starts from.

        Raises:
            ValueError: If the mode cannot join these depths.
        """
        if not isinstance(self.mode, str):
            return [resolved(route, encoder_depth, self.mode) for route in self.mode]
        routes = self._mode.routes(encoder_depth, len(self.units), self.align)
        return [list(route) if self._reached(layer) else [] for layer, route in enumerate(routes)]

    def plan(
        self,
        encoder_units: Sequence[Sequence[int]],
        memory_units: int = 0,
        encoder_parts: Sequence[str] = ("hidden", "cell"),
    ) -> list[LayerStart]:
        """Settle how every decoder layer starts, without making a weight.

        Args:
            encoder_units: See `build_for`.
            memory_units: See `build_for`.
            encoder_parts: See `build_for`.

        Returns:
            What each decoder layer starts from, lowest first.

        Raises:
            ValueError: If the settings do not fit the encoder, or pass nothing.
        """
        join = DIRECTIONS[self.directions].units
        units = [join(widths) if len(widths) > 1 else widths[0] for widths in encoder_units]
        end = _EncoderEnd(units, [len(widths) > 1 for widths in encoder_units], memory_units, tuple(encoder_parts))
        routes = self.routes(len(units))
        self._check_passing(routes, end)
        start = {"routed": self._routed, "mean": self._mean, "trained": self._trained, "zeros": self._zeros}
        return [
            start[self._mode.kind if self._reached(layer) else "zeros"](layer, route, end)
            for layer, route in enumerate(routes)
        ]

    def build(self, encoded_shape: Any) -> None:  # noqa: D102
        _need_encoded(
            keras.tree.map_shape_structure(lambda shape: shape and keras.InputSpec(shape=shape), encoded_shape)
        )
        memory, _, state = encoded_shape
        parts = getattr(state[0][0], "_fields", self.parts)  # plain tuples have lost the names: the decoder's, then
        self.build_for([tuple(direction[0][-1] for direction in layer) for layer in state], memory[-1], parts)

    def build_for(
        self,
        encoder_units: Sequence[Sequence[int]],
        memory_units: int = 0,
        encoder_parts: Sequence[str] = ("hidden", "cell"),
    ) -> None:
        """Make the projections for an encoder.

        Args:
            encoder_units: Width per encoder layer and direction.
            memory_units: Width of the encoder's outputs; the mode `"mean"` needs it.
            encoder_parts: The names of the parts of the encoder's state, the hidden state first.
        """
        asked = [tuple(widths) for widths in encoder_units], tuple(encoder_parts)
        if self.built:
            there = self.encoder_units, self.encoder_parts
            if asked != there:
                raise ValueError(
                    "A bridge is wired for one encoder. Received: widths per layer and direction, and parts of the "
                    f"state, {asked}, where it was built for {there}. Make another bridge."
                )
            return
        self.encoder_units, self.encoder_parts = asked
        self.memory_units = memory_units
        self.starts = self.plan(self.encoder_units, memory_units, self.encoder_parts)
        self.projections: dict[str, keras.layers.Dense] = {}
        self.vectors: dict[str, Any] = {}
        for start in self.starts:
            for wanted in start.projections:
                function = None if wanted.activation == "none" else wanted.activation
                dense = keras.layers.Dense(wanted.units, function, dtype=self.dtype_policy, name=wanted.name)
                dense.build((None, wanted.source_units))
                self.projections[wanted.name] = dense
            for vector in start.vectors:
                self.vectors[vector.name] = self.add_weight((vector.units,), "zeros", name=vector.name)
        self.wires = [start.wire for start in self.starts]
        hand_on_frozen(self)
        self.built = True

    def call(self, encoded: Encoded) -> StackState:  # noqa: D102
        _need_encoded(encoded)
        given = take_apart(encoded, self.encoder_parts, DIRECTIONS[self.directions])
        weights = Weights(self.projections, self.vectors)
        return tuple((self.cell.State(*start(given, weights)),) for start in self.starts)

    def get_config(self) -> dict[str, Any]:  # noqa: D102
        settings = {name: getattr(self, name) for name in ("units", "mode", *_CHOICES)}
        return {**super().get_config(), **settings, "cell": cell_config(self.cell)}

    def get_build_config(self) -> dict[str, Any] | None:  # noqa: D102
        if not self.built:
            return None
        return {
            "encoder_units": [list(widths) for widths in self.encoder_units],
            "memory_units": self.memory_units,
            "encoder_parts": list(self.encoder_parts),
        }

    def build_from_config(self, config: dict[str, Any]) -> None:  # noqa: D102
        self.build_for(**config)

    # --- what is refused ----------------------------------------------------------------------------------------

    def _check_settings(self) -> None:
        if not isinstance(self.mode, str):
            check_table(self.mode, len(self.units))
            if self.to != "all":
                raise ValueError(
                    f"A routing table says itself where states go. Received: to={self.to!r} with mode={self.mode}. "
                    "Leave `to` out, and write [] for a decoder layer that starts from zeros."
                )
        if self.align != "none" and self.mode != "per_layer":
            raise ValueError(
                f"align says which layer is level with which, for per_layer only. Received: align={self.align!r} with "
                f"mode={self.mode!r}. Leave it out, or use mode='per_layer'."
            )
        if self.mode == "concatenated" and self.merge != "concat":
            raise ValueError(
                "concatenated puts all encoder layers side by side. "
                f"Received: mode='concatenated', merge={self.merge!r}. Leave `merge` out, or use an explicit table."
            )
        if self.project == "never" and self._mode.projects:
            raise ValueError(
                f"{self.mode} always projects: what it passes has not the decoder's width by design. "
                f"Received: project='never'. Leave `project` out, or use an explicit table."
            )
        if self.project == "never" and self.missing == "project":
            raise ValueError(
                "missing='project' projects the hidden state where the encoder's cell has no other. "
                "Received: project='never', missing='project'. Leave one of them out."
            )

    def _check_passing(self, routes: Routes, end: _EncoderEnd) -> None:
        """Refuse settings that ask for something and get nothing through."""
        ends = f"encoder parts {', '.join(end.parts)}, cell={self.cell.name!r} with {', '.join(self.parts)}"
        if not any(map(self._asked, (*end.parts, *self.parts))):
            raise ValueError(
                f"states asks for a part that neither side has. Received: states={self.states!r}, {ends}. "
                "Use states='both', which is every part that there is."
            )
        routed, written = self._mode.kind == "routed", not isinstance(self.mode, str)
        if self._mode.kind == "zeros" or (written and not any(routes)):
            return
        if routed and not any(routes):
            raise ValueError(
                "Nothing would be passed: only decoder layer 0 is to get something, and no encoder layer is level with "
                f"it. Received: to={self.to!r}, align={self.align!r}, encoder depth={len(end.units)}, "
                f"decoder depth={len(self.units)}. Use to='all', or align='bottom'."
            )
        readable = end.parts if routed and self.missing == "zero" else self.parts
        if not any(part in readable for part in self.parts if self._asked(part)):
            without, way = (
                ("encoder", "missing='project'") if self.states in self.parts else ("decoder", "another cell")
            )
            raise ValueError(
                f"Nothing would be passed: states asks for the {self.states} state alone, and the {without} has none. "
                f"Received: states={self.states!r}, {ends}. Use states='both' or {way}, or mode='zero' for zeros."
            )

    # --- how a layer starts -------------------------------------------------------------------------------------

    def _zeros(self, layer: int, route: list[int], end: _EncoderEnd) -> LayerStart:
        units = self.units[layer]
        wire = Wire(units=units, kind="zeros", align=self._aligned, skipped=not self._reached(layer))
        return LayerStart({part: Zeros(units) for part in self.parts}, wire)

    def _trained(self, layer: int, route: list[int], end: _EncoderEnd) -> LayerStart:
        units = self.units[layer]
        return self._started(layer, "trained", lambda part: ("taken", Trained(f"layer{layer}_{part}", units)))

    def _mean(self, layer: int, route: list[int], end: _EncoderEnd) -> LayerStart:
        width = end.memory_units
        if not width:
            raise ValueError(
                "The mode 'mean' averages the encoder's outputs, so the bridge needs their width. "
                "Received: memory_units=0. Pass memory_units to build_for."
            )

        def make(part: str) -> tuple[Way, Start]:
            return "projected", self._project(MeanOfMemory(), f"layer{layer}_{part}", width, self.units[layer])

        return self._started(layer, "mean", make, source_units=[width])

    def _routed(self, layer: int, sources: list[int], end: _EncoderEnd) -> LayerStart:
        if not sources:
            return self._zeros(layer, sources, end)
        units, widths = self.units[layer], [end.units[source] for source in sources]
        route = Route(sources, widths, MERGES[self.merge])
        if self.project == "never" and not route.fits(units):
            raise ValueError(
                f"Decoder layer {layer} starts from encoder layers {sources} with widths {widths}, merged by "
                f"{self.merge!r}, which do not give its own width. Received: units={units}, project='never'. "
                "Use project='auto', or make the widths fit."
            )
        projected = not route.fits(units) or self.project == "always" or self._mode.projects

        def make(part: str) -> tuple[Way, Start]:
            def project(start: Start, way: str, width: int) -> Start:
                return self._project(start, f"layer{layer}{way}_{part}", width, units)

            if part in end.parts:
                return ("projected", route.projected(part, project)) if projected else ("taken", route.taken(part))
            if self.missing == "project":
                return "replaced", route.projected(end.parts[0], project)
            return "zero", Zeros(units)

        return self._started(
            layer,
            "routed",
            make,
            end.parts,
            sources=sources,
            source_units=widths,
            merge=self.merge if len(sources) > 1 else None,
            directions=self.directions if any(end.both_ways[source] for source in sources) else None,
        )

    def _started(
        self,
        layer: int,
        kind: Kind,
        make: Callable[[str], tuple[Way, Start]],
        encoder_parts: Sequence[str] = (),
        **told: Any,
    ) -> LayerStart:
        """Make what `states` asks for, and tell of every part what becomes of it."""
        units = self.units[layer]
        left_out: tuple[Way, Start] = ("left_out", Zeros(units))
        made = {part: make(part) if self._asked(part) else left_out for part in self.parts}
        ways = {part: way for part, (way, _) in made.items()}
        ways |= {part: "dropped" if self._asked(part) else "left_out" for part in encoder_parts if part not in made}
        wire = Wire(units=units, kind=kind, align=self._aligned, parts=ways, activation=self._activation, **told)
        return LayerStart({part: start for part, (_, start) in made.items()}, wire)

    def _project(self, start: Start, name: str, source_units: int, units: int) -> Projected:
        return Projected(start, name, source_units, units, self._activation)

    @property
    def _activation(self) -> str:
        """Of projections, whoever chose it."""
        return self._mode.activation if self.activation == "auto" else self.activation

    @property
    def _aligned(self) -> str | None:
        return None if self.align == "none" else self.align

    def _reached(self, layer: int) -> bool:
        return self.to == "all" or layer == 0

    def _asked(self, part: str) -> bool:
        return self.states in ("both", part)


def _need_encoded(given: Any) -> None:
    """Refuse what is not what an encoder gives."""
    members = given if isinstance(given, list | tuple) and len(given) == 3 else (None,) * 3
    if not hasattr(members[0], "shape") or not is_nested(members[2], 3):
        received = f"a state of depth {len(given)}" if is_nested(given, 3) else nesting(given)
        raise ValueError(
            "A bridge is called with what an encoder gives: Encoded(memory, mask, state). "
            f"Received: {received}. Write bridge(Encoded(outputs, mask, state))."
        )
