"""`seq2seq benchmark`: measure how fast a recipe trains, or a model translates."""

from __future__ import annotations

import argparse
import json
import zipfile
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from seq2seq.commands.arguments import (
    EITHER,
    add_data,
    add_settings,
    count,
    file_or_stream,
    lines_of,
    model_in,
    named_path,
    need_file,
    recipe_of,
)
from seq2seq.system.files import need_writable, replacing
from seq2seq.system.terminal import UsageError, need_stdout

if TYPE_CHECKING:
    from seq2seq.analysis.speed.decoding import DecodingBenchmark
    from seq2seq.analysis.speed.training import TrainingBenchmark


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "benchmark",
        help="measure how fast a recipe trains, or a model translates, on this machine",
        description="Train some steps of a recipe, or translate with a model, and tell the speed, the share of what "
        "this machine can do, where the rest goes, and for a recipe the hours that it will take. Nothing is written "
        "but the FILE of --json.",
    )
    parser.add_argument("what", type=named_path, metavar="RECIPE|MODEL", help=EITHER)
    parser.add_argument("--json", type=named_path, metavar="FILE", help="also write every figure into this file")
    add_data(parser)
    parser.add_argument(
        "--steps", type=count, metavar="N", help="training steps to measure (default: 40), after 8 to warm up"
    )
    parser.add_argument(
        "--input", type=file_or_stream, metavar="FILE", default=argparse.SUPPRESS,
        help="sentences for a model to translate, - is stdin (default: the held-out text of its recipe)",
    )  # fmt: skip
    add_settings(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    need_stdout()
    what = model_in(arguments.what)
    need_file(what)
    if arguments.json is not None:
        need_writable(arguments.json)
    is_model = what.is_file() and zipfile.is_zipfile(what)
    given = "input" in arguments
    strange = {"--set": arguments.settings, "--steps": arguments.steps} if is_model else {"--input": given}
    received = [option for option, value in strange.items() if value]
    if received:
        kind, other = ("model", "recipe") if is_model else ("recipe", "model")
        raise UsageError(f"This option is for a {other}, not for a {kind}. Received: {' '.join(received)} with {what}.")
    if given and arguments.data is not None:
        raise UsageError(
            "A model translates one text here. Received: --input and --data. Leave one out: --data is for the held-out "
            "text of its recipe."
        )
    measured: TrainingBenchmark | DecodingBenchmark
    if is_model:
        from seq2seq.analysis import benchmark_decoding

        texts = lines_of(arguments.input) if given else None
        measured = benchmark_decoding(what, texts=texts, data=arguments.data)
    else:
        from seq2seq.analysis import benchmark_training

        recipe = recipe_of(arguments, what)
        measured = benchmark_training(recipe, data=arguments.data, steps=arguments.steps or 40)
    if arguments.json is not None:  # written first: who reads the report may stop reading
        with replacing(arguments.json) as path:
            path.write_text(json.dumps(asdict(measured), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(measured.report())
