"""The command line of a recipe script, which `seq2seq train` shares: options, and the result shown."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.commands.arguments import add_data, add_from, add_seed, add_settings, recorded_path
from seq2seq.commands.next_steps import again, assignment, next_steps, with_settings
from seq2seq.commands.parser import Parser
from seq2seq.distribution.workers import Workers
from seq2seq.recipe import Recipe
from seq2seq.runs.record import EXAMPLE, RunRecord, RunResult, default_folder, finished_run, is_fixed, read_run
from seq2seq.runs.running import need_same_settings, run
from seq2seq.settings import SettingsError, by_name, present_name
from seq2seq.system import process
from seq2seq.system.signals import stop_status
from seq2seq.system.terminal import exit_status, format_records, format_table, need_stdout, tell
from seq2seq.training.run_folder import RunFolderError

if TYPE_CHECKING:
    from seq2seq.distribution.devices import Devices


def main(recipe: Recipe, argv: Sequence[str] | None = None) -> None:
    """Run a recipe script: reads the arguments of its command line, trains, and shows the result.

    Ends the process with exit status 1 or 2 where something goes wrong.

    Args:
        recipe: The recipe of the script.
        argv: Arguments; None takes those of the process.
    """
    process.prepare()
    name = Path(sys.argv[0]).name
    parser = Parser(prog=name, description=f"Train the translator {recipe.name!r} and measure it.")
    add_arguments(parser)
    parser.add_argument("--debug", action="store_true", help="show where an error was raised")
    arguments = parser.parse_args(argv)
    command = shlex.join(["python", *sys.argv]) if argv is None else shlex.join(["python", name, *argv])
    status = exit_status(lambda: run_with_arguments(recipe, arguments, command), name=name, debug=arguments.debug)
    if status:
        sys.exit(status)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that every way of running a recipe has."""
    add_data(parser)
    parser.add_argument("--source", metavar="LANG", help="language or column to translate from")
    parser.add_argument("--target", metavar="LANG", help="language or column to translate into")
    parser.add_argument(
        "--out", type=recorded_path, metavar="FOLDER",
        help="run folder (default: runs/NAME, with the languages behind where they are not those of the recipe)",
    )  # fmt: skip
    add_from(parser)
    add_seed(parser)
    add_settings(parser)
    parser.add_argument(
        "--strategy", choices=("mirrored", "multiworker"),
        help="share each batch among all devices of this machine, or among all workers that TF_CONFIG or Slurm names",
    )  # fmt: skip
    going_on = parser.add_mutually_exclusive_group()
    going_on.add_argument(
        "--resume", action="store_true", help="go on with a stopped run, with the recipe in its folder"
    )
    going_on.add_argument(
        "--resume-if-begun", action="store_true",
        help="go on with a stopped run of this very recipe where the folder holds one, else start",
    )  # fmt: skip


def run_with_arguments(recipe: Recipe, arguments: argparse.Namespace, command: str = "") -> None:
    """Run a recipe with the options of a command line, and show the result on stdout.

    Where the folder holds a finished run of the very same recipe and text, its stored result is shown again: a command
    is safe to repeat.

    Args:
        recipe: The recipe as it was written.
        arguments: What :func:`add_arguments` parsed.
        command: The command, for the record.

    Raises:
        SettingsError: An option changes a setting that does not exist or to a value that is not allowed, or the
            settings contradict each other.
        RunFolderError: The folder holds another run.
        UsageError: Standard output is closed.
        SystemExit: The run was stopped by a signal; with the status that is usual for it.
    """
    need_stdout()
    wanted = recipe.override(_assignments(arguments))
    if arguments.strategy is None:
        status = _lead(recipe, wanted, arguments, command)
    else:
        from seq2seq.distribution import open_devices

        with open_devices(arguments.strategy) as devices:
            need_same_settings(devices.workers, wanted)
            if devices.workers.chief:
                status = _lead(recipe, wanted, arguments, command, devices)
            else:
                status = _follow(arguments, devices)
    if status:
        raise SystemExit(status)


def _follow(arguments: argparse.Namespace, devices: Devices) -> int:
    """Run what the chief runs: it alone looks into the run folder, and shows what comes of it."""
    plan = devices.workers.from_chief()
    if plan["recipe"] is None:  # nothing is left to do
        return 0
    recipe = Recipe.from_text(plan["recipe"])
    result = run(recipe, folder=plan["folder"], resume=plan["resume"], data=arguments.data, strategy=devices)
    return stop_status(result.stopped)


