"""The `seq2seq` command: its parser, and the table of what it can do."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from seq2seq import __version__
from seq2seq.commands import (
    average,
    benchmark,
    calibrate,
    compare,
    describe,
    diagnose,
    evaluate,
    explain,
    export,
    launch,
    probe,
    report,
    rerank,
    score,
    serve,
    shortlist,
    train,
    translate,
    verify_resume,
)
from seq2seq.commands.parser import Parser
from seq2seq.system import process
from seq2seq.system.terminal import exit_status

COMMANDS = (
    train,
    launch,
    translate,
    evaluate,
    score,
    rerank,
    explain,
    probe,
    compare,
    average,
    report,
    diagnose,
    calibrate,
    shortlist,
    export,
    serve,
    describe,
    benchmark,
    verify_resume,
)
"""Every command, in the order of `seq2seq --help`: a module with `add` and `run`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: Arguments after the name of the command; None takes those of the process.

    Returns:
        Exit status: 0, 1 for a failed job, 2 for bad usage.
    """
    process.prepare()
    argv = sys.argv[1:] if argv is None else argv
    arguments = make_parser().parse_args(argv, argparse.Namespace(argv=argv))
    return exit_status(lambda: arguments.run(arguments), debug=arguments.debug)


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of all commands."""
    parser = Parser(
        prog="seq2seq",
        description="Train and use deep stacked LSTM encoder-decoders.",
        epilog="Exit status: 0, 1 for a failed job, 2 for bad usage. Messages go to stderr, data to stdout.",
    )
    parser.add_argument("--version", action="version", version=f"seq2seq {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(commands)
    for added in commands.choices.values():
        added.add_argument("--debug", action="store_true", help="show where an error was raised")
    return parser
