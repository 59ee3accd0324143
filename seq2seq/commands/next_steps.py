"""What to try after a run: commands that can be typed as they stand."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from seq2seq.recipe import Recipe
from seq2seq.runs.record import RunResult
from seq2seq.settings import SettingsError
from seq2seq.system.process import LAUNCHED

# Models to compare with, the first that can be built is proposed: a name for its run folder, and its settings.
_OTHERS = (
    ("no-attention", ("model.attention.kind=none", "model.attention.input_feeding=false")),
    ("general-attention", ("model.attention.kind=general",)),
    ("additive-attention", ("model.attention.kind=additive",)),
)


def next_steps(result: RunResult, recipe: Recipe, command: str, *, compare: bool) -> str:
    """Lay out what to try after a run.

    Args:
        result: What came of it.
        recipe: What was run.
        command: The command that began it; "" where it is not known.
        compare: Whether to propose another model to compare with: it is built, to know that it can be, which takes
            TensorFlow.
    """
    source = shlex.quote(result.examples[0][0]) if result.examples else "'...'"
    model, program = shlex.quote(str(result.model)), _program("seq2seq")
    steps = [f"printf '%s\\n' {source} | {program} translate {model}", f"{program} describe {model} --svg wiring.svg"]
    if command:
        name, settings = _other_model(recipe) if compare else ("", [])
        if settings:
            options = [part for setting in settings for part in ("--set", setting)]
            steps.append(again(command, "--out", f"{result.folder}-{name}", *options))
        seed = recipe.seed + 1
        if _allowed(recipe, f"seed={seed}"):
            steps.append(again(command, "--out", f"{result.folder}-seed-{seed}", "--seed", str(seed)))
    return "\n".join(["", "What to try next:", *(f"  {step}" for step in steps)])


def again(command: str, *options: str) -> str:
    """Give the command of a run with other options in the place of its own, as it can be typed here."""
    program, *words = shlex.split(command)
    replaced = {option for option in options if option in ("--out", "--seed")}
    kept: list[str] = []
    skip = False
    for word in words:
        if not skip and word.partition("=")[0] not in {"--resume", "--resume-if-begun", *replaced}:
            kept.append(word)
        skip = word in replaced
    workers = os.environ.get(LAUNCHED)
    launch = f"{_program('seq2seq')} launch --workers {workers} -- " if workers else ""
    return f"{launch}{_program(program)} {shlex.join([*kept, *options])}"


def with_settings(
    command: str, changed: Mapping[str, object], gone: Collection[str] = (), data: str | None = None
) -> str:
    """Give a command with other values of some settings, in the place of those that it has.

    Args:
        command: The command; one that was not written by this toolkit stays as it is.
        changed: The settings by name.
        gone: Settings that there are no more, with these changed.
        data: Where the text is now; None leaves what the command says of it.

    Example:
        >>> with_settings("seq2seq train a.toml --set training.epochs=2 --seed 1", {"training.epochs": 3})
        'seq2seq train a.toml --seed 1 --set training.epochs=3'
    """
    try:
        split = shlex.split(command)
    except ValueError:
        return command
    if shlex.join(split) != command:
        return command
    kept: list[str] = []
    words = iter(split)
    for word in words:
        if data is not None and word.partition("=")[0] == "--data":
            if word == "--data":
                next(words, "")
            continue
        pair = [word, *([next(words, "")] if word == "--set" else [])]
        key = pair[-1].removeprefix("--set=").partition("=")[0].strip()
        if not (word.startswith("--set") and (key in changed or key in gone)):
            kept += pair
    place = [] if data is None else ["--data", data]
    settings = [part for change in changed.items() for part in ("--set", assignment(*change))]
    return shlex.join([*kept, *place, *settings])


def assignment(name: str, value: object) -> str:
    """Write a setting as `--set` takes it: ``model.dropout=0.3``."""
    plain = isinstance(value, str) and re.fullmatch(r"[\w.-]+", value)
    return f"{name}={value if plain else json.dumps(value, ensure_ascii=False)}"


def _other_model(recipe: Recipe) -> tuple[str, list[str]]:
    """Name a model to compare with, and the settings that make it of this recipe; none where none can be built."""
    from seq2seq.recipe.build import check_model

    if recipe.start_from:  # the weights that it goes on from fit no other model
        return "", []
    for name, settings in _OTHERS:
        other = _allowed(recipe, *settings)
        if other is None or other.model.attention == recipe.model.attention:
            continue
        with suppress(SettingsError):
            check_model(other)
            return name, [assignment(*change) for change in recipe.changes(other).items()]
    return "", []


def _allowed(recipe: Recipe, *assignments: str) -> Recipe | None:
    """Give the recipe with changed settings; None where they are not allowed."""
    try:
        return recipe.override(assignments)
    except SettingsError:
        return None


def _program(name: str) -> str:
    """Write the command of this environment as it has to be typed here: by its name only where the shell finds it."""
    here = Path(sys.executable).with_name(name)
    found = shutil.which(name)
    if found and (not here.exists() or Path(found).absolute() == here):
        return name
    if not here.exists():
        python = shlex.quote(sys.executable)
        return python if name == "python" else f"{python} -m seq2seq"
    return shlex.quote(str(here.relative_to(Path.cwd()) if here.is_relative_to(Path.cwd()) else here))
