"""What several commands have in common: options, and the recipe, model or text that they name."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, cast

from seq2seq.recipe import Recipe, load_recipe
from seq2seq.runs.record import model_in as model_in  # for the commands
from seq2seq.system.files import is_readable, need_writable
from seq2seq.system.terminal import UsageError, tell

if TYPE_CHECKING:
    from seq2seq.metrics import References
    from seq2seq.translation import Translator

RECIPE = "recipe: a TOML file, or a Python file with a module-level `recipe`"
MODEL = "model file (.s2s), or the folder of a finished run"
EITHER = f"{RECIPE}; or {MODEL}"
_SOURCE = "source text, line by line"


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the option that says where the text of a recipe lies."""
    parser.add_argument("--data", type=place, metavar="PATH", help="where the text lies, instead of data.path")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the option that changes settings of a recipe."""
    parser.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", dest="settings",
        help="change a setting of the recipe, as in model.dropout=0.3 (may be repeated)",
    )  # fmt: skip


def add_ensemble(parser: argparse.ArgumentParser) -> None:
    """Add the options that let several models decide together."""
    parser.add_argument(
        "--ensemble", action="append", default=[], type=named_path, metavar="MODEL",
        help="another model of the same vocabularies that decides together with MODEL (may be repeated)",
    )  # fmt: skip
    parser.add_argument(
        "--ensemble-weights", metavar="X,X,...", type=_numbers,
        help="how much MODEL and each --ensemble have to say (default: all the same)",
    )  # fmt: skip
    parser.add_argument(
        "--ensemble-mean", choices=["probabilities", "log_probabilities"],
        help="what the models' mean is taken of (default: probabilities)",
    )  # fmt: skip


def add_from(parser: argparse.ArgumentParser) -> None:
    """Add the option that names a trained model to go on from."""
    parser.add_argument(
        "--from", type=place, metavar="MODEL", dest="start_from",
        help=f"go on from the weights and vocabularies of a trained model ({MODEL}), as start_from does",
    )  # fmt: skip


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Add the option that gives another seed."""
    parser.add_argument("--seed", type=int, metavar="N", help="seed, instead of that of the recipe")


def add_parallel(parser: argparse.ArgumentParser, target: str, *, required: bool = True) -> None:
    """Add the options that name parallel text; ``target`` says what its second side is."""
    for option, what in (("--source", _SOURCE), ("--target", target)):
        _add_side(parser, option, what, "store", required=required)


