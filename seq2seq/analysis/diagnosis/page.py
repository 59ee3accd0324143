"""What was seen inside a model while it learnt, as a section of a page; read without TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from seq2seq.analysis.diagnosis.findings import find
from seq2seq.analysis.diagnosis.words import (
    GATE_COLUMNS,
    LAYER_COLUMNS,
    ROUTE_COLUMNS,
    gate_rows,
    layer_rows,
    route_rows,
    summary,
    without_empty,
)
from seq2seq.analysis.pages.charts import draw_curves
from seq2seq.analysis.pages.document import figure, grid, paragraph, table
from seq2seq.models.signs import LayerSigns, Signs

_NARROW = 440  # pixels
Points = list[tuple[int, float]]


def section(events: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lay out what a run wrote of its insides: findings of the last look, curves over all, tables of the last.

    Args:
        events: Those of the log.

    Returns:
        The section; nothing where the run did not look (``training.diagnose_every``).
    """
    looks = [(int(event["update"]), Signs.from_table(_signs(event))) for event in events if event["event"] == "signs"]
    if not looks:
        return []
    last = looks[-1][1]
    findings = [f"<li>{escape(str(finding))}</li>" for finding in find(last)]
    told = f"<ul>{''.join(findings)}</ul>" if findings else paragraph("Nothing wrong was found at the last look.")
    names = [layer.name for layer in last.layers]
    charts = [
        _chart("gradient of each layer, log₁₀ of its norm", names, _of_parts(looks, lambda part: part.gradient)),
        _chart("step over weights, log₁₀", names, _of_parts(looks, lambda part: part.update)),
        _chart("spread of the outputs, log₁₀", names, _of_layers(looks, lambda layer: layer.spread)),
        _chart("steps until half is forgotten, log₁₀ of the median", names, _of_layers(looks, _half_life)),
    ]
    return [
        "<h2>Inside the model</h2>", paragraph(f"At step {looks[-1][0]:,}: {summary(last)}."), told,
        grid(charts),
        table(*without_empty(LAYER_COLUMNS, layer_rows(last)), range(1, len(LAYER_COLUMNS))),
        *([table(GATE_COLUMNS, rows, (2, 3, 4))] if (rows := gate_rows(last)) else []),
        table(ROUTE_COLUMNS, route_rows(last), (3, 4, 5)),
    ]  # fmt: skip


def _signs(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name in Signs.__dataclass_fields__}


def _of_parts(looks: Sequence[tuple[int, Signs]], number: Callable[[Any], float | None]) -> list[Points]:
    """Give a line of points for each recurrent layer, of the weights."""
    by_name = [(update, {part.name: number(part) for part in signs.parts}) for update, signs in looks]
    return [_points([(update, found.get(layer.name)) for update, found in by_name]) for layer in looks[-1][1].layers]


def _of_layers(looks: Sequence[tuple[int, Signs]], number: Callable[[LayerSigns], float | None]) -> list[Points]:
    """Give a line of points for each recurrent layer, of what it puts out."""
    return [
        _points([(update, number(signs.layers[place])) for update, signs in looks])
        for place in range(len(looks[-1][1].layers))
    ]


def _half_life(layer: LayerSigns) -> float | None:
    return next((gate.half_lives[1] for gate in layer.gates.values() if gate.half_lives), None)


def _points(values: Sequence[tuple[int, float | None]]) -> Points:
    """Take logarithms, which vanishing and exploding numbers are read by; what has none is left out."""
    return [(update, math.log10(value)) for update, value in values if value and 0 < value < math.inf]


def _chart(title: str, names: Sequence[str], curves: Sequence[Points]) -> str:
    drawn = [(name, points) for name, points in zip(names, curves, strict=True) if points]
    if not drawn:
        return ""
    picture = draw_curves([name for name, _ in drawn], [[points] for _, points in drawn], title, wide=_NARROW)
    return figure(title, picture)
