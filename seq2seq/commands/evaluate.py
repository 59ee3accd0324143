"""`seq2seq evaluate`: measure translators on a test set."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seq2seq.commands.arguments import (
    MODEL,
    add_ensemble,
    add_parallel,
    count,
    lines_of,
    model_in,
    named_ensemble,
    need_model,
    parallel,
)
from seq2seq.commands.decoding_options import add_decoding, chosen_mbr, chosen_search
from seq2seq.metrics import EvaluationSettings, alike
from seq2seq.runs.measuring import evaluation_of
from seq2seq.settings import convert, kinds
from seq2seq.system.terminal import UsageError, format_table, need_stdout, tell


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "evaluate",
        help="measure translators on a test set",
        description="Translate a test set and compare it with its reference translations. Several models are put side "
        "by side: all are measured as the first says, and compared with it by sacreBLEU's paired bootstrap.",
    )
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL", help=f"{MODEL}; or several")
    add_parallel(parser, "reference translations")
    parser.add_argument("--metrics", metavar="NAMES", help="names with commas between (default: as the recipe says)")
    parser.add_argument(
        "--several-references", action=argparse.BooleanOptionalAction,
        help="take lines of equal source as one sentence with several right references (default: as the recipe says)",
    )  # fmt: skip
    parser.add_argument(
        "--by-length", action="store_true", help="also score sentences in classes, by the length of their sources"
    )
    parser.add_argument(
        "--by-frequency", type=Path, metavar="FILE",
        help="also score words in classes, by how often this text has them: the target side of the training text",
    )  # fmt: skip
    parser.add_argument(
        "--worst", type=count, metavar="N", help="also show the N sentences of the lowest chrF, with their scores"
    )
    parser.add_argument("--json", action="store_true", help="write JSON instead of a table")
    add_ensemble(parser)
    add_decoding(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    need_stdout()
    from seq2seq.analysis.evaluation import HeldOut, Said, comparison_text, worst_text
    from seq2seq.translation import Cuts

    names = [name.strip() for name in arguments.metrics.split(",")] if arguments.metrics else []
    if names:
        convert(names, kinds(EvaluationSettings)["metrics"], "--metrics")  # refuses unknown ones, before any work
    _check(arguments)
    sources, references = parallel(arguments)
    training_text = None if arguments.by_frequency is None else lines_of(arguments.by_frequency)
    systems: list[Said] = []
    cuts: list[Cuts] = []
    evaluation = EvaluationSettings()
    for path in arguments.models:
        translator = named_ensemble(arguments, path)
        own = evaluation_of(translator, names, arguments.several_references)
        evaluation = evaluation if systems else own
        if own != evaluation:
            tell(f"{path} says to measure otherwise; it is measured here as {arguments.models[0]} says.")
        found = translator.hypotheses(
            sources,
            chosen_search(arguments, translator),
            batch_size=arguments.batch_size,
            shortlist=arguments.shortlist,
            precision=arguments.precision,
            mbr=chosen_mbr(arguments, translator),
        )
        best = [hypotheses[0] for hypotheses in found]
        systems.append(Said(str(path), [one.text for one in best], [one.score for one in best]))
        cuts.append(Cuts.of(found))
        if cuts[-1]:
            tell(f"seq2seq: warning: {f'{path}: ' if len(arguments.models) > 1 else ''}{cuts[-1]}")
    held_out = HeldOut(sources, references, evaluation)
    scores = [held_out.scores(said) for said in systems]
    for line in dict.fromkeys(line for said in systems for line in alike(scores[0], said.texts, references)):
        tell(line)
    compared = held_out.compared(systems) if len(systems) > 1 else {}
    by_length = held_out.by_length(systems) if arguments.by_length else None
    by_frequency = None if training_text is None else held_out.by_frequency(systems, training_text)
    worst = [held_out.worst(said, arguments.worst) if arguments.worst else [] for said in systems]
    if arguments.json:
        each = [
            {
                "metrics": {name: score.value for name, score in own.items()},
                "cut": cut.cut,
                "in_parts": cut.in_parts,
                **({"worst": [asdict(one) for one in bad]} if arguments.worst else {}),
            }
            for own, cut, bad in zip(scores, cuts, worst, strict=True)
        ]
        models = [{"model": said.name, **own} for said, own in zip(systems, each, strict=True)]
        print(json.dumps({
            "sentences": held_out.sentences,
            "lines": len(sources),
            "signatures": {name: score.signature for name, score in scores[0].items()},
            **(each[0] if len(models) == 1 else {"models": models}),
            **({"compared": {name: each.table() for name, each in compared.items()}} if compared else {}),
            **({"by_length": asdict(by_length)} if by_length else {}),
            **({"by_frequency": asdict(by_frequency)} if by_frequency else {}),
        }, indent=2))  # fmt: skip
        return
    if compared:
        parts = [comparison_text(compared, [said.name for said in systems])]
    else:
        rows = [[name, f"{score.value:.2f}", score.signature] for name, score in scores[0].items()]
        parts = [format_table(["metric", "value", "signature"], rows, numbers=[1])]
    parts += [by_length.text("sentences")] if by_length else []
    parts += [by_frequency.text("words")] if by_frequency else []
    for said, bad in zip(systems, worst, strict=True):
        parts += [f"The worst translations of {said.name}\n\n{worst_text(bad)}"] if bad else []
    print("\n\n".join(parts))


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be, before a model is loaded."""
    for path in arguments.models:
        need_model(model_in(path))
    if len(arguments.models) > 1 and arguments.ensemble:
        raise UsageError(
            "An ensemble is one translator, with the model before it. "
            f"Received: {len(arguments.models)} models and --ensemble. Name one model, or leave --ensemble out."
        )
