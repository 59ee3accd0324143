"""Probes as a page of HTML, with pictures."""

from __future__ import annotations

from html import escape

from seq2seq.analysis.comparison import Difference
from seq2seq.analysis.pages.charts import draw_curves
from seq2seq.analysis.pages.document import document, figure, grid, paragraph, table
from seq2seq.analysis.probes import words
from seq2seq.analysis.probes.pictures import NARROW, Bar, draw_bars_with_intervals
from seq2seq.analysis.probes.probing import Probes

_HOW = {
    "zeros": "with zeros",
    "of another sentence": "with the states of another sentence",
    "exchanged": "with the states of two layers exchanged",
}
_SHUFFLED = "The grey stroke: a function that was fitted to the labels of other sentences."


def page(found: Probes, name: str) -> str:
    """Lay probes out as a page that loads nothing.

    Args:
        found: The probes.
        name: What was probed.
    """
    header, rows = words.states(found)
    parts = [
        f"<h1>What {escape(name)} passes</h1>", paragraph(words.told(found).removesuffix(":") + "."),
        "<h2>What the states are worth</h2>", grid(_losses(found)), paragraph(words.undetected(found)),
        f"<h2>By {escape(found.lengths.what)}</h2>", grid(_by_length(found)), table(header, rows, range(2, 9)),
    ]  # fmt: skip
    if found.linear:
        header, rows = words.linear(found)
        parts += ["<h2>What can be read from them</h2>", paragraph(words.LINEAR), grid(_linear(found))]
        parts += [paragraph(_SHUFFLED), table(header, rows, range(2, 9))]
    parts += ["<h2>After its own words</h2>", paragraph(words.gap(found).removesuffix(":") + "."), _positions(found)]
    return document(f"Probed: {name}", [*parts, *map(paragraph, found.notes)])


def _losses(found: Probes) -> list[str]:
    figures = []
    for place, (how, title) in enumerate(_HOW.items()):
        losses = [(each.where, each.lost) for each in found.states if each.how == how]
        if losses:
            figures.append(_bars([_bar(*each) for each in losses], f"{found.metric} lost {title}", place))
    return figures


def _by_length(found: Probes) -> list[str]:
    """Draw what is lost at each length where whole states are altered."""
    figures = []
    for place, (how, title) in enumerate(_HOW.items()):
        losses = [
            (f"{each.where}, {name}", lost)
            for each in found.states
            if each.how == how and each.whole
            for name, lost in zip(found.lengths.names, each.by_length, strict=True)
            if lost is not None
        ]
        if losses and len(found.lengths.names) > 1:
            figures.append(_bars([_bar(*each) for each in losses], f"{found.metric} lost {title}", place))
    return figures


def _bar(name: str, lost: Difference) -> Bar:
    return Bar(name, lost.value, lost.low, lost.high)


def _bars(bars: list[Bar], title: str, colour: int) -> str:
    return figure(title, draw_bars_with_intervals(bars, title, colour=colour))


def _linear(found: Probes) -> list[str]:
    figures = []
    for place, what in enumerate(dict.fromkeys(each.what for each in found.linear)):
        asked = [each for each in found.linear if each.what == what]
        unit = "variance explained" if what == "length" else f"right (always the same: {asked[0].constant:.0f} %)"
        title = f"{what}: percent {unit}"
        bars = [Bar(each.where, each.score, each.low, each.high, each.shuffled) for each in asked]
        figures.append(_bars(bars, title, place))
    return figures


def _positions(found: Probes) -> str:
    curves = [
        [(each.place, value) for each, value in zip(found.positions, values, strict=True)
         if words.reached(found, each.sentences)]
        for values in ([each.forced for each in found.positions], [each.free for each in found.positions])
    ]  # fmt: skip
    title, names = "percent of tokens right", ["after the reference so far", "after its own words"]
    picture = draw_curves(names, [[each] for each in curves], title, wide=NARROW, across="position in the target")
    return grid([figure(title, picture)])
