"""What several commands have in common: options, and the recipe, model or text that they name."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.recipe import Recipe, load_recipe
from seq2seq.system.terminal import UsageError

if TYPE_CHECKING:
    from seq2seq.translation import Translator

RECIPE = "recipe: a TOML file, or a Python file with a module-level `recipe`"
MODEL = "model file (.s2s)"
EITHER = f"{RECIPE}; or {MODEL}"


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the option that says where the text of a recipe lies."""
    parser.add_argument("--data", metavar="PATH", help="where the text lies, instead of data.path")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the option that changes settings of a recipe."""
    parser.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", dest="settings",
        help="change a setting of the recipe, as in model.dropout=0.3 (may be repeated)",
    )  # fmt: skip


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Add the option that gives another seed."""
    parser.add_argument("--seed", type=int, metavar="N", help="seed, instead of that of the recipe")


def add_parallel(parser: argparse.ArgumentParser, target: str) -> None:
    """Add the options that name parallel text; ``target`` says what its second side is."""
    parser.add_argument("--source", type=Path, metavar="FILE", required=True, help="source text, line by line")
    parser.add_argument("--target", type=Path, metavar="FILE", required=True, help=target)


def count(text: str) -> int:
    """Read a whole number from 1 up."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"needs a whole number from 1 up. Received: {text}")
    return int(text)


def not_negative(text: str) -> float:
    """Read a number from 0 up."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"needs a number from 0 up. Received: {text}")
    return number


def recipe_of(arguments: argparse.Namespace, path: Path) -> Recipe:
    """Load the recipe that a command names, changed as its options say.

    Args:
        arguments: What :func:`add_settings` and :func:`add_seed` parsed.
        path: The recipe.
    """
    seed = getattr(arguments, "seed", None)
    return named_recipe(path).override([*arguments.settings, *([] if seed is None else [f"seed={seed}"])])


def named_recipe(path: Path) -> Recipe:
    """Load the recipe that a command names."""
    try:
        return load_recipe(path)
    except FileNotFoundError as error:
        raise UsageError(str(error)) from error


def need_file(path: Path) -> None:
    """Refuse a recipe or a model that is not there."""
    if not path.is_file():
        raise UsageError(f"There is no such recipe or model file. Received: {path}.")


def named_translator(path: Path) -> Translator:
    """Load the model that a command names."""
    if not path.is_file():
        raise UsageError(f"There is no model file. Received: {path}. Name the model.s2s of a run folder.")
    from seq2seq.translation import Translator

    return Translator.load(path)


def parallel(arguments: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Read the lines of --source and --target."""
    sources, targets = (lines_of(path) for path in (arguments.source, arguments.target))
    if len(sources) != len(targets):
        raise ValueError(
            "Source and target need the same number of lines. "
            f"Received: {arguments.source} with {len(sources):,}, {arguments.target} with {len(targets):,} lines."
        )
    return sources, targets


def lines_of(path: Path) -> list[str]:
    """Read the lines of a text file that a command names."""
    from seq2seq.text.lines import read_lines

    if not path.is_file():
        raise UsageError(f"There is no such text file. Received: {path}.")
    return list(read_lines(path))
