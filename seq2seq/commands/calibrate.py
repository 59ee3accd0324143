"""`seq2seq calibrate`: learn how good translations are that the model is so sure of."""

from __future__ import annotations

import argparse
from typing import Any

from seq2seq.commands.arguments import (
    MODEL,
    add_references,
    model_in,
    named_path,
    named_translator,
    need_model,
    need_model_place,
    with_references,
)
from seq2seq.runs.measuring import evaluation_of
from seq2seq.system.terminal import need_stdout


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "calibrate",
        help="learn how good translations are that the model is so sure of",
        description="Translate held-out text, and learn from its references what quality is to be expected of a "
        "translation with such log-probabilities: the confidence of translate --json. Training does it with its "
        "validation text.",
    )
    parser.add_argument("model", type=named_path, metavar="MODEL", help=MODEL)
    add_references(parser)
    parser.add_argument(
        "--output", type=named_path, metavar="FILE", help="model file to write (default: MODEL, replaced)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    need_stdout()
    from seq2seq.translation.confidence import Calibration, known

    output = arguments.output or model_in(arguments.model)
    need_model(model_in(arguments.model))
    need_model_place(output)
    sources, references = with_references(arguments)
    translator = named_translator(arguments.model)
    found = translator.hypotheses(sources)
    learnt = Calibration.learn(*known(found, references, evaluation_of(translator), sources))
    translator.calibration = learnt
    translator.save(output)
    least, most = learnt.qualities[0], learnt.qualities[-1]
    print(
        f"Wrote {output}: {learnt.metric} from {least:.2f} to {most:.2f}, as {learnt.sentences:,} translations showed."
    )
