"""`seq2seq diagnose`: say what is wrong with a model, and what to do."""

from __future__ import annotations

import argparse
import json
import shutil
from typing import Any

from seq2seq.commands.arguments import MODEL, RECIPE, add_data, add_settings, named_path, need_file, recipe_of
from seq2seq.runs.record import read_run
from seq2seq.system.terminal import UsageError, need_stdout


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "diagnose",
        help="say what is wrong inside a model: gradients, gates, dead layers, the bridge, leaks",
        description="Take a batch of the training text through a recipe before training, a run at its newest "
        "checkpoint, or a model, and say what is wrong and what to do: gradients that vanish or explode, saturated "
        "gates, dead layers, a bridge that does not learn, embeddings that are too small, a learning rate that is too "
        "high, and targets or padding that leak. Nothing is written.",
        epilog="Exit status: 0 whatever is found, 1 for a failed job, 2 for bad usage.",
    )
    parser.add_argument(
        "what", type=named_path, metavar="RUN|MODEL|RECIPE",
        help=f"run folder, of a run that goes on too; {MODEL.partition(',')[0]}; or {RECIPE}",
    )  # fmt: skip
    add_data(parser)
    add_settings(parser)
    parser.add_argument("--json", action="store_true", help="write JSON instead of tables")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    need_stdout()
    what = arguments.what
    if what.is_dir() and read_run(what) is None:
        raise UsageError(f"There is no run in this folder. Received: {what}. Name a run folder, a model or a recipe.")
    if not what.is_dir():
        need_file(what)
    from seq2seq.analysis.diagnosis import diagnose
    from seq2seq.analysis.diagnosis.subject import is_model
    from seq2seq.analysis.diagnosis.words import text

    if what.is_dir() or is_model(what):
        if arguments.settings:
            raise UsageError(
                f"The settings of what is trained are what they are. Received: --set with {what}. Examine its recipe."
            )
        found = diagnose(what, data=arguments.data)
    else:
        found = diagnose(recipe_of(arguments, what), data=arguments.data)
    if arguments.json:
        print(json.dumps(found.to_table(), indent=2))
    else:
        print(text(found, shutil.get_terminal_size((120, 24)).columns))
