"""A diagnosis in words and tables, for a terminal."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

from seq2seq.analysis.diagnosis.doctor import Diagnosis
from seq2seq.analysis.diagnosis.findings import Finding
from seq2seq.models.signs import GateSigns, Signs
from seq2seq.system.terminal import format_table

PART_COLUMNS = ("part", "gradient", "to the layer above", "step / weights")
LAYER_COLUMNS = ("layer", "spread", "dead", "beyond ±0.95", "rank", "like the one below")
GATE_COLUMNS = ("layer", "gate", "below 0.05", "above 0.95", "half forgotten after")
ROUTE_COLUMNS = ("decoder layer", "state", "way", "size", "spread", "gradient")

LEGEND = {
    "gradient": "norm over the weights of the part, of a state over its numbers; nats per token, before clipping",
    "step / weights": "what one optimizer step changes, over the norm of the weights",
    "size": "root of the mean square of the numbers of a state",
    "spread": "mean over units of how far outputs differ from step to step; of a state, from sentence to sentence",
    "rank": "in how many directions the outputs of a layer differ (participation ratio), of its units",
    "like the one below": "linear CKA with the outputs of the layer below, 0 to 1",
    "half forgotten after": "steps, quartiles over the units",
}
"""What the columns mean."""


def text(found: Diagnosis, columns: int) -> str:
    """Lay a diagnosis out for a terminal.

    Args:
        found: The diagnosis.
        columns: The width of the terminal.
    """
    signs, columns = found.signs, max(columns, 40)
    parts = [f"{found.subject}: {summary(signs)}"]
    parts += [textwrap.fill(each, columns, subsequent_indent="  ") for each in told(found.findings)]
    for words, header, rows in (
        (1, PART_COLUMNS, part_rows(signs)),
        (1, LAYER_COLUMNS, layer_rows(signs)),
        (2, GATE_COLUMNS, gate_rows(signs)),
        (3, ROUTE_COLUMNS, route_rows(signs)),
    ):
        if rows:
            told_of, cells = without_empty(header, rows)
            parts.append(format_table(told_of, cells, numbers=range(words, len(told_of))))
    notes = [f"{name}: {meaning}" for name, meaning in LEGEND.items()]
    return "\n\n".join([*parts, "\n".join(textwrap.fill(note, columns, subsequent_indent="  ") for note in notes)])


def without_empty(header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """Leave out the columns in which nothing stands, as what compares layers of a model that has one.

    Example:
        >>> without_empty(["a", "b"], [["1", ""], ["2", ""]])
        (['a'], [['1'], ['2']])
    """
    kept = [place for place in range(len(header)) if any(row[place] for row in rows)]
    return [header[place] for place in kept], [[row[place] for place in kept] for row in rows]


def summary(signs: Signs) -> str:
    """Say in a line what was measured on what."""
    guess = f"guessing has {math.log(signs.vocabulary):.3f}"
    step = "" if signs.learning_rate is None else f", a step at a learning rate of {signs.learning_rate:g}"
    return (
        f"a batch of {signs.pairs:,} pairs and {signs.tokens:,} target tokens, loss {signs.loss:.3f} nats per token "
        f"({guess}), gradient {signs.gradient:.3g}{step}"
    )


def told(findings: list[Finding]) -> list[str]:
    """Say what is wrong, a paragraph for each; or that nothing was found."""
    return [f"! {finding}" for finding in findings] or ["Nothing wrong was found."]


def part_rows(signs: Signs) -> list[list[str]]:
    """Rows of `PART_COLUMNS`."""
    above = _above(signs)
    return [
        [part.name + (" (frozen)" if part.frozen else ""), _number(part.gradient), above.get(part.name, ""),
         "" if part.update is None else f"{part.update:.2g}"]
        for part in signs.parts
    ]  # fmt: skip


def layer_rows(signs: Signs) -> list[list[str]]:
    """Rows of `LAYER_COLUMNS`."""
    return [
        [layer.name, _number(layer.spread), _percent(layer.dead), _percent(layer.saturated),
         f"{layer.rank:.1f} of {layer.units}", "" if layer.likeness is None else f"{layer.likeness:.2f}"]
        for layer in signs.layers
    ]  # fmt: skip


def gate_rows(signs: Signs) -> list[list[str]]:
    """Rows of `GATE_COLUMNS`; none where no cell has gates."""
    return [
        [layer.name, name, _percent(gate.shut), _percent(gate.open), _lives(gate)]
        for layer in signs.layers
        for name, gate in layer.gates.items()
    ]


def route_rows(signs: Signs) -> list[list[str]]:
    """Rows of `ROUTE_COLUMNS`."""
    return [
        [str(route.layer), route.part, route.way.replace("_", " "), _number(route.size), _number(route.spread),
         _number(route.gradient)]
        for route in signs.routes
    ]  # fmt: skip


def _above(signs: Signs) -> dict[str, str]:
    """Give, for each layer that has one above it, its gradient over that of the one above."""
    gradients = {part.name: part.gradient for part in signs.parts}
    found = {}
    for layer in signs.layers:
        higher = gradients.get(f"{layer.side} layer {layer.number + 1}")
        if higher:
            found[layer.name] = f"× {gradients[layer.name] / higher:.2g}"
    return found


def _lives(gate: GateSigns) -> str:
    return "" if gate.half_lives is None else " | ".join(f"{life:,.1f}" for life in gate.half_lives)


def _number(value: float) -> str:
    return f"{value:.2g}" if value < 100 else f"{value:,.0f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
