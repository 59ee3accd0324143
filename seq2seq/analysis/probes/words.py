"""Probes in words and tables, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seq2seq.analysis.comparison import Difference
from seq2seq.analysis.probes.linear import ASKED
from seq2seq.system.terminal import format_table

if TYPE_CHECKING:
    from seq2seq.analysis.probes.probing import Probes

Table = tuple[list[str], list[list[str]]]
"""The names of columns, and rows of cells."""


def text(found: Probes) -> str:
    """Lay probes out for a terminal."""
    parts = [told(found), format_table(*states(found), numbers=range(2, 9)), undetected(found)]
    if found.linear:
        parts += [LINEAR, format_table(*linear(found), numbers=range(2, 9))]
    parts += [gap(found), format_table(*positions(found), numbers=range(4)), *found.notes]
    return "\n\n".join(part for part in parts if part)


LINEAR = (
    "What a linear function reads from each state, on sentences that it has not seen: of the length the share of "
    "variance explained, of words the share that is right, percent."
)


def told(found: Probes) -> str:
    """Say what was measured."""
    return (
        f"{found.metric} {found.score:.2f} on {found.sentences:,} sentences with {found.search} ({found.signature}). "
        f"Lost where the states are altered, with intervals of 95 % over sentences, and by {found.lengths.what}:"
    )


def states(found: Probes) -> Table:
    """Lay out what is lost by each alteration."""
    header = ["state", "altered", found.metric, "lost", *found.lengths.names]
    rows = [
        [each.where, each.how, f"{each.score:.2f}", *map(plus_minus, [each.lost, *each.by_length])]
        for each in found.states
    ]
    return header, rows


def plus_minus(lost: Difference | None) -> str:
    """Write a loss and how far its interval reaches.

    Example:
        >>> plus_minus(Difference(3.14159, 2.0, 4.28318, 0.0, 0.0, 1.0, False)), plus_minus(None)
        ('3.14 ± 1.14', '–')
    """
    return "–" if lost is None else f"{lost.value:z.2f} ± {lost.high - lost.value:.2f}"


def undetected(found: Probes) -> str:
    """Name the alterations by which no loss was detected."""
    # Of one model: nothing is said of other seeds, which `Difference.detected` asks for.
    lost = [each.lost.value > 0 and each.lost.beyond_chance for each in found.states]
    names = [f"{each.where} ({each.how})" for each, is_lost in zip(found.states, lost, strict=True) if not is_lost]
    return f"No loss was detected (5 %, Holm's correction) by: {'; '.join(names)}." if names else ""


def linear(found: Probes) -> Table:
    """Lay out what linear functions read, beside those fitted to shuffled labels and what always says the same."""
    rows = [
        [each.where, each.what, f"{each.score:z.1f}", f"{each.low:z.1f} … {each.high:z.1f}",
         f"{each.shuffled:z.1f}", f"{each.constant:z.1f}"]
        for what in ASKED
        for each in found.linear
        if each.what == what
    ]  # fmt: skip
    return ["state", "tells", "percent", "95 %", "shuffled", "always the same"], rows


def gap(found: Probes) -> str:
    """Say what reading its own words costs over all positions."""
    total = sum(each.sentences for each in found.positions)
    forced, free = (
        sum(each.sentences * rate for each, rate in zip(found.positions, rates, strict=True)) / total
        for rates in ([each.forced for each in found.positions], [each.free for each in found.positions])
    )
    return (
        f"Tokens right after the reference so far: {forced:.1f} %; right at the same position after the model's own "
        f"words, greedily: {free:.1f} %. A word too many or too few shifts all positions behind it:"
    )


def positions(found: Probes) -> Table:
    """Lay out accuracy by position, as far as one reference in twenty reaches."""
    return ["position", "sentences", "after the reference", "after its own words"], [
        [f"{each.place}", f"{each.sentences:,}", f"{each.forced:.1f}", f"{each.free:.1f}"]
        for each in found.positions
        if reached(found, each.sentences)
    ]


def reached(found: Probes, sentences: int) -> bool:
    """Tell whether so many references reach a position that its accuracy says something: one in twenty."""
    return 20 * sentences >= found.sentences
