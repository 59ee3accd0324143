"""What to try after a run: commands that can be typed as they stand."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

from seq2seq.recipe import Recipe
from seq2seq.runs.record import RunResult


def next_steps(result: RunResult, recipe: Recipe, command: str) -> str:
    """Lay out what to try after a run.

    Args:
        result: What came of it.
        recipe: What was run.
        command: The command that began it; "" where it is not known.
    """
    source = shlex.quote(result.examples[0][0]) if result.examples else "'...'"
    model, program = shlex.quote(str(result.model)), _program("seq2seq")
    name, settings = _other_attention(recipe)
    others = [
        again(command, "--out", f"{result.folder}-{name}", *settings) if settings else "",
        again(command, "--out", f"{result.folder}-seed-{recipe.seed + 1}", "--seed", str(recipe.seed + 1)),
    ]
    return "\n".join([
        "", "What to try next:",
        f"  printf '%s\\n' {source} | {program} translate {model}",
        f"  {program} describe {model} --svg wiring.svg",
        *(f"  {other}" for other in others if other),
    ])  # fmt: skip


def again(command: str, *options: str) -> str:
    """Give a command of a run with other options, as it can be typed here; "" where it is not known."""
    words = shlex.split(command)
    if not words:
        return ""
    kept: list[str] = []
    skip = False
    for word in words[1:]:
        if not skip and word not in ("--resume", "--resume-if-begun", "--out") and not word.startswith("--out="):
            kept.append(word)
        skip = word == "--out"
    return f"{_program(words[0])} {shlex.join([*kept, *options])}"


def _other_attention(recipe: Recipe) -> tuple[str, list[str]]:
    """Name a model to compare with, and the options that make it of this recipe; none where only its name is open."""
    model = recipe.model
    if model.architecture:
        return "", []
    blind = model.bridge == "zero" or not any(model.bridge)
    if model.attention == "none" or blind:  # without states the source is seen by attention only
        other = "additive" if model.attention == "general" else "general"
        return f"{other}-attention", ["--set", f"model.attention={other}"]
    feeding = ["--set", "model.input_feeding=false"] if model.input_feeding else []
    return "no-attention", ["--set", "model.attention=none", *feeding]


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
