"""`seq2seq verify-resume`: prove that a killed and resumed training ends like one that was never stopped."""

from __future__ import annotations

import argparse
from typing import Any

from seq2seq.commands.arguments import RECIPE, add_data, add_from, add_seed, add_settings, count, named_path, recipe_of
from seq2seq.system.signals import unwinding
from seq2seq.system.terminal import UsageError, need_stdout


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "verify-resume",
        help="prove that a killed and resumed training ends like one that was never stopped",
        description="Train a recipe without a stop, then again with a SIGKILL and a resume, each in fresh processes; "
        "compare every tensor, counter and log line (wall times left out). Exit status 1 where anything differs.",
    )
    parser.add_argument("recipe", type=named_path, metavar="RECIPE", help=RECIPE)
    parser.add_argument("--steps", type=count, metavar="N", required=True, help="optimizer steps to train for")
    parser.add_argument(
        "--kill-at", type=count, nargs="+", metavar="K", required=True,
        help="optimizer step at which to kill; of several, each kills a training of its own",
    )  # fmt: skip
    add_data(parser)
    add_from(parser)
    parser.add_argument(
        "--out", type=named_path, metavar="FOLDER",
        help="where the runs go and stay (default: a temporary folder, which stays only where something differs)",
    )  # fmt: skip
    add_seed(parser)
    add_settings(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    need_stdout()
    from seq2seq.analysis import DifferentError, verify_resume
    from seq2seq.recipe.build import check_model
    from seq2seq.runs.preparing import read_origin

    if max(arguments.kill_at) >= arguments.steps:
        raise UsageError(
            "A training is killed before its end. "
            f"Received: --steps {arguments.steps} --kill-at {max(arguments.kill_at)}."
        )
    recipe = recipe_of(arguments, arguments.recipe)
    check_model(recipe, read_origin(recipe))
    different = []
    steps = {"steps": arguments.steps, "kill_at": arguments.kill_at}
    with unwinding():  # no training outlives it
        for verdict in verify_resume(recipe, **steps, data=arguments.data, folder=arguments.out):
            print(verdict.report(), end="\n\n", flush=True)
            if not verdict.identical:
                different.append(str(verdict.killed_at))
    if different:
        raise DifferentError(
            f"A resumed training differs from the straight one: killed at step {', '.join(different)}."
        )
