"""What a study trains: variants of a recipe, from settings to vary or from a list of names."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from seq2seq.analysis.comparison.comparison import Refused
from seq2seq.analysis.comparison.variants import label
from seq2seq.recipe import Recipe, SettingsError
from seq2seq.settings import changes, write_value

_LONGEST = 120  # bytes of a folder's name
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'')
_OWN = ("seed", "name")  # what a variant does not vary: its runs do, and its list


@dataclass(frozen=True)
class PlannedVariant:
    """A variant to train.

    Attributes:
        name: What it is called.
        assignments: What it changes of the recipe, as ``--set`` takes it.
        recipe: The recipe with these changes.
    """

    name: str
    assignments: tuple[str, ...]
    recipe: Recipe

    @property
    def folder(self) -> str:
        """The name of the folder of its runs."""
        name = re.sub(r"[^\w.+=-]+", "_", self.name).encode()[:_LONGEST].decode(errors="ignore")
        return name.strip("_")

    def with_seed(self, seed: int) -> Recipe:
        """Give its recipe with another seed."""
        return replace(self.recipe, seed=seed)


@dataclass(frozen=True)
class Plan:
    """What a study trains.

    Attributes:
        variants: The first is what the others are compared with.
        refused: What was asked for and cannot be, with the reason.
        first: The name of what was asked for first.
    """

    variants: list[PlannedVariant]
    refused: list[Refused]
    first: str


def plan_grid(recipe: Recipe, varied: Sequence[str]) -> Plan:
    """Plan every combination of some settings.

    Args:
        recipe: What all variants start from.
        varied: Texts such as ``model.bridge.mode=per_layer,last_layer``: a setting and its values. A value that is a
            list stands in brackets: ``model.encoder.units=[256],[256,256]``.

    Returns:
        The combinations, the last setting varying fastest; what the recipe refuses is named.

    Raises:
        SettingsError: A text is not of that form, or two combinations are the same.

    Example:
        >>> from seq2seq.recipe import Data
        >>> plan = plan_grid(Recipe("tiny", Data("corpus", "de", "en")), ["model.dropout=0.1,0.2", "training.ema=0,2"])
        >>> [variant.name for variant in plan.variants], [refused.name for refused in plan.refused]
        (['dropout=0.1 ema=0', 'dropout=0.2 ema=0'], ['dropout=0.1 ema=2', 'dropout=0.2 ema=2'])
    """
    choices = [read_choices(text) for text in varied]
    need_each_once([key for key, _ in choices])
    wanted = []
    for values in product(*(values for _, values in choices)):
        settings = {key: value for (key, _), value in zip(choices, values, strict=True)}
        wanted.append((label(settings) or recipe.name, [f"{key}={value}" for key, value in settings.items()]))
    return _plan(recipe, wanted)


def plan_named(recipe: Recipe, path: Path) -> Plan:
    """Plan the variants that a TOML file names: a table for each, with the settings that it changes.

    Args:
        recipe: What all variants start from.
        path: The file.

    Returns:
        The variants in the order of the file; what the recipe refuses is named.

    Raises:
        SettingsError: It is no such file, names no variant, or the same one twice.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # no UTF-8, no TOML
        raise SettingsError(f"A list of variants is a TOML file. Received: {path}: {error}.") from None
    plain = [name for name, settings in table.items() if not isinstance(settings, Mapping)]
    if plain or not table:
        raise SettingsError(
            "A list of variants has a table for each, under its name, with the settings that it changes: [reversed], "
            f"and under it model.encoder.reverse = true. Received: {path} with {', '.join(plain) or 'nothing'}."
        )
    return _plan(recipe, [(name, list(_assignments(settings))) for name, settings in table.items()])


def read_choices(text: str) -> tuple[str, list[str]]:
    """Read a setting and its values: commas inside brackets and quotes belong to a value.

    Example:
        >>> read_choices("model.encoder.units=[8],[8, 8]")
        ('model.encoder.units', ['[8]', '[8, 8]'])
    """
    key, equals, values = text.partition("=")
    found, depth, place = [""], 0, 0
    while place < len(values):
        # Quotes begin a value, or stand in a list; elsewhere they are a part of a text, as in don't.
        quoted = _QUOTED.match(values, place) if depth or not found[-1].strip() else None
        token = quoted[0] if quoted else values[place]
        place += len(token)
        depth += (token == "[") - (token == "]")
        if depth < 0:
            break
        if token == "," and not depth:
            found.append("")
        else:
            found[-1] += token
    if depth:
        raise SettingsError(f"Every bracket that opens closes. Received: {text}.")
    found = [value.strip() for value in found]
    if not (key.strip() and equals and all(found)):
        raise SettingsError(
            f'A setting is varied by section.key=value,value; a value that is empty is written "". Received: {text}.'
        )
    return key.strip(), found


