"""A drawing of a model: encoder stack, bridge, decoder stack and attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seq2seq.models.canvas import INK, LINE, PAPER, Canvas, joining, node_width, told_depths, told_starts
from seq2seq.models.wiring import need_wires, told_directions, told_parts
from seq2seq.system.picture import COLOURS, Picture

if TYPE_CHECKING:
    from seq2seq.layers.wire import Wire
    from seq2seq.models import Seq2Seq

_BOX, _GAP, _RESIDUAL_GAP = 38, 24, 42  # heights of boxes and of the gaps between them, pixels
_WIDEST, _NARROWEST = 250, 84  # widths of boxes
_LANE, _CURVES = 210, 92  # between the columns, for the routes; in it beside the widest node, where they turn
_MARGIN = 104  # beside the columns, for names of layers, residual connections and input feeding


def draw(model: Seq2Seq) -> Picture:
    """Draw encoder stack, bridge, decoder stack and attention.

    Boxes are as wide as their layers. A route of the bridge has the colour of the encoder layer that it comes from.

    Args:
        model: A built model.

    Returns:
        A self-contained SVG document, light or dark as the reader prefers; a notebook shows it.

    Raises:
        ValueError: It is something else than a `Seq2Seq`, or its bridge has no wires.
    """
    need_wires(model, "draw")
    return _Drawing(model).drawn()


class _Drawing(Canvas):
    """Lays a model out in rows from below (embeddings, -1) to the top (logits), encoder left, decoder right."""

    def __init__(self, model: Seq2Seq) -> None:
        super().__init__()
        self.model = model
        self.encoder, self.bridge, self.decoder = model.encoder, model.bridge, model.decoder
        encoder_units = [sum(widths) for widths in self.encoder.state_units]
        self.scale = _WIDEST / max(*encoder_units, *self.decoder.units)
        self.top = max(len(encoder_units), len(self.decoder.units))  # the row of memory and attention
        self.rows = self.top + (4 if self.decoder.attention is not None else 2)
        residual = self.encoder.stack.residual_from is not None or self.decoder.stack.residual_from is not None
        self.row = _BOX + (_RESIDUAL_GAP if residual else _GAP)
        self.left = _MARGIN + _WIDEST / 2
        self.joined = [joining(wire) for wire in self.bridge.wires]
        self.widest_node = max(map(node_width, self.joined))
        self.right = self.left + _WIDEST + max(_LANE, self.widest_node + _CURVES)
        self.width = self.right + _WIDEST / 2 + _MARGIN
        self.projected = any(wire.projected for wire in self.bridge.wires)
        self.floor = 76 if self.projected else 48  # of what stands below the rows
        self.height = self.rows * self.row + 64 + self.floor
        self.memory = f"memory {self.encoder.memory_units:,} per source token"

    def drawn(self) -> Picture:
        self._columns()
        for number, wire in enumerate(self.bridge.wires):
            self._wire(number, wire)
        if self.projected:
            self.text(self.width / 2, self.height - 14, self._legend(), size=12, soft=True)
        title = f"{told_depths(self.model)}, state bridge {self._mode()}"
        return self.picture(self.width, self.height, title, told_starts(self.model))

    def _legend(self) -> str:
        """Say which parts of a state are projected."""
        projected = {part for wire in self.bridge.wires for part in wire.projected_parts}
        parts = [part for part in self.decoder.stack.cell.part_names if part in projected]
        return "projection: trained" + (f", one for {' and one for '.join(parts)}" if parts else "")

    # --- columns ------------------------------------------------------------------------------------------------

    def _columns(self) -> None:
        encoder, decoder = self.encoder, self.decoder
        self.text(self.left, 30, "encoder", size=16, bold=True)
        self.text(self.right, 30, "decoder", size=16, bold=True)
        self.text((self.left + self.right) / 2, 30, f"state bridge: {self._mode()}", size=14)
        if self._settings():
            self.text((self.left + self.right) / 2, 50, self._settings(), soft=True)
        words = "source, turned round: … w3 w2 w1 </s>" if encoder.reverse else "source: w1 w2 w3 … </s>"
        shared = " (shared)" if encoder.embedding is decoder.embedding else ""
        columns = ((self.left, words, encoder), (self.right, "target so far: <s> w1 w2 …", decoder))
        for x, words, part in columns:
            self.text(x, self._y(-1) + self.row - 2, words)
            self.arrow(x, self._y(-1) + self.row - 16, x, self._below(-1))
            label = f"embedding {part.embedding_dim:,}{shared}"
            self.box(x, self._y(-1), self._span(part.embedding_dim, label), _BOX, "plain", label)
            self.arrow(x, self._above(-1), x, self._below(0))
        self._stack(encoder.stack, self.left, "forward", -1)
        self._stack(decoder.stack, self.right, "decoder", 1)
        self._outputs()
        self._skips(encoder.stack, self.left, -1)
        self._skips(decoder.stack, self.right, 1)

    def _stack(self, stack: Any, x: float, colour: str, side: int) -> None:
        for number, units in enumerate(stack.units):
            half = self._half(stack, number)
            if stack.both_ways[number]:
                self.box(x - half / 2, self._y(number), half - 3, _BOX, "forward", f"→ {units:,}")
                self.box(x + half / 2, self._y(number), half - 3, _BOX, "backward", f"{units:,} ←")
            else:
                self.box(x, self._y(number), 2 * half, _BOX, colour, f"{stack.cell.title} {units:,}")
            name = x + side * (half + 10 + 8 * stack.has_residual(number))
            self.text(name, self._y(number) + 4, f"layer {number}", anchor="end" if side < 0 else "start", soft=True)
            if number:
                self.arrow(x, self._above(number - 1), x, self._below(number))

    def _skips(self, stack: Any, x: float, side: int) -> None:
        """Draw residual connections, each from the line below a box round to the sum above it, over the arrows."""
        for number in filter(stack.has_residual, range(len(stack.units))):
            out = x + side * (self._half(stack, number) + 10)
            below, above = self._below(number) + 15, self._above(number) - 12
            self.path(f"M{x:g} {below:g} H{out:g} V{above:g} H{x + 7 * side:g}", LINE)
            self.parts.append(f'<circle cx="{x:g}" cy="{above:g}" r="7" fill="{PAPER}" stroke="{LINE}"/>')
            self.path(f"M{x - 4:g} {above:g} h8 M{x:g} {above - 4:g} v8", INK)

    def _outputs(self) -> None:
        encoder, decoder, row = self.encoder, self.decoder, self.top
        below = len(decoder.units) - 1
        if decoder.attention is not None or self._averages():
            self.arrow(self.left, self._above(len(encoder.state_units) - 1), self.left, self._below(row))
            self.box(
                self.left, self._y(row), self._span(encoder.memory_units, self.memory), _BOX, "memory", self.memory
            )
        if decoder.attention is not None:
            label = f"attention: {decoder.attention_name}"
            wide = self._span(decoder.units[-1], label)
            self.arrow(self.right, self._above(below), self.right, self._below(row))
            self.box(self.right, self._y(row), wide, _BOX, "memory", label)
            start = self.left + self._span(encoder.memory_units, self.memory) / 2
            self.arrow(start, self._y(row), self.right - wide / 2, self._y(row))
            self.arrow(self.right, self._above(row), self.right, self._below(row + 1))
            label = f"combine context, hidden {decoder.units[-1]:,}"
            wide = self._span(decoder.units[-1], label)
            self.box(self.right, self._y(row + 1), wide, _BOX, "plain", label)
            if decoder.input_feeding:
                self._feeding(row + 1, self.right + wide / 2)
            below, row = row + 1, row + 2
        label = f"logits {decoder.vocab_size:,}"
        self.arrow(self.right, self._above(below), self.right, self._below(row))
        self.box(self.right, self._y(row), self._span(0, label), _BOX, "plain", label)
        self.arrow(self.right, self._above(row), self.right, self._above(row) - 18)

    def _feeding(self, row: int, start: float) -> None:
        """The way of the outputs back into the lowest layer, for the next token."""
        out, into = self.width - 26, self._below(0) + (self.row - _BOX) / 2 + 3
        self.path(f"M{start:g} {self._y(row):g} H{out:g} V{into:g} H{self.right + 10:g}", LINE, dashes="5 4")
        self.head(self.right + 2, into, -1, 0, LINE)
        middle = (self._y(row) + into) / 2
        turned = f'transform="rotate(90 {out + 8:g} {middle:g})"'
        self.text(out + 8, middle + 2, "input feeding: into the next step", soft=True, attributes=turned)

    # --- the bridge ---------------------------------------------------------------------------------------------

    def _wire(self, number: int, wire: Wire) -> None:
        """The routes into one decoder layer, through the node where they join."""
        lines = self.joined[number]
        y, edge = self._y(number), self.right - self._half(self.decoder.stack, number)
        wide, column = node_width(lines), self.right - _WIDEST / 2 - 22 - self.widest_node / 2  # where the nodes stand
        end = column - wide / 2 if lines else edge - 7
        for source in wire.sources:
            start = self.left + self._half(self.encoder.stack, source)
            self._route(start, self._y(source), end, y, COLOURS[source % len(COLOURS)])
        if wire.kind == "mean":
            start = self.left + self._span(self.encoder.memory_units, self.memory) / 2
            self._route(start, self._y(self.top) + 9, end, y, COLOURS[3])
        colour = LINE if wire.kind == "zeros" else INK if lines else COLOURS[wire.sources[0] % len(COLOURS)]
        if lines:
            self.node(column, y, lines, colour)
            self.path(f"M{end + wide:g} {y:g} H{edge - 7:g}", colour)
        self.head(edge, y, 1, 0, colour)

    def _route(self, x: float, y: float, to_x: float, to_y: float, colour: str) -> None:
        clear = max(x, self.left + _WIDEST / 2) + 6  # past the widest box, where a curve crosses no layer
        reach = (to_x - clear) * 0.55
        curve = f"C{clear + reach:g} {y:g} {to_x - reach:g} {to_y:g} {to_x:g} {to_y:g}"
        self.path(f"M{x:g} {y:g} H{clear:g} {curve}", colour, wide=1.8)

    def _averages(self) -> bool:
        return any(wire.kind == "mean" for wire in self.bridge.wires)

    def _mode(self) -> str:
        mode = str(self.bridge.mode)
        return mode if len(mode) <= 28 else "table"

    def _settings(self) -> str:
        """What the mode and the routes do not show."""
        wires = self.bridge.wires
        words = ["to the first layer"] if any(wire.skipped for wire in wires) else []
        words += [f"align {wire.align}" for wire in wires if wire.align is not None]
        words += [words for wire in wires for words in told_directions(wire)]
        words += [words for wire in wires for words in told_parts(wire)]
        return ", ".join(dict.fromkeys(words))

    # --- places ------------------------------------------------------------------------------------------------

    def _y(self, row: int) -> float:
        """The middle of a row."""
        return self.height - self.floor - (row + 1.5) * self.row

    def _above(self, row: int) -> float:
        return self._y(row) - _BOX / 2

    def _below(self, row: int) -> float:
        return self._y(row) + _BOX / 2

    def _half(self, stack: Any, number: int) -> float:
        units = stack.units[number] * (2 if stack.both_ways[number] else 1)
        return max(_NARROWEST * (1.6 if stack.both_ways[number] else 1), units * self.scale) / 2

    def _span(self, units: int, label: str) -> float:
        """The width of a box of so many units that has room for its label."""
        return max(_NARROWEST, min(units * self.scale, _WIDEST), len(label) * 6.8 + 24)
