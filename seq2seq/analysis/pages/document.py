"""A page of HTML that needs nothing else: its frame, its style, its tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape

from seq2seq.system.picture import COLOURS, DARK_COLOURS

_COLOURS = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b2733; --soft: #5b6b7a; --line: #dfe5ea; LIGHT }
@media screen and (prefers-color-scheme: dark) {
  :root { --paper: #14191f; --ink: #e6ebf0; --soft: #98a6b3; --line: #2c3640; DARK }
}
"""
_PICTURES = """
svg { width: 100%; height: auto; display: block; font: 13px system-ui, "Helvetica Neue", Arial, sans-serif; }
svg text { fill: var(--ink); } svg .soft { fill: var(--soft); }
svg path { fill: none; } svg .grid { stroke: var(--line); } svg .zero { stroke: var(--soft); stroke-dasharray: 4 3; }
svg .dot { fill: var(--c); stroke: var(--paper); stroke-width: 1.2; fill-opacity: .85; }
svg .hollow { fill: var(--paper); stroke: var(--c); stroke-width: 2; fill-opacity: 1; }
svg .mean { stroke: var(--c); stroke-width: 2.5; } svg .interval { stroke: var(--c); stroke-width: 2; }
svg .bar { fill: var(--c); } svg .curve { stroke: var(--c); stroke-width: 1.5; stroke-linejoin: round; }
svg .thick { stroke-width: 3.5; }
svg .dashed { stroke-dasharray: 7 4; } svg .dotted { stroke-dasharray: 2 3; }
svg .cell { fill: var(--c); }
"""
_PAGE = """
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "Helvetica Neue", Arial, sans-serif;
  max-width: 960px; margin: 2rem auto; padding: 0 1rem; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.4rem; } p { max-width: 44rem; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
/* Text that runs from right to left does so, whatever stands around it. */
h1, p, dd, td { unicode-bidi: plaintext; text-align: left; }
th, td { padding: .3rem .7rem; text-align: left; border-bottom: 1px solid var(--line); }
th, .number { white-space: nowrap; }
th { color: var(--soft); font-weight: 600; } .number { text-align: right; } .words { color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(17rem, 100%), 1fr)); gap: .8rem;
  margin: 1rem 0; }
.tile { border: 1px solid var(--line); border-radius: 8px; padding: .6rem 1rem; }
.tile b, .tile span { display: block; } .tile b { font-size: 1.5rem; }
.tile small { color: var(--soft); overflow-wrap: anywhere; }
.grid2 { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(340px, 100%), 1fr)); gap: 1rem 1.6rem; }
ul.tree, ul.tree ul { list-style: none; padding-left: 1.1rem; border-left: 1px solid var(--line); }
figure { margin: 0; break-inside: avoid; } figcaption { font-weight: 600; margin-bottom: .2rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere;
  border: 1px solid var(--line); border-radius: 6px; padding: .6rem; }
.wiring { overflow-x: auto; } .wiring img { display: block; width: 100%; min-width: 560px; max-width: 760px; }
.sentence { border-left: 3px solid var(--line); padding-left: .9rem; margin: 1.4rem 0; break-inside: avoid; }
.sentence dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem .8rem; margin: .3rem 0; }
.sentence dt { color: var(--soft); } .sentence dd { margin: 0; overflow-wrap: anywhere; }
.map { overflow-x: auto; } .map svg { width: auto; max-width: none; }
@media (max-width: 600px) { th, td { padding: .3rem .4rem; } }
@media print { body { margin: 0; max-width: none; font-size: 11px; } h2 { break-after: avoid; }
  .scroll { overflow: visible; } }
"""


def document(title: str, parts: Sequence[str], *, refresh: int = 0) -> str:
    """Put parts together to a page.

    Args:
        title: The title of the window.
        parts: HTML, one below the other.
        refresh: Seconds after which a browser reads the page again; 0: never.

    Returns:
        The page: it loads nothing, and its colours are those that the reader's system prefers, light or dark; on paper
        they are the light ones.
    """
    again = [f'<meta http-equiv="refresh" content="{refresh}">'] if refresh else []
    return "\n".join([
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        *again,
        f"<title>{escape(title)}</title>\n<style>{_style()}</style>\n</head>\n<body>",
        *parts,
        "</body>\n</html>\n",
    ])  # fmt: skip


def paragraph(text: str) -> str:
    """Write a paragraph of what is said of numbers and pictures; nothing of no text."""
    return f'<p class="words">{escape(text).replace(" %", "&nbsp;%")}</p>' if text else ""


def figure(title: str, picture: str) -> str:
    """Put a picture under its title."""
    return f"<figure><figcaption>{escape(title)}</figcaption>{picture}</figure>"


def grid(figures: Sequence[str]) -> str:
    """Put pictures beside each other, as many as there is room for."""
    return f'<div class="grid2">{"".join(figures)}</div>'


def standalone(picture: str) -> str:
    """Give a picture the style that it has on a page, so that it can be a file of its own."""
    head, rest = picture.split(">", 1)
    return f"{head}><style>{_coloured()}{_PICTURES}svg {{ background: var(--paper); }}</style>{rest}\n"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[int] = ()) -> str:
    """Lay out a table, which scrolls where it is wider than the page.

    Args:
        header: Names of the columns.
        rows: Cells, of plain text.
        numbers: The columns that hold numbers, from 0.
    """
    sides = [' class="number"' if place in numbers else "" for place in range(len(header))]
    lines = [_row("th", header, sides), *(_row("td", row, sides) for row in rows)]
    return "\n".join(['<div class="scroll" tabindex="0"><table>', *lines, "</table></div>"])


def _row(tag: str, cells: Sequence[str], sides: Sequence[str]) -> str:
    inside = (f"<{tag}{side}>{escape(cell)}</{tag}>" for cell, side in zip(cells, sides, strict=True))
    return f"<tr>{''.join(inside)}</tr>"


def _style() -> str:
    return _coloured() + _PAGE + _PICTURES


def _coloured() -> str:
    style = _COLOURS
    for word, colours in (("LIGHT", COLOURS), ("DARK", DARK_COLOURS)):
        style = style.replace(word, " ".join(f"--c{place}: {colour};" for place, colour in enumerate(colours)))
    return style + "\n".join(f".c{place} {{ --c: var(--c{place}); }}" for place in range(len(COLOURS))) + "\n"
