"""`seq2seq evaluate`: measure translators on a test set."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.commands.arguments import (
    add_ensemble,
    add_references,
    count,
    lines_of,
    with_references,
)
from seq2seq.commands.decoding_options import add_decoding, check_decoding, chosen_search
from seq2seq.commands.exports import MODEL_OR_EXPORT, model_or_export, need_model_or_export, options_of_a_model
from seq2seq.metrics import EvaluationSettings, References, Surest, alike, surest
from seq2seq.runs.measuring import evaluation_of
from seq2seq.settings import convert, kinds
from seq2seq.system.terminal import UsageError, format_table, need_stdout, tell
from seq2seq.system.threads import one_core_per_operation

if TYPE_CHECKING:
    from seq2seq.translation import Calibration, Hypothesis, Translator


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "evaluate",
        help="measure translators on a test set",
        description="Translate a test set and compare it with its reference translations. Several models are put side "
        "by side: all are measured as the first says, and compared with it by sacreBLEU's paired bootstrap.",
    )
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL", help=f"{MODEL_OR_EXPORT}; or several")
    add_references(parser)
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
    parser.add_argument(
        "--surest", action="store_true",
        help="also measure the surest 90 %%, 80 %% ... 10 %% of the translations: how good is what is kept where the "
        "unsure ones are put aside",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="write JSON instead of a table")
    add_ensemble(parser)
    add_decoding(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    need_stdout()
    one_core_per_operation()
    from seq2seq.analysis.evaluation import HeldOut, Said, comparison_text, worst_text
    from seq2seq.translation import Cuts
    from seq2seq.translation.hypothesis import lost_pieces

    names = [name.strip() for name in arguments.metrics.split(",")] if arguments.metrics else []
    if names:
        convert(names, kinds(EvaluationSettings)["metrics"], "--metrics")  # refuses unknown ones, before any work
    sources, references = with_references(arguments)
    _check(arguments)
    if len(arguments.models) > 1 and len(sources) < 2:
        raise ValueError(
            "Models are compared on sentences that are drawn anew, of which there have to be two. "
            f"Received: {len(sources)} lines. Measure each model alone, or give more text."
        )
    training_text = None if arguments.by_frequency is None else lines_of(arguments.by_frequency)
    systems: list[Said] = []
    cuts: list[Cuts] = []
    kept: list[list[Surest]] = []
    curves: list[Calibration | None] = []
    evaluation = EvaluationSettings()
    for path in arguments.models:
        translator = model_or_export(arguments, path)
        own = evaluation_of(translator, names, arguments.several_references)
        evaluation = evaluation if systems else own
        if own != evaluation:
            tell(f"{path} says to measure otherwise; it is measured here as {arguments.models[0]} says.")
        found = translator.hypotheses(
            sources,
            chosen_search(arguments, translator),
            batch_size=arguments.batch_size,
            **options_of_a_model(arguments, translator, path),
        )
        best = [hypotheses[0] for hypotheses in found]
        systems.append(Said(str(path), [one.text for one in best], [one.score for one in best]))
        cuts.append(Cuts.of(found))
        which = f"{path}: " if len(arguments.models) > 1 else ""
        if cuts[-1]:
            tell(f"seq2seq: warning: {which}{cuts[-1]}")
        if lost := sum(len(one.lost) for one in best):
            tell(f"seq2seq: warning: {which}{lost_pieces(lost)}.")
        kept.append(_surest(translator, best, references, evaluation, sources) if arguments.surest else [])
        curves.append(translator.calibration)
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
                **({"worst": [one.table() for one in bad]} if arguments.worst else {}),
                **({"surest": [_told(one) for one in sure]} if arguments.surest else {}),
            }
            for own, cut, bad, sure in zip(scores, cuts, worst, kept, strict=True)
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
        }, indent=2, allow_nan=False))  # fmt: skip
        return
    if compared:
        parts = [comparison_text(compared, [said.name for said in systems])]
    else:
        rows = [[name, f"{score.value:.2f}", score.signature] for name, score in scores[0].items()]
        parts = [format_table(["metric", "value", "signature"], rows, numbers=[1])]
    parts += [by_length.text("sentences")] if by_length else []
    parts += [by_frequency.text("words")] if by_frequency else []
    for said, sure, curve in zip(systems, kept, curves, strict=True):
        parts += [f"The surest translations of {said.name}"] if sure and compared else []
        parts += [_table(sure, curve)] if sure else []
    for said, bad in zip(systems, worst, strict=True):
        parts += [f"The worst translations of {said.name}\n\n{worst_text(bad)}"] if bad else []
    print("\n\n".join(parts))


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be, before a model is loaded."""
    check_decoding(arguments)
    for path in arguments.models:
        need_model_or_export(path)
    if len(arguments.models) > 1 and arguments.ensemble:
        raise UsageError(
            "An ensemble is one translator, with the model before it. "
            f"Received: {len(arguments.models)} models and --ensemble. Name one model, or leave --ensemble out."
        )


def _surest(
    translator: Translator,
    best: Sequence[Hypothesis],
    references: References,
    evaluation: EvaluationSettings,
    sources: Sequence[str],
) -> list[Surest]:
    # An empty text is translated without a doubt.
    means = [0.0 if mean is None else mean for mean in (one.mean_log_probability for one in best)]
    curve = translator.calibration
    expected = None if curve is None else [curve.at(mean) for mean in means]
    return surest(means, [one.text for one in best], references, evaluation, sources, expected)


def _told(kept: Surest) -> dict[str, Any]:
    """Lay it out for JSON."""
    told = kept._asdict() | {"scores": {name: score.value for name, score in kept.scores.items()}}
    told["log_probability"] = least if isfinite(least := told.pop("least")) else None
    return told


def _table(kept: Sequence[Surest], curve: Calibration | None) -> str:
    metrics = list(kept[0].scores)
    header = ["surest", "sentences", "log p from", *([f"expected {curve.metric}"] if curve else []), *metrics]
    rows = [
        [f"{each.share} %", f"{each.sentences:,}", f"{each.least:.3f}",
         *([] if each.expected is None else [f"{100 * each.expected:.2f}"]),
         *(f"{score.value:.2f}" for score in each.scores.values())]
        for each in kept
    ]  # fmt: skip
    return format_table(header, rows, numbers=range(len(header)))
