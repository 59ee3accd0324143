"""A drawing of a model: encoder stack, bridge, decoder stack and attention."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

from seq2seq.analysis.palette import COLOURS
from seq2seq.analysis.wiring import told_directions, told_parts

if TYPE_CHECKING:
    from seq2seq.layers.wire import Kind, Wire
    from seq2seq.models import Seq2Seq

_BOX, _GAP, _RESIDUAL_GAP = 38, 24, 42  # heights of boxes and of the gaps between them, pixels
_WIDEST, _NARROWEST = 250, 84  # widths of boxes
_LANE = 210  # between the columns, for the routes
_MARGIN = 104  # beside the columns, for names of layers, residual connections and input feeding
_INK, _LINE, _PAPER = "#1b2733", "#5b6b7a", "#ffffff"
_FILL = {"plain": "#eef1f4", "forward": "#d6e6f7", "backward": "#fbe3cf", "decoder": "#dcefdc", "memory": "#f3e8f8"}
# Signs of what happens on the way into a layer, and what they mean.
_UNROUTED: dict[Kind, str] = {"mean": "mean", "trained": "trained", "zeros": "0"}
_MERGED = {"concat": "++", "sum": "+", "mean": "mean"}
_PROJECTED = {"none": ["W"], "tanh": ["tanh", "W"], "relu": ["relu", "W"]}
_LEGEND = {"W": "W trained projection", "++": "++ side by side", "+": "+ sum", "0": "0 zeros"}


def draw(model: Seq2Seq) -> str:
    """Draw encoder stack, bridge, decoder stack and attention.

    Boxes are as wide as their layers. A route of the bridge has the colour of the encoder layer that it comes from.

    Args:
        model: A built model.

    Returns:
        A self-contained SVG document, dark on white.
    """
    return _Drawing(model).svg()


class _Drawing:
    """Lays a model out in rows from below (embeddings, -1) to the top (logits), encoder left, decoder right."""

    def __init__(self, model: Seq2Seq) -> None:
        self.encoder, self.bridge, self.decoder = model.encoder, model.bridge, model.decoder
        self.parts: list[str] = []
        encoder_units = [sum(widths) for widths in self.encoder.state_units]
        self.scale = _WIDEST / max(*encoder_units, *self.decoder.units)
        self.top = max(len(encoder_units), len(self.decoder.units))  # the row of memory and attention
        self.rows = self.top + (4 if self.decoder.attention is not None else 2)
        residual = self.encoder.stack.residual_from is not None or self.decoder.stack.residual_from is not None
        self.row = _BOX + (_RESIDUAL_GAP if residual else _GAP)
        self.left = _MARGIN + _WIDEST / 2
        self.right = self.left + _WIDEST + _LANE
        self.width = self.right + _WIDEST / 2 + _MARGIN
        self.height = self.rows * self.row + 140
        self.signs = [_signs(wire) for wire in self.bridge.wires]
        self.memory = f"memory {self.encoder.memory_units:,} per source token"

    def svg(self) -> str:
        self._columns()
        for number, wire in enumerate(self.bridge.wires):
            self._wire(number, wire)
        used = [words for sign, words in _LEGEND.items() if any(sign in signs for signs in self.signs)]
        self._text(self.width / 2, self.height - 14, "   ·   ".join(used), size=12, soft=True)
        summary = f"{len(self.encoder.state_units)} encoder layers, {len(self.decoder.units)} decoder layers"
        size = f'viewBox="0 0 {self.width:g} {self.height:g}" width="{self.width:g}" height="{self.height:g}"'
        font = f'font-family="Helvetica, Arial, sans-serif" font-size="13" fill="{_INK}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {font}>'
        title = f"<title>{summary}, state bridge {escape(self._mode())}</title>"
        paper = f'<rect width="100%" height="100%" fill="{_PAPER}"/>'
        return "\n".join([head, title, paper, *self.parts, "</svg>"]) + "\n"

    # --- columns ------------------------------------------------------------------------------------------------

    def _columns(self) -> None:
        encoder, decoder = self.encoder, self.decoder
        self._text(self.left, 30, "encoder", size=16, bold=True)
        self._text(self.right, 30, "decoder", size=16, bold=True)
        self._text((self.left + self.right) / 2, 30, f"state bridge: {self._mode()}", size=14)
        if self._settings():
            self._text((self.left + self.right) / 2, 50, self._settings(), soft=True)
        words = "source, turned round: … w3 w2 w1 </s>" if encoder.reverse else "source: w1 w2 w3 … </s>"
        shared = " (shared)" if encoder.embedding is decoder.embedding else ""
        columns = ((self.left, words, encoder), (self.right, "target so far: <s> w1 w2 …", decoder))
        for x, words, part in columns:
            self._text(x, self._y(-1) + self.row - 2, words)
            self._arrow(x, self._y(-1) + self.row - 16, x, self._below(-1))
            label = f"embedding {part.embedding_dim:,}{shared}"
            self._box(x, -1, self._span(part.embedding_dim, label), "plain", label)
            self._arrow(x, self._above(-1), x, self._below(0))
        self._stack(encoder.stack, self.left, "forward", -1)
        self._stack(decoder.stack, self.right, "decoder", 1)
        self._outputs()

    def _stack(self, stack: Any, x: float, colour: str, side: int) -> None:
        for number, units in enumerate(stack.units):
            half = self._half(stack, number)
            if stack.both_ways[number]:
                self._box(x - half / 2, number, half - 3, "forward", f"→ {units:,}")
                self._box(x + half / 2, number, half - 3, "backward", f"{units:,} ←")
            else:
                self._box(x, number, 2 * half, colour, f"{stack.cell.title} {units:,}")
            residual = stack.has_residual(number)
            if residual:
                self._skip(x, x + side * (half + 10), number)
            name = x + side * (half + 10 + 8 * residual)
            self._text(name, self._y(number) + 4, f"layer {number}", anchor="end" if side < 0 else "start", soft=True)
            if number:
                self._arrow(x, self._above(number - 1), x, self._below(number))

    def _skip(self, x: float, out: float, number: int) -> None:
        """A residual connection: from the line below a box round to the sum above it."""
        below, above = self._below(number) + 15, self._above(number) - 11
        near = x + math.copysign(6, out - x)
        self._path(f"M{x:g} {below:g} H{out:g} V{above:g} H{near:g}", _LINE)
        self.parts.append(f'<circle cx="{x:g}" cy="{above:g}" r="6" fill="{_PAPER}" stroke="{_LINE}"/>')
        self._path(f"M{x - 3:g} {above:g} h6 M{x:g} {above - 3:g} v6", _INK)

    def _outputs(self) -> None:
        encoder, decoder, row = self.encoder, self.decoder, self.top
        below = len(decoder.units) - 1
        if decoder.attention is not None or self._averages():
            self._arrow(self.left, self._above(len(encoder.state_units) - 1), self.left, self._below(row))
            self._box(self.left, row, self._span(encoder.memory_units, self.memory), "memory", self.memory)
        if decoder.attention is not None:
            label = f"attention: {decoder.attention_name}"
            wide = self._span(decoder.units[-1], label)
            self._arrow(self.right, self._above(below), self.right, self._below(row))
            self._box(self.right, row, wide, "memory", label)
            start = self.left + self._span(encoder.memory_units, self.memory) / 2
            self._arrow(start, self._y(row), self.right - wide / 2, self._y(row))
            self._arrow(self.right, self._above(row), self.right, self._below(row + 1))
            label = f"tanh W [context, hidden] {decoder.units[-1]:,}"
            wide = self._span(decoder.units[-1], label)
            self._box(self.right, row + 1, wide, "plain", label)
            if decoder.input_feeding:
                self._feeding(row + 1, self.right + wide / 2)
            below, row = row + 1, row + 2
        label = f"logits {decoder.vocab_size:,}"
        self._arrow(self.right, self._above(below), self.right, self._below(row))
        self._box(self.right, row, self._span(0, label), "plain", label)
        self._arrow(self.right, self._above(row), self.right, self._above(row) - 18)

    def _feeding(self, row: int, start: float) -> None:
        """The way of the outputs back into the lowest layer, for the next token."""
        out, into = self.width - 26, self._below(0) + (self.row - _BOX) / 2 + 3
        self._path(f"M{start:g} {self._y(row):g} H{out:g} V{into:g} H{self.right + 10:g}", _LINE, dashed=True)
        self._head(self.right + 2, into, -1, 0, _LINE)
        middle = (self._y(row) + into) / 2
        turned = f'transform="rotate(90 {out + 8:g} {middle:g})"'
        self._text(out + 8, middle + 2, "input feeding: into the next step", soft=True, attributes=turned)

    # --- the bridge ---------------------------------------------------------------------------------------------

    def _wire(self, number: int, wire: Wire) -> None:
        """The routes into one decoder layer, through the node where they join."""
        label = " ".join(self.signs[number])
        y, edge = self._y(number), self.right - self._half(self.decoder.stack, number)
        wide = _node(label)
        column = (
            self.right - _WIDEST / 2 - 22 - max(_node(" ".join(signs)) for signs in self.signs) / 2
        )  # where the nodes stand
        end = column - wide / 2 if label else edge - 7
        for source in wire.sources:
            start = self.left + self._half(self.encoder.stack, source)
            self._route(start, self._y(source), end, y, COLOURS[source % len(COLOURS)])
        if wire.kind == "mean":
            start = self.left + self._span(self.encoder.memory_units, self.memory) / 2
            self._route(start, self._y(self.top) + 9, end, y, COLOURS[3])
        colour = _LINE if wire.kind == "zeros" else _INK if label else COLOURS[wire.sources[0] % len(COLOURS)]
        if label:
            node = f'x="{end:g}" y="{y - 12:g}" width="{wide:g}" height="24" rx="12"'
            self.parts.append(f'<rect {node} fill="{_PAPER}" stroke="{colour}"/>')
            self._text(column, y + 4, label, size=12)
            self._path(f"M{end + wide:g} {y:g} H{edge - 7:g}", colour)
        self._head(edge, y, 1, 0, colour)

    def _route(self, x: float, y: float, to_x: float, to_y: float, colour: str) -> None:
        clear = max(x, self.left + _WIDEST / 2) + 6  # past the widest box, where a curve crosses no layer
        reach = (to_x - clear) * 0.55
        curve = f"C{clear + reach:g} {y:g} {to_x - reach:g} {to_y:g} {to_x:g} {to_y:g}"
        self._path(f"M{x:g} {y:g} H{clear:g} {curve}", colour, wide=1.8)

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

    # --- strokes ------------------------------------------------------------------------------------------------

    def _y(self, row: int) -> float:
        """The middle of a row."""
        return self.height - 76 - (row + 1.5) * self.row

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

    def _box(self, x: float, row: int, wide: float, colour: str, label: str) -> None:
        place = f'x="{x - wide / 2:g}" y="{self._above(row):g}" width="{wide:g}" height="{_BOX}" rx="5"'
        self.parts.append(f'<rect {place} fill="{_FILL[colour]}" stroke="{_LINE}"/>')
        self._text(x, self._y(row) + 4.5, label, size=13)

    def _text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: int = 0,
        anchor: str = "middle",
        bold: bool = False,
        soft: bool = False,
        attributes: str = "",
    ) -> None:
        style = ' font-weight="bold"' * bold + f' fill="{_LINE}"' * soft
        size = size or (12 if soft else 13)
        place = f'x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}"'
        self.parts.append(f"<text {place}{style} {attributes}>{escape(text)}</text>".replace(" >", ">"))

    def _path(self, path: str, colour: str, *, wide: float = 1.4, dashed: bool = False) -> None:
        dashes = ' stroke-dasharray="5 4"' * dashed
        self.parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{wide}"{dashes}/>')

    def _arrow(self, x: float, y: float, to_x: float, to_y: float) -> None:
        """A straight arrow, upwards or to the right."""
        right = int(to_x > x)
        self._path(f"M{x:g} {y:g} " + (f"H{to_x - 6:g}" if right else f"V{to_y + 6:g}"), _LINE)
        self._head(to_x, to_y, right, right - 1, _LINE)

    def _head(self, x: float, y: float, dx: int, dy: int, colour: str) -> None:
        """The head of an arrow whose point is here, in a direction along one axis."""
        corners = [(x, y), (x - 8 * dx - 4 * dy, y - 8 * dy - 4 * dx), (x - 8 * dx + 4 * dy, y - 8 * dy + 4 * dx)]
        points = " ".join(f"{across:g},{down:g}" for across, down in corners)
        self.parts.append(f'<polygon points="{points}" fill="{colour}"/>')


def _node(label: str) -> float:
    """The width of the node where routes join."""
    return max(len(label) * 7.0 + 16, 24)


def _signs(wire: Wire) -> list[str]:
    """What happens where the routes into a layer meet; nothing where one state is taken as it is."""
    if wire.label:
        return [wire.label]
    projected = _PROJECTED[wire.activation] if wire.projected else []
    if wire.kind != "routed":
        return [_UNROUTED[wire.kind], *projected]
    if wire.merge is None:
        return projected
    apart = wire.merge != "concat" and len(set(wire.source_units)) > 1  # each is projected before they are added
    return [*projected, _MERGED[wire.merge]] if apart else [_MERGED[wire.merge], *projected]
