"""`seq2seq average`: one model of several checkpoints of a run."""

from __future__ import annotations

import argparse
from typing import Any

from seq2seq.commands.arguments import count, named_path, need_model_place
from seq2seq.system.terminal import UsageError, need_stdout


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "average",
        help="write a model whose weights are the mean of several checkpoints",
        description="Average the weights of checkpoints of a finished run, and write a model file of them. A run keeps "
        "training.keep_checkpoints of them. The model is as fast as any other, unlike an ensemble; measure it with "
        "evaluate.",
    )
    parser.add_argument("folder", type=named_path, metavar="RUN", help="folder of a finished run")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--last", type=count, metavar="N", help="average the N newest checkpoints")
    which.add_argument("--best", type=count, metavar="N", help="average the N kept ones that validated best")
    parser.add_argument(
        "--output", type=named_path, metavar="FILE", help="model file to write (default: RUN/average.s2s)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    need_stdout()
    from seq2seq.runs.averaging import average_run

    folder = arguments.folder
    if not folder.is_dir():
        raise UsageError(f"Checkpoints lie in the folder of a run. Received: {folder}. Name such a folder.")
    output = arguments.output or folder / "average.s2s"
    need_model_place(output)
    if arguments.best is None:
        translator, used = average_run(folder, arguments.last, "last")
    else:
        translator, used = average_run(folder, arguments.best, "best")
    translator.save(output)
    print(f"Wrote {output}: the mean of {', '.join(path.stem for path in used)}.")
