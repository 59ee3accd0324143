"""The command line of a recipe script, which `seq2seq train` shares: options, and the result shown."""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from seq2seq.experiment import EXAMPLE, RunResult, default_folder, finished_run, run
from seq2seq.recipe import Recipe
from seq2seq.settings import SettingsError
from seq2seq.terminal import UsageError, exit_status, format_records, format_table, tell


def main(recipe: Recipe, argv: Sequence[str] | None = None) -> None:
    """Run a recipe script: reads the arguments of its command line, trains, and shows the result.

    Ends the process with exit status 1 or 2 where something goes wrong.

    Args:
        recipe: The recipe of the script.
        argv: Arguments; None takes those of the process.
    """
    name = Path(sys.argv[0]).name
    parser = argparse.ArgumentParser(prog=name, description=f"Train the translator {recipe.name!r} and measure it.")
    add_arguments(parser)
    parser.add_argument("--debug", action="store_true", help="show where an error was raised")
    arguments = parser.parse_args(argv)
    command = shlex.join(["python", *sys.argv]) if argv is None else shlex.join(["python", name, *argv])
    status = exit_status(lambda: run_with_arguments(recipe, arguments, command), name=name, debug=arguments.debug)
    if status:
        sys.exit(status)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that every way of running a recipe has."""
    parser.add_argument("--data", metavar="PATH", help="where the text lies, instead of data.path")
    parser.add_argument("--source", metavar="LANG", help="language or column to translate from")
    parser.add_argument("--target", metavar="LANG", help="language or column to translate into")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="run folder (default: runs/NAME of the recipe)")
    parser.add_argument("--seed", type=int, metavar="N", help="seed, instead of that of the recipe")
    parser.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", dest="settings",
        help="change a setting, as in model.dropout=0.3 (may be repeated)",
    )  # fmt: skip
    parser.add_argument("--resume", action="store_true", help="go on with a stopped run, with the recipe in its folder")


def run_with_arguments(recipe: Recipe, arguments: argparse.Namespace, command: str = "") -> None:
    """Run a recipe with the options of a command line, and show the result on stdout.

    Where the folder holds a finished run of the very same recipe and text, its stored result is shown again: a command
    is safe to repeat.

    Args:
        recipe: The recipe as it was written.
        arguments: What :func:`add_arguments` parsed.
        command: The command, for the record.

    Raises:
        UsageError: An option changes a setting that does not exist, or to a value that is not allowed.
        SystemExit: The run was stopped by a signal; with the status that is usual for it.
    """
    folder = default_folder(recipe) if arguments.out is None else arguments.out
    begun = folder / "recipe.toml"
    base = recipe
    if arguments.resume and begun.exists():
        base = Recipe.from_toml(begun)
        tell(f"Going on with the recipe in {begun}.")
    assignments = [*arguments.settings]
    for key, value in (("data.source", arguments.source), ("data.target", arguments.target), ("seed", arguments.seed)):
        if value is not None:
            assignments.append(f"{key}={value}")
    try:
        wanted = base.override(assignments)
    except SettingsError as error:
        raise UsageError(str(error)) from error
    changed = {key: value for key, value in base.changes(wanted).items() if key != "seed"}
    result = None if arguments.resume else finished_run(wanted, folder, data=arguments.data)
    if result is not None:
        tell(
            "This run was finished before; here is its stored result. To train anew, name another folder with --out, "
            f"or delete {folder}."
        )
    else:
        result = run(
            wanted, folder=folder, resume=arguments.resume, data=arguments.data, command=command, changed=changed
        )  # fmt: skip
    if result.model is None:
        raise SystemExit(128 + {"SIGINT": 2, "SIGTERM": 15}[result.stopped])
    print(report(result))
    tell(_next_steps(result))


def report(result: RunResult) -> str:
    """Lay out examples and scores of a run for reading."""
    columns = shutil.get_terminal_size((120, 24)).columns
    records = [list(zip(EXAMPLE, example, strict=True)) for example in result.examples]
    rows = [
        [part, name, f"{value:.2f}", result.signatures[name]]
        for part, scores in result.metrics.items()
        for name, value in scores.items()
    ]
    return "\n".join([
        "", format_records(records, columns), "",
        format_table(["part", "metric", "value", "signature"], rows, numbers=[2]), "",
        f"Trained for {result.minutes:.1f} minutes. The translator: {result.model}",
        f"Result and settings: {result.folder}",
    ])  # fmt: skip


def _next_steps(result: RunResult) -> str:
    source = shlex.quote(result.examples[0][0]) if result.examples else "'...'"
    return "\n".join([
        "", "What to try next:",
        f"  printf '%s\\n' {source} | seq2seq translate {result.model}",
        f"  seq2seq describe {result.model} --svg wiring.svg",
        "  the same command with --out runs/other --set model.attention=none, or with another --seed",
    ])  # fmt: skip
