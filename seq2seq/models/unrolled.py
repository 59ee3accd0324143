"""A model unrolled in time: how its states go from token to token, hidden and cell apart, and over the bridge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from seq2seq.models.canvas import INK, LINE, Canvas, joining, node_width, told_depths, told_starts
from seq2seq.models.wiring import need_wires
from seq2seq.system.picture import COLOURS, Picture

if TYPE_CHECKING:
    from seq2seq.layers.wire import Wire
    from seq2seq.models import Seq2Seq

_COLUMN, _ROW = 84, 78  # from token to token, and from layer to layer, pixels
_WIDE, _HIGH = 52, 48  # of the box of a layer at one token
_SIDE, _CURVES = 104, 70  # beside the columns, for names of layers; beside the nodes, where routes turn
_TOP, _FLOOR = 72, 80
_LONGEST = 9  # letters of a token
_SECONDS, _HOLD = 0.7, 4.0  # a step, and the whole picture before it begins again
_STROKES = ("", "5 4", "1 4")  # of the parts of a state: hidden, cell, and what a cell of one's own may have


def unroll(model: Seq2Seq, source: Sequence[str] = ("w1", "w2", "w3"), target: Sequence[str] = ("v1", "v2")) -> Picture:
    """Draw a model unrolled in time, step by step: what each layer hands to its next step, hidden and cell apart.

    The picture moves: tokens are read one after the other, states pass, tokens are written. Whoever prefers it still,
    or has a program that moves nothing, sees all steps at once.

    Args:
        model: A built model.
        source: Tokens that it reads, without `</s>`.
        target: Tokens that it writes, without `</s>`.

    Returns:
        A self-contained SVG document, light or dark as the reader prefers; a notebook shows it.

    Raises:
        ValueError: It is something else than a `Seq2Seq`, its bridge has no wires, or there is no source token.
    """
    need_wires(model, "unroll")
    if not source:
        raise ValueError("A source is a token at least. Received: source=(). Give its tokens, or leave it out.")
    return _Unrolled(model, source, target).drawn()


class _Unrolled(Canvas):
    """Columns of tokens, from left to right in time; rows of layers; the bridge in the middle."""

    def __init__(self, model: Seq2Seq, source: Sequence[str], target: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self.encoder, self.bridge, self.decoder = model.encoder, model.bridge, model.decoder
        read = list(source)[::-1] if self.encoder.reverse else list(source)
        self.read, self.fed, self.written = [*read, "</s>"], ["<s>", *target], [*target, "</s>"]
        self.joined = [joining(wire) for wire in self.bridge.wires]
        self.widest_node = max(map(node_width, self.joined))
        self.first = (
            _SIDE + _COLUMN * len(self.read) + self.widest_node + 2 * _CURVES
        )  # where the decoder's columns begin
        self.top = max(len(self.encoder.state_units), len(self.decoder.units))  # the row of memory and attention
        self.width = self.first + _COLUMN * len(self.fed) + _SIDE
        self.height = _TOP + (self.top + self._reads_memory()) * _ROW + _FLOOR
        self.starts, self.passes = self._times()
        self.steps = self.passes + 1 + len(self.fed)

    def drawn(self) -> Picture:
        self._heads()
        self._encoder()
        with self._step(self.passes):
            for number, wire in enumerate(self.bridge.wires):
                self._wire(number, wire)
        self._decoder()
        return self.picture(
            self.width, self.height, f"{told_depths(self.model)}, step by step", self._told(), self._motion()
        )

    def _told(self) -> str:
        read, written = " ".join(self.read), " ".join(self.written)
        return f"The encoder reads {read}. Then {told_starts(self.model)} The decoder writes {written}."

    def _times(self) -> tuple[list[int], int]:
        """When each encoder layer begins, and when states pass: above both directions a layer waits for all tokens."""
        starts = [0]
        for both in self.encoder.stack.both_ways:
            starts.append(starts[-1] + both * len(self.read))
        last = starts[-1] if self.encoder.stack.both_ways[-1] else starts[-1] + len(self.read)
        return starts[:-1], last

    def _motion(self) -> str:
        """The style that shows one step after the other, again and again."""
        total = self.steps * _SECONDS + _HOLD
        rules = []
        for step in range(self.steps):
            begin, end = (100 * _SECONDS * place / total for place in (step, step + 0.6))
            name = f"step-{step}-of-{self.steps}"
            rules.append(f"@keyframes {name}{{0%,{begin:.2f}%{{opacity:.15}}{end:.2f}%,98%{{opacity:1}}}}")
            rules.append(f".{name}{{animation:{name} {total:.1f}s infinite}}")
        return f"<style>@media screen and (prefers-reduced-motion:no-preference){{{''.join(rules)}}}</style>"

    @contextmanager
    def _step(self, number: int) -> Iterator[None]:
        """Draw what is seen from a step on."""
        self.parts.append(f'<g class="step-{number}-of-{self.steps}">')
        yield
        self.parts.append("</g>")

    def _heads(self) -> None:
        reading, writing = _COLUMN * len(self.read), _COLUMN * len(self.fed)
        self.text(_SIDE + reading / 2, 26, "encoder", size=16, bold=True)
        self.text(self.first + writing / 2, 26, "decoder", size=16, bold=True)
        self.text((_SIDE + reading + self.first) / 2, 26, "state bridge", size=14)
        for stack, x, anchor in (
            (self.encoder.stack, _SIDE - 10, "end"),
            (self.decoder.stack, self.first + writing + 10, "start"),
        ):
            for layer, units in enumerate(stack.units):
                wide = f"2 × {units:,}" if stack.both_ways[layer] else f"{units:,}"
                names = [f"layer {layer}", f"{wide} units", *["residual"] * stack.has_residual(layer)]
                for line, name in enumerate(names):
                    self.text(
                        x, self._y(layer) + 4 + 15 * (line - (len(names) - 1) / 2), name, anchor=anchor, soft=True
                    )
        parts = dict.fromkeys([*self.encoder.stack.cell.part_names, *self.decoder.stack.cell.part_names])
        x = self.width / 2 - 60 * len(parts)
        for place, part in enumerate(parts):
            self.path(f"M{x:g} {self.height - 20:g} h34", INK, wide=1.8, dashes=_STROKES[min(place, 2)])
            self.text(x + 42, self.height - 16, part, anchor="start")
            x += 120

    # --- reading ------------------------------------------------------------------------------------------------

    def _encoder(self) -> None:
        for column, token in enumerate(self.read):
            self.text(self._x(column), self.height - _FLOOR + 24, _cut(token))
        for layer, both in enumerate(self.encoder.stack.both_ways):
            for column in range(len(self.read)):
                with self._step(self.starts[layer] + column):
                    self._rise(self._x(column), layer)
                    self._cell(layer, column, 0)
                if both:
                    with self._step(self.starts[layer] + len(self.read) - 1 - column):
                        self._cell(layer, column, 1)
        if self._reads_memory():
            layer = len(self.encoder.state_units) - 1
            self.text(_SIDE - 10, self._y(self.top) + 4, "memory", anchor="end", soft=True)
            for column in range(len(self.read)):
                there = max(column, len(self.read) - 1 - column) if self.encoder.stack.both_ways[-1] else column
                with self._step(self.starts[layer] + there):
                    x = self._x(column)
                    self.arrow(x, self._y(layer) - _HIGH / 2, x, self._y(self.top) + 13)
                    self.box(x, self._y(self.top), _WIDE, 26, "memory", str(column + 1))

    def _cell(self, layer: int, column: int, direction: int) -> None:
        """A layer of the encoder at one token, in one direction, and what it is handed by the token before."""
        x, both = self._x(column), self.encoder.stack.both_ways[layer]
        if both:
            self.box(
                x,
                self._y(layer) + (12 if direction else -12),
                _WIDE,
                22,
                ("forward", "backward")[direction],
                "→←"[direction],
            )
        else:
            self.box(x, self._y(layer), _WIDE, _HIGH, "forward")
        way, colour = (-1, 1)[direction], COLOURS[layer % len(COLOURS)]
        first = column == (len(self.read) - 1 if direction else 0)
        for part, y in enumerate(self._levels(layer, direction)):
            if not first:
                start, end = self._x(column + way) - way * _WIDE / 2, x + way * _WIDE / 2
                self._hand_on(start, end, y, part, colour)
            if direction and column == 0:  # the last step of this direction goes a long way to the bridge
                low, out = self._y(layer) + _HIGH / 2 + 5 + 5 * part, x - _WIDE / 2 - 6 - 5 * part
                path = f"M{x - _WIDE / 2:g} {y:g} H{out:g} V{low:g} H{self._exit():g}"
                self.path(path, colour, wide=1.8, dashes=_STROKES[min(part, 2)])

    # --- passing ------------------------------------------------------------------------------------------------

    def _wire(self, number: int, wire: Wire) -> None:
        """The routes into one decoder layer, part by part."""
        edge, lines = self.first + (_COLUMN - _WIDE) / 2, self.joined[number]
        column = self.first - _CURVES + 10 - self.widest_node / 2
        end = column - node_width(lines) / 2 if lines else edge - 6
        known = self.encoder.stack.cell.part_names
        single = COLOURS[wire.sources[0] % len(COLOURS)] if len(wire.sources) == 1 else INK
        colour = LINE if wire.kind == "zeros" else INK if lines else single
        for part, (name, y) in enumerate(zip(self.decoder.stack.cell.part_names, self._levels(number), strict=True)):
            dashes = _STROKES[min(part, 2)]
            if wire.kind != "zeros" and wire.parts.get(name) in ("zero", "left_out"):
                self.text(edge - 16, y + 4, "0", soft=True)
                self.path(f"M{edge - 10:g} {y:g} H{edge - 2:g}", LINE, dashes=dashes)
                continue
            taken = known.index(name) if name in known and wire.parts.get(name) != "replaced" else 0
            for source in wire.sources:
                for x, level in self._exits(source, wire.directions, taken):
                    reach = (end - x) * 0.5
                    curve = f"M{x:g} {level:g} C{x + reach:g} {level:g} {end - reach:g} {y:g} {end:g} {y:g}"
                    self.path(curve, COLOURS[source % len(COLOURS)], wide=1.8, dashes=_STROKES[min(taken, 2)])
            if lines:
                self.path(f"M{column:g} {y:g} H{edge - 6:g}", colour, wide=1.8, dashes=dashes)
            self.head(edge, y, 1, 0, colour)
        if wire.kind == "mean":
            start, reach = self._x(len(self.read) - 1) + _WIDE / 2, (end - self._exit()) * 0.5
            curve = f"H{self._exit():g} C{self._exit() + reach:g} {self._y(self.top):g} {end - reach:g}"
            self.path(
                f"M{start:g} {self._y(self.top):g} {curve} {self._y(number):g} {end:g} {self._y(number):g}", COLOURS[3]
            )
        if lines:
            self.node(column, self._y(number), lines, colour)

    def _exits(self, layer: int, directions: str | None, part: int) -> list[tuple[float, float]]:
        """Where the final states of an encoder layer leave, direction by direction."""
        x = self._x(len(self.read) - 1) + _WIDE / 2
        ends = [(x, self._levels(layer, 0)[part])]
        if self.encoder.stack.both_ways[layer]:
            ends.append((self._exit(), self._y(layer) + _HIGH / 2 + 5 + 5 * part))
        return {"forward": ends[:1], "backward": ends[-1:]}.get(directions or "", ends)

    # --- writing ------------------------------------------------------------------------------------------------

    def _decoder(self) -> None:
        attention, crown = self.decoder.attention is not None, self._y(self.top)
        line = crown - 30  # along which the memory is read
        word = (crown if self._reads_memory() else self._y(self.top - 1) - 11) - 44
        for column, (fed, written) in enumerate(zip(self.fed, self.written, strict=True)):
            x = self.first + _COLUMN * (column + 0.5)
            with self._step(self.passes + 1 + column):
                self.text(x, self.height - _FLOOR + 24, _cut(fed))
                for layer in range(len(self.decoder.units)):
                    self._rise(x, layer)
                    self.box(x, self._y(layer), _WIDE, _HIGH, "decoder")
                    for part, y in enumerate(self._levels(layer)):
                        if column:
                            self._hand_on(x - _COLUMN + _WIDE / 2, x - _WIDE / 2, y, part, LINE)
                above = self._y(len(self.decoder.units) - 1) - _HIGH / 2
                if attention:
                    self.arrow(x, above, x, crown + 13)
                    self.box(x, crown, 70, 26, "memory", "attention")
                    if column:
                        self.path(f"M{x + 24 - _COLUMN:g} {line:g} h{_COLUMN} V{crown - 19:g}", LINE)
                    else:
                        start = self._x(len(self.read) - 1) + _WIDE / 2
                        self.path(f"M{start:g} {crown:g} h14 V{line:g} H{x + 24:g} V{crown - 19:g}", LINE)
                    self.head(x + 24, crown - 13, 0, 1, LINE)
                    above = crown - 13
                    if self.decoder.input_feeding and column + 1 < len(self.fed):
                        low = self._y(0) + _HIGH / 2 + 16
                        path = f"M{x + 35:g} {crown:g} H{x + _COLUMN / 2:g} V{low:g} H{x + _COLUMN - 8:g}"
                        self.path(path, LINE, dashes="2 3")
                        self.head(x + _COLUMN - 1, low, 1, 0, LINE)
                self.arrow(x, above, x, word + 8)
                self.text(x, word, _cut(written), bold=True)

    def _rise(self, x: float, layer: int) -> None:
        """The arrow into a layer from below."""
        start = self._y(layer - 1) - _HIGH / 2 if layer else self.height - _FLOOR + 8
        self.arrow(x, start, x, self._y(layer) + _HIGH / 2)

    def _hand_on(self, start: float, end: float, y: float, part: int, colour: str) -> None:
        """A part of a state, from a step to the next."""
        way = 1 if end > start else -1
        self.path(f"M{start:g} {y:g} H{end - 6 * way:g}", colour, wide=1.8, dashes=_STROKES[min(part, 2)])
        self.head(end, y, way, 0, colour)

    # --- places -------------------------------------------------------------------------------------------------

    def _reads_memory(self) -> bool:
        return self.decoder.attention is not None or any(wire.kind == "mean" for wire in self.bridge.wires)

    def _x(self, column: int) -> float:
        """The middle of a column of the encoder."""
        return _SIDE + _COLUMN * (column + 0.5)

    def _exit(self) -> float:
        """Where the encoder ends."""
        return _SIDE + _COLUMN * len(self.read)

    def _y(self, row: int) -> float:
        """The middle of a row."""
        return self.height - _FLOOR - (row + 0.5) * _ROW

    def _levels(self, layer: int, direction: int | None = None) -> list[float]:
        """At what heights the parts of a state go, in the encoder's layer of a direction or in the decoder's."""
        y, stack, apart = self._y(layer), self.decoder.stack, 18
        if direction is not None:
            stack = self.encoder.stack
            if stack.both_ways[layer]:
                y, apart = y + (12 if direction else -12), 9
        parts = len(stack.cell.part_names)
        return [y + apart * (part - (parts - 1) / 2) for part in range(parts)]


def _cut(token: str) -> str:
    return token if len(token) <= _LONGEST else f"{token[: _LONGEST - 1]}…"
