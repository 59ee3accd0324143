"""The table and the picture of what docs/measure_timescales.py measured: how long the layers of models remember."""

from collections.abc import Sequence
from typing import Any

from result_tables import files
from result_tables.files import markdown, processor
from seq2seq.analysis.pages.charts import Rows
from seq2seq.analysis.pages.document import standalone

KIND = "timescales"


def table(name: str) -> str:
    """Make a table with a row for each layer of each model; of several seeds the means of their quartiles.

    Raises:
        ValueError: There is no such file.
    """
    found = files.need(KIND, name)
    head = ["model", "seeds", "layer", "before training", "lower quartile", "median", "upper quartile"]
    rows = []
    for model, seeds in _by_name(found["models"]).items():
        for layer, before, after in zip(seeds[0]["layers"], _mean(seeds, "before"), _mean(seeds, "after"), strict=True):
            rows.append([model, str(len(seeds)), layer, f"{before[1]:.1f}", *(f"{steps:.1f}" for steps in after)])
    cores = f"{found['machine']['cores']} cores ({processor(found)})"
    return f"{markdown(head, rows)}\n\nSteps until half is forgotten; {cores}, commit {found['commit']}."


def picture(name: str) -> str:
    """Draw the quartiles of every layer as a bar from the first to the third, with a dot at the second.

    Raises:
        ValueError: There is no such file.
    """
    names, quartiles, colours = [], [], []
    for number, (model, seeds) in enumerate(_by_name(files.need(KIND, name)["models"]).items()):
        names += [f"{model}, {layer}" for layer in seeds[0]["layers"]]
        quartiles += _mean(seeds, "after")
        colours += [number] * len(seeds[0]["layers"])
    along = "steps until half is forgotten"
    title = f"{along}: quartiles over the units"
    plot = Rows(names, [0.0, *(steps for each in quartiles for steps in each)], title, wide=files.WIDE, along=along)
    for row, (low, middle, high) in enumerate(quartiles):
        left, y, colour = plot.x(low), plot.y(row), colours[row]
        box = f'x="{left:.1f}" y="{y - 6}" width="{plot.x(high) - left:.1f}" height="12"'
        plot.add(f'<rect {box} rx="2" class="bar c{colour}" fill-opacity="0.55"/>')
        plot.add(f'<circle cx="{plot.x(middle):.1f}" cy="{y}" r="5" class="dot c{colour}"/>')
    return standalone(plot.svg())


def caption(_: str) -> str:
    """Say what the picture shows."""
    return "Quartiles of the half-lives of each layer, a row for each"


def _by_name(models: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Put seeds of one model together, in the order of the models."""
    found: dict[str, list[dict[str, Any]]] = {}
    for model in models:
        found.setdefault(model["name"], []).append(model)
    return found


def _mean(seeds: Sequence[dict[str, Any]], when: str) -> list[list[float]]:
    """Give the mean over seeds of the quartiles of each layer."""
    return [
        [sum(values) / len(seeds) for values in zip(*of_layer, strict=True)]
        for of_layer in zip(*(seed[when] for seed in seeds), strict=True)
    ]