def _lead(
    recipe: Recipe, wanted: Recipe, arguments: argparse.Namespace, command: str, devices: Devices | None = None
) -> int:
    """Run what was asked for, show what came of it, and give the exit status."""
    workers = devices.workers if devices else Workers()
    assignments = _assignments(arguments)
    folder = _folder(recipe, wanted) if arguments.out is None else arguments.out
    stored = None if arguments.resume else finished_run(wanted, folder, data=arguments.data)
    base = recipe
    if stored is not None:
        result = stored
        tell(
            "This run was finished before; here is its stored result. To train anew, name another folder with --out, "
            f"or delete {folder}."
        )
        workers.from_chief({"recipe": None})
    else:
        resume, begun = arguments.resume, None
        if resume and (begun := read_run(folder)):
            base = begun.recipe
            tell(f"Going on with the recipe in {folder / 'recipe.toml'}.")
            _tell_edits(begun, recipe, assignments)
        elif arguments.resume_if_begun and (folder / "recipe.toml").exists():
            _need_same(wanted, arguments.data, folder, command)
            resume, begun = True, read_run(folder)
            tell(f"Going on with the run that was stopped in {folder}.")
        wanted = base.override(assignments)
        changed = {key: value for key, value in base.changes(wanted).items() if key != "seed"}
        if begun and begun.command:
            gone = by_name(begun.recipe).keys() - by_name(wanted).keys()
            moved = None if arguments.data == begun.data else arguments.data
            command = with_settings(begun.command, begun.recipe.changes(wanted), gone, moved)
        workers.from_chief({"recipe": wanted.to_toml(), "folder": str(folder), "resume": resume})
        result = run(
            wanted,
            folder=folder,
            resume=resume,
            data=arguments.data,
            command=command,
            changed=changed,
            strategy=devices or "",
        )
    if result.model is None:
        if arguments.resume_if_begun:
            tell("The same command once more goes on from there too.")
        return stop_status(result.stopped)
    print(report(result))
    if stored is None:
        from seq2seq.analysis.report.page import try_report

        try_report(result.folder)
    # Of a run that went on the one that makes all of it: what --resume was told is a part.
    tell(next_steps(result, wanted, result.command or command, compare=stored is None))
    return 0


def _assignments(arguments: argparse.Namespace) -> list[str]:
    given = (
        ("data.source", arguments.source),
        ("data.target", arguments.target),
        ("seed", arguments.seed),
        ("start_from", arguments.start_from),
    )
    return [*arguments.settings, *(f"{key}={value}" for key, value in given if value is not None)]


def _folder(recipe: Recipe, wanted: Recipe) -> Path:
    """Name the run folder where none is given; the other direction of a recipe is another run."""
    folder = default_folder(wanted)
    languages = (wanted.data.source, wanted.data.target)
    if languages == (recipe.data.source, recipe.data.target):
        return folder
    return folder.with_name("-".join([folder.name, *(re.sub(r"[^\w.+]+", "_", name) for name in languages)]))


def _tell_edits(begun: RunRecord, recipe: Recipe, assignments: Sequence[str]) -> None:
    """Say what the recipe as it is written now has otherwise than the run that goes on, and how to have it."""
    said = {assignment.partition("=")[0].strip() for assignment in assignments}
    said |= {*begun.changed_settings, "name", "seed"}
    said = {present_name(Recipe, name) for name in said}
    edits = {
        name: value for name, value in begun.recipe.changes(begun.in_its_words(recipe)).items() if name not in said
    }
    possible = [f"--set {shlex.quote(assignment(name, edits[name]))}" for name in edits if not is_fixed(name)]
    fixed = [name for name in edits if is_fixed(name)]
    if possible:
        tell(
            f"The recipe that was given has other settings, which do not hold here. To have them: {' '.join(possible)}"
        )
    if fixed:
        tell(f"The recipe that was given has another {', '.join(fixed)}: that needs a new run, in another folder.")


def _need_same(wanted: Recipe, data: str | None, folder: Path, command: str) -> None:
    """Refuse to go on with the run of another recipe."""
    try:
        begun = read_run(folder)
    except SettingsError as error:
        why = f"cannot be read any more: {error}"
    else:
        if begun is None:
            return
        differing = [*begun.differences(wanted).values()]
        if data is not None and data != begun.data:
            differing.append(f"the text was {begun.data or begun.recipe.data.path} and is now {data}")
        if not differing:
            return
        why = f"is of another recipe: {'; '.join(differing)}"
    anew = again(command, "--out", f"{folder}-2") if command else f"--out {folder}-2"
    raise RunFolderError(
        f"A run is never overwritten, and the one in {folder} {why}. "
        f"To start anew in its place: rm -r {shlex.quote(str(folder))}. To keep it: {anew}"
    )


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
