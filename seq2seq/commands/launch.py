"""`seq2seq launch`: start several workers on this machine."""

from __future__ import annotations

import argparse
import shutil
from typing import Any

from seq2seq.commands.arguments import count
from seq2seq.system.terminal import UsageError


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "launch",
        help="start several workers on this machine",
        description="Start a command several times on this machine, as the workers of one job, as in: "
        "seq2seq launch --workers 2 -- seq2seq train RECIPE --strategy multiworker. When a worker is gone, all end, "
        "with the exit status of that one.",
    )
    parser.add_argument("--workers", type=count, metavar="N", required=True, help="how many to start")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="the command of each worker")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    from seq2seq.distribution.launch import launch

    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        raise UsageError("There is nothing to start. Received: no COMMAND. Write it behind --.")
    if not shutil.which(command[0]):
        raise UsageError(f"There is no such command. Received: {command[0]}.")
    status = launch(command, arguments.workers)
    if status:
        raise SystemExit(status)
