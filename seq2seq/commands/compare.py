"""`seq2seq compare`: put runs side by side, with what the differences between them are worth."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from seq2seq.system.terminal import UsageError, tell


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "compare",
        help="put runs side by side, with what the differences between them are worth",
        description="Compare finished runs on their test sentences. Runs of one recipe but for the seed are one "
        "variant; every other variant is compared with the first, with an interval over sentences and seeds.",
    )
    parser.add_argument("what", type=Path, nargs="+", metavar="DIR", help="run folders, or folders that hold some")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="also write the report here: Markdown, JSON, CSV")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    absent = [str(path) for path in arguments.what if not path.is_dir()]
    if absent:
        raise UsageError(f"There is no such folder of runs. Received: {' '.join(absent)}.")
    from seq2seq.analysis.comparison import compare_runs

    comparison = compare_runs(arguments.what)
    print(comparison.report())
    if arguments.out is not None:
        tell(f"Written: {', '.join(map(str, comparison.write(arguments.out)))}")
