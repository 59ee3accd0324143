"""Strokes that drawings of a model are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seq2seq.models.wiring import state_table
from seq2seq.system.picture import COLOURS, DARK_COLOURS, Picture, drawable, follow_reader

if TYPE_CHECKING:
    from seq2seq.layers.wire import Kind, Wire
    from seq2seq.models import Seq2Seq

INK, LINE, PAPER = "#1b2733", "#5b6b7a", "#ffffff"
FILL = {"plain": "#eef1f4", "forward": "#d6e6f7", "backward": "#fbe3cf", "decoder": "#dcefdc", "memory": "#f3e8f8"}
LINE_OF_NODE = 14  # height of a line in a node, pixels
_DARK = dict(zip(COLOURS, DARK_COLOURS, strict=True)) | {
    INK: "#e6ebf0", LINE: "#98a6b3", PAPER: "#14191f",
    "#eef1f4": "#232b33", "#d6e6f7": "#1d3a57", "#fbe3cf": "#55371f", "#dcefdc": "#22432a", "#f3e8f8": "#432a52",
}  # fmt: skip
# What happens on the way into a layer, in words short enough for a node.
_UNROUTED: dict[Kind, str] = {"mean": "mean", "trained": "trained vector", "zeros": "zeros"}
_MERGED = {"concat": "side by side", "sum": "sum", "mean": "mean"}
_PROJECTED = {"none": "projection", "tanh": "tanh projection", "relu": "relu projection"}


class Canvas:
    """A drawing that grows stroke by stroke.

    Attributes:
        parts: Its elements, SVG; what comes later lies above.
    """

    def __init__(self) -> None:
        self.parts: list[str] = []

    def picture(self, width: float, height: float, title: str, told: str, style: str = "") -> Picture:
        """Give what was drawn.

        Args:
            width: Of the drawing, pixels.
            height: Of the drawing, pixels.
            title: What it shows.
            told: What is seen on it, for those who do not see it.
            style: More elements of style.
        """
        size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
        font = f'font-family="Helvetica, Arial, sans-serif" font-size="13" fill="{INK}"'
        return Picture("\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" class="model" {size} role="img" {font}>',
            f"<title>{drawable(title)}</title>",
            f"<desc>{drawable(told)}</desc>",
            follow_reader("model", _DARK) + style,
            f'<rect width="100%" height="100%" fill="{PAPER}"/>',
            *self.parts,
            "</svg>\n",
        ]))  # fmt: skip

    def text(
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
        """Write a line of text."""
        style = ' font-weight="bold"' * bold + f' fill="{LINE}"' * soft
        size = size or (12 if soft else 13)
        place = f'x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}"'
        self.parts.append(f"<text {place}{style} {attributes}>{drawable(text)}</text>".replace(" >", ">"))

    def box(self, x: float, y: float, wide: float, high: float, colour: str, label: str = "") -> None:
        """Draw a box around a point, and its label."""
        place = f'x="{x - wide / 2:g}" y="{y - high / 2:g}" width="{wide:g}" height="{high:g}" rx="5"'
        self.parts.append(f'<rect {place} fill="{FILL[colour]}" stroke="{LINE}"/>')
        if label:
            self.text(x, y + 4.5, label)

    def node(self, x: float, y: float, lines: Sequence[str], colour: str) -> None:
        """Draw the place where routes join, with a word or two on what happens there."""
        wide, high = node_width(lines), LINE_OF_NODE * len(lines) + 10
        place = f'x="{x - wide / 2:g}" y="{y - high / 2:g}" width="{wide:g}" height="{high:g}" rx="12"'
        self.parts.append(f'<rect {place} fill="{PAPER}" stroke="{colour}"/>')
        for number, line in enumerate(lines):
            self.text(x, y + 4 + LINE_OF_NODE * (number - (len(lines) - 1) / 2), line, size=12)

    def path(self, path: str, colour: str, *, wide: float = 1.4, dashes: str = "") -> None:
        """Draw a line."""
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{wide}"{dashed}/>')

    def arrow(self, x: float, y: float, to_x: float, to_y: float) -> None:
        """Draw a straight arrow: up, down or to the right."""
        dx, dy = int(to_x > x), 0 if to_x > x else 1 if to_y > y else -1
        self.path(f"M{x:g} {y:g} " + (f"H{to_x - 6:g}" if dx else f"V{to_y - 6 * dy:g}"), LINE)
        self.head(to_x, to_y, dx, dy, LINE)

    def head(self, x: float, y: float, dx: int, dy: int, colour: str) -> None:
        """Draw the head of an arrow whose point is here, in a direction along one axis."""
        corners = [(x, y), (x - 8 * dx - 4 * dy, y - 8 * dy - 4 * dx), (x - 8 * dx + 4 * dy, y - 8 * dy + 4 * dx)]
        points = " ".join(f"{across:g},{down:g}" for across, down in corners)
        self.parts.append(f'<polygon points="{points}" fill="{colour}"/>')


def node_width(lines: Sequence[str]) -> float:
    """Give the width of a node, pixels."""
    return max(len(line) for line in lines) * 7.0 + 16 if lines else 0


def joining(wire: Wire) -> list[str]:
    """Say what happens where the routes into a layer meet, line by line; nothing where one state is taken as it is."""
    if wire.label:
        return [wire.label]
    projected = [_PROJECTED[wire.activation]] if wire.projected else []
    if wire.kind != "routed":
        return [_UNROUTED[wire.kind], *projected]
    if wire.merge is None:
        return projected
    apart = wire.merge != "concat" and len(set(wire.source_units)) > 1  # each is projected before they are added
    return [*projected, _MERGED[wire.merge]] if apart else [_MERGED[wire.merge], *projected]


def told_depths(model: Seq2Seq) -> str:
    """Count layers in words: "1 encoder layer, 2 decoder layers"."""
    depths = (len(model.encoder.state_units), "encoder"), (len(model.decoder.units), "decoder")
    return ", ".join(f"{depth} {side} layer{'s' * (depth > 1)}" for depth, side in depths)


def told_starts(model: Seq2Seq) -> str:
    """Say in words what each decoder layer starts from."""
    return "; ".join(f"decoder layer {row[0]} starts from {row[1]}" for row in state_table(model)) + "."
