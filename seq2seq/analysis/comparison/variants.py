"""Which runs are one variant: all of one recipe but for the seed; and what a variant is called."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from seq2seq.analysis.comparison.measured import MeasuredRun
from seq2seq.recipe import Recipe
from seq2seq.settings import by_name


@dataclass(frozen=True)
class Variant:
    """Runs of one recipe with several seeds.

    Attributes:
        name: What tells it from the others.
        settings: What it has otherwise than another variant, by name.
        runs: Its runs, by seed.
    """

    name: str
    settings: dict[str, Any]
    runs: list[MeasuredRun]


def group(runs: Sequence[MeasuredRun]) -> list[Variant]:
    """Put runs of one recipe together, in the order in which their recipes come first.

    A variant is called by its recipe's name where each has its own, else by the settings in which the variants differ.

    Args:
        runs: Finished runs.

    Raises:
        ValueError: Two runs have one recipe and one seed: they are the same run twice.
    """
    together: dict[str, list[MeasuredRun]] = {}
    for run in runs:
        together.setdefault(replace(run.recipe, name="any", seed=0).to_toml(), []).append(run)
    groups = [sorted(each, key=lambda run: run.recipe.seed) for each in together.values()]
    for each in groups:
        for one, two in pairwise(each):
            if one.recipe.seed != two.recipe.seed:
                continue
            if one.data != two.data:
                raise ValueError(
                    "Variants are told apart by their recipes. "
                    f"Received: {one.folder} and {two.folder}, of one recipe and seed={one.recipe.seed}, which read "
                    f"their text in {one.data or 'the place of the recipe'} and {two.data or 'the place of the recipe'}"
                    ". Write the place of each text into a recipe of its own (data.path), and compare those runs."
                )
            raise ValueError(
                "Every run of a recipe has a seed of its own: two with one seed are the same run. Received: "
                f"{one.folder} and {two.folder}, both with seed={one.recipe.seed}. Leave one out."
            )
    settings = differing([each[0].recipe for each in groups])
    names = [list(dict.fromkeys(run.recipe.name for run in each)) for each in groups]
    own = all(len(each) == 1 for each in names) and len({each[0] for each in names}) == len(groups)
    return [
        Variant(name[0] if own else label(changed) or " / ".join(name), changed, each)
        for name, changed, each in zip(names, settings, groups, strict=True)
    ]


def label(settings: dict[str, Any]) -> str:
    """Name a variant by its settings, each by as much of its own name as tells it from the others.

    Example:
        >>> label({"model.encoder.units": [8], "model.decoder.units": [16], "model.bridge.mode": "mean"})
        'encoder.units=[8] decoder.units=[16] mode=mean'
    """
    return " ".join(f"{_short(name, settings)}={_shown(value)}" for name, value in settings.items())


def differing(recipes: Sequence[Recipe]) -> list[dict[str, Any]]:
    """Give for each recipe the settings in which not all are alike, but for its name and seed."""
    tables = [by_name(replace(recipe, name="any", seed=0)) for recipe in recipes]
    names = dict.fromkeys(name for table in tables for name in table)
    differ = [name for name in names if any(table.get(name) != tables[0].get(name) for table in tables)]
    return [{name: table[name] for name in differ if name in table} for table in tables]


def _short(name: str, among: dict[str, Any]) -> str:
    parts = name.split(".")
    for start in range(len(parts) - 1, 0, -1):
        ending = "." + ".".join(parts[start:])
        if sum(f".{other}".endswith(ending) for other in among) == 1:
            return ending[1:]
    return name


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
