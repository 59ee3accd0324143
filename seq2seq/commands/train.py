"""`seq2seq train`: train a translator by a recipe."""

from __future__ import annotations

import argparse
import shlex
from typing import Any

from seq2seq.commands import script
from seq2seq.commands.arguments import RECIPE, named_recipe, recorded_path


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "train",
        help="train a translator by a recipe",
        description="Train a translator by a recipe, measure it, and write it to a run folder.",
    )
    parser.add_argument("recipe", type=recorded_path, metavar="RECIPE", help=RECIPE)
    script.add_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    script.run_with_arguments(named_recipe(arguments.recipe), arguments, shlex.join(["seq2seq", *arguments.argv]))
