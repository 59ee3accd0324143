"""`seq2seq evaluate`: measure a translator on a test set."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from seq2seq.commands.arguments import MODEL, add_ensemble, add_parallel, named_ensemble, parallel
from seq2seq.commands.decoding_options import add_decoding, chosen_mbr, chosen_search
from seq2seq.metrics import EvaluationSettings, alike, measure
from seq2seq.runs.measuring import evaluation_of
from seq2seq.settings import convert, kinds
from seq2seq.system.terminal import format_table, need_stdout, tell


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "evaluate",
        help="measure a translator on a test set",
        description="Translate a test set and compare it with its reference translations.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help=MODEL)
    add_parallel(parser, "reference translations")
    parser.add_argument("--metrics", metavar="NAMES", help="names with commas between (default: as the recipe says)")
    parser.add_argument(
        "--several-references", action=argparse.BooleanOptionalAction,
        help="take lines of equal source as one sentence with several right references (default: as the recipe says)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="write JSON instead of a table")
    add_ensemble(parser)
    add_decoding(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    need_stdout()
    from seq2seq.translation import Cuts

    names = [name.strip() for name in arguments.metrics.split(",")] if arguments.metrics else []
    if names:
        convert(names, kinds(EvaluationSettings)["metrics"], "--metrics")  # refuses unknown ones, before any work
    sources, references = parallel(arguments)
    translator = named_ensemble(arguments)
    evaluation = evaluation_of(translator, names, arguments.several_references)
    found = translator.hypotheses(
        sources,
        chosen_search(arguments, translator),
        batch_size=arguments.batch_size,
        shortlist=arguments.shortlist,
        precision=arguments.precision,
        mbr=chosen_mbr(arguments, translator),
    )
    cuts = Cuts.of(found)
    if cuts:
        tell(f"seq2seq: warning: {cuts}")
    hypotheses = [best.text for best, *_ in found]
    scores = measure(hypotheses, references, evaluation, sources)
    for line in alike(scores, hypotheses, references):
        tell(line)
    if arguments.json:
        print(json.dumps({
            "sentences": len(set(sources)) if evaluation.several_references else len(sources),
            "lines": len(sources),
            "metrics": {name: score.value for name, score in scores.items()},
            "signatures": {name: score.signature for name, score in scores.items()},
            "cut": cuts.cut,
            "in_parts": cuts.in_parts,
        }, indent=2))  # fmt: skip
    else:
        rows = [[name, f"{score.value:.2f}", score.signature] for name, score in scores.items()]
        print(format_table(["metric", "value", "signature"], rows, numbers=[1]))