def need_each_once(keys: Sequence[str]) -> None:
    """Refuse to vary a setting in two places.

    Raises:
        SettingsError: A key stands there twice.
    """
    if twice := [key for key, number in Counter(keys).items() if number > 1]:
        raise SettingsError(
            f"All values of a setting stand in one --vary. Received: more than one of {', '.join(twice)}. Join them."
        )


def _plan(recipe: Recipe, wanted: Sequence[tuple[str, list[str]]]) -> Plan:
    plan = Plan([], [], wanted[0][0])
    for name, assignments in wanted:
        need_none_of_its_own([assignment.partition("=")[0] for assignment in assignments])
        try:
            variant = PlannedVariant(name, tuple(assignments), recipe.override(assignments))
        except SettingsError as error:
            plan.refused.append(Refused(name, str(error)))
            continue
        if reason := _incomparable([each.recipe for each in plan.variants], variant.recipe):
            plan.refused.append(Refused(name, reason))
        else:
            plan.variants.append(variant)
    named: dict[str, PlannedVariant] = {}
    for variant in plan.variants:
        other = named.setdefault(variant.folder, variant)
        if other is not variant or not variant.folder:
            raise SettingsError(
                "Every variant has a name of its own that can be that of a folder. Received: "
                f"{other.name!r} and {variant.name!r}, for both the folder {variant.folder!r}. Leave one out, or "
                "give them names in a file, with --variants."
            )
    for number, variant in enumerate(plan.variants):
        same = next((other for other in plan.variants[:number] if other.recipe == variant.recipe), None)
        if same:
            raise SettingsError(
                f"Every variant has settings of its own. Received: {same.name!r} and {variant.name!r}, which have the "
                "same. Leave one out."
            )
    return plan


def need_none_of_its_own(keys: Sequence[str]) -> None:
    """Refuse to vary what is given otherwise.

    Raises:
        SettingsError: A key is ``seed`` or ``name``.
    """
    if found := [key for key in keys if key.strip() in _OWN]:
        raise SettingsError(
            f"Variants differ in settings of the recipe. Received: {', '.join(found)}. How many seeds each is trained "
            "with is said by --seeds, and the first one is that of the recipe; names stand in a file, with --variants."
        )


def _incomparable(others: Sequence[Recipe], recipe: Recipe) -> str:
    """Say why a recipe could be trained and not be compared with others; "" where it can."""
    if not others:
        return ""
    found = changes(others[0], recipe)
    measured = [name for name in found if name.startswith("evaluation.") and name != "evaluation.metrics"]
    if differ := [name for name in found if name in _tested(others[0], recipe)] + measured:
        return (
            "Variants are compared on the same test sentences, by one measure. Received: "
            f"{', '.join(f'{name}={write_value(found[name])}' for name in differ)}, other than the first variant. Make "
            "a comparison of its own for it."
        )
    common = set.intersection(*(set(other.evaluation.metrics) for other in others))
    if common.isdisjoint(recipe.evaluation.metrics):
        return (
            "Variants are compared by a metric that all have. Received: "
            f"evaluation.metrics={write_value(recipe.evaluation.metrics)}, where those before it have "
            f"{', '.join(sorted(common))}. Add one of these, or make a comparison of its own for it."
        )
    return ""


def _tested(*recipes: Recipe) -> list[str]:
    """Name the settings that say which sentences are the test."""
    of_training = ["data.hold_out", "data.train", "data.path", "data.validation"]  # what is set aside for it
    held_out = of_training if any(not recipe.data.test for recipe in recipes) else []
    return ["data.test", "data.source", "data.target", *held_out]


def _assignments(settings: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _assignments(value, f"{path}{name}.")
        else:
            yield f"{path}{name}={write_value(value)}"
