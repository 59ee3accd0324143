"""`seq2seq report`: one page about a run."""

from __future__ import annotations

import argparse
from typing import Any

from seq2seq.commands.arguments import named_path
from seq2seq.system.files import need_writable
from seq2seq.system.terminal import UsageError, tell


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "report",
        help="write one page about a run: scores, curves, wiring, text, translations with alignments",
        description="Write one page of HTML about runs, which loads nothing: scores with intervals, how the run "
        "learnt, how states are passed, what was read, where it is good, the best, worst and most uncertain "
        "translations with what the model looked at, and how to repeat it. A training writes it into its folder.",
    )
    parser.add_argument("runs", type=named_path, nargs="+", metavar="DIR", help="run folders, of runs that go on too")
    parser.add_argument(
        "--to", type=named_path, metavar="FILE", help="where to write it (default: report.html in the first folder)"
    )
    parser.add_argument(
        "--live", action="store_true",
        help="write it anew every 10 seconds while training goes on; a browser that shows it reads it again by itself",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    absent = [str(path) for path in arguments.runs if not path.is_dir()]
    if absent:
        raise UsageError(f"There is no such run folder. Received: {' '.join(absent)}.")
    from seq2seq.analysis.report import write_report

    path = arguments.to or arguments.runs[0] / "report.html"
    need_writable(path)
    if arguments.live:
        tell(f"Writing {path} every 10 seconds, until the run has ended. Ctrl-C stops it, and not the run.")
    tell(f"Written: {write_report(arguments.runs, path, live=arguments.live)}")