def add_references(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a text and its right translations, of which there may be several."""
    _add_side(parser, "--source", _SOURCE, "store", required=True)
    what = "reference translations, line by line (may be repeated: a line has several then, but for empty ones)"
    _add_side(parser, "--target", what, "append", required=True)


def _add_side(parser: argparse.ArgumentParser, option: str, what: str, action: str, *, required: bool) -> None:
    parser.add_argument(
        option, action=action, type=file_or_stream, metavar="FILE", required=required, default=argparse.SUPPRESS,
        help=f"{what}; - is stdin",
    )  # fmt: skip


def file_or_stream(text: str) -> Path | None:
    """Read the name of a file; None for what `-` stands for: standard input or output."""
    return None if text == "-" else named_path(text)


def named_path(text: str) -> Path:
    """Read the name of a file or folder, with `~` for one's own folder: a shell leaves it behind `--option=`."""
    if not text:
        raise argparse.ArgumentTypeError("needs a name. Received: an empty one, as of a variable that is not set")
    return Path(text).expanduser()


def recorded_path(text: str) -> Path:
    """Read the name of a file or folder that a run writes down."""
    return Path(place(text))


def place(text: str) -> str:
    """Read where something lies that a run writes down: a file, a folder, a pattern or an address."""
    named_path(text)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(
            f"needs a name in UTF-8, in which runs write it down. Received: {os.fsencode(text)!r}"
        ) from None
    return os.path.expanduser(text)  # noqa: PTH111  (an address is no Path)


def count(text: str) -> int:
    """Read a whole number from 1 up."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"needs a whole number from 1 up. Received: {text}")
    return int(text)


def _numbers(text: str) -> list[float]:
    try:
        return [float(number) for number in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"needs numbers with commas between. Received: {text}") from None


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
        arguments: What :func:`add_settings`, :func:`add_seed` and :func:`add_from` parsed.
        path: The recipe.
    """
    options = {name: getattr(arguments, name, None) for name in ("seed", "start_from")}
    given = [f"{name}={value}" for name, value in options.items() if value is not None]
    return named_recipe(path).override([*arguments.settings, *given])


def named_recipe(path: Path) -> Recipe:
    """Load the recipe that a command names."""
    try:
        return load_recipe(path)
    except FileNotFoundError as error:
        raise UsageError(str(error)) from error


def given_options(arguments: argparse.Namespace, names: Iterable[str]) -> list[str]:
    """Name those of some options that were given, as they are written."""
    return [f"--{name.replace('_', '-')}" for name in names if getattr(arguments, name)]


def need_file(path: Path) -> None:
    """Refuse a recipe or a model that is not there."""
    if not is_readable(path):
        raise UsageError(f"There is no such recipe or model file. Received: {path}.")


def need_model(path: Path) -> None:
    """Refuse a model file that is not there."""
    if not path.is_file():
        raise UsageError(f"There is no model file. Received: {path}. Name the model.s2s of a run folder.")


def need_model_place(path: Path) -> None:
    """Refuse a place that no model file can be written to, before the work whose result is to go there."""
    if path.is_dir():
        raise UsageError(f"A model goes into a file. Received: --output {path}, a folder. Name a file in it.")
    need_writable(path, makes_folders=True)


def named_translator(path: Path) -> Translator:
    """Load the model that a command names."""
    path = model_in(path)
    need_model(path)
    from seq2seq.translation import Translator

    return Translator.load(path)


def tell_what_is_left_out(translator: Translator) -> None:
    """Say what a model brings through from the source, where a command does without."""
    usual = {"unknown": "keep", "protect": ""}
    own = [f"{name}={value!r}" for name in usual if (value := getattr(translator, name)) != usual[name]]
    if own:
        tell(f"The model says {' and '.join(own)}, which is left out here.")


def named_ensemble(arguments: argparse.Namespace, model: Path | None = None) -> Translator:
    """Load the model that a command names, and those that decide with it.

    Args:
        arguments: What :func:`add_ensemble` parsed.
        model: Which model; None: the one that the command names as ``model``.
    """
    model = arguments.model if model is None else model
    if not arguments.ensemble:
        if given := given_options(arguments, ("ensemble_weights", "ensemble_mean")):
            raise UsageError(
                "Weights, and what a mean is taken of, are those of several models. "
                f"Received: {' and '.join(given)} without --ensemble. Name the other models, or leave it out."
            )
        return named_translator(model)
    paths = [model_in(path) for path in (model, *arguments.ensemble)]
    for path in paths:
        need_model(path)
    from seq2seq.translation import load

    return load(paths, arguments.ensemble_weights, arguments.ensemble_mean or "probabilities")


def standard_input() -> BufferedReader:
    """Give standard input, to read bytes from."""
    if sys.stdin is None:
        raise UsageError("Standard input is closed, so that there is no text. Name a file to read.")
    return cast(BufferedReader, sys.stdin.buffer)


def parallel(arguments: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Read the lines of --source and --target."""
    sources, targets = _of_equal_length([arguments.source, arguments.target])
    return sources, targets


def with_references(arguments: argparse.Namespace) -> tuple[list[str], References]:
    """Read the lines of --source, and the references of each: those of all --target, as :func:`add_references` says."""
    sources, *targets = _of_equal_length([arguments.source, *arguments.target])
    return sources, references_of(targets)


def references_of(texts: Sequence[Sequence[str]]) -> References:
    """Give the references of each sentence, of several texts that have one each.

    An empty line is none, unless all of a sentence are.
    """
    if len(texts) == 1:
        return texts[0]
    each = (list(filter(str.strip, lines)) for lines in zip(*texts, strict=True))
    return [found or [""] for found in each]


def _of_equal_length(paths: Sequence[Path | None]) -> list[list[str]]:
    """Read the lines of texts of which each line belongs to those of the others; None is standard input."""
    if paths.count(None) > 1:
        raise UsageError("Standard input is one text. Received: --source - --target -. Name a file for one of them.")
    texts = [lines_of(path) for path in paths]
    if len({len(lines) for lines in texts}) > 1:
        found = ", ".join(f"{path or 'stdin'} with {len(lines):,}" for path, lines in zip(paths, texts, strict=True))
        raise ValueError(f"Source and target need the same number of lines. Received: {found} lines.")
    return texts


def lines_of(path: Path | None) -> list[str]:
    """Read the lines of a text that a command names; None is standard input."""
    from seq2seq.text.lines import read_lines, read_stream

    if path is None:
        return list(read_stream(standard_input(), "stdin"))
    if not is_readable(path):
        raise UsageError(f"There is no such text file. Received: {path}.")
    return list(read_lines(path))
