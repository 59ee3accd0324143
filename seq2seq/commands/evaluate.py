"""`seq2seq evaluate`: measure a translator on a test set."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.commands.arguments import MODEL, add_ensemble, add_parallel, named_ensemble, parallel
from seq2seq.commands.decoding_options import add_decoding, chosen_copying, chosen_mbr, chosen_search
from seq2seq.metrics import EvaluationSettings, Surest, alike, measure, surest
from seq2seq.runs.measuring import evaluation_of
from seq2seq.settings import convert, kinds
from seq2seq.system.terminal import format_table, need_stdout, tell
from seq2seq.system.threads import one_core_per_operation

if TYPE_CHECKING:
    from seq2seq.translation import Calibration, Hypothesis, Translator


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
    from seq2seq.translation import Cuts
    from seq2seq.translation.hypothesis import lost_pieces

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
        **chosen_copying(arguments, translator),
    )
    cuts = Cuts.of(found)
    if cuts:
        tell(f"seq2seq: warning: {cuts}")
    lost = sum(len(best.lost) for best, *_ in found)
    if lost:
        tell(f"seq2seq: warning: {lost_pieces(lost)}.")
    hypotheses = [best.text for best, *_ in found]
    scores = measure(hypotheses, references, evaluation, sources)
    for line in alike(scores, hypotheses, references):
        tell(line)
    kept = _surest(translator, found, references, evaluation, sources) if arguments.surest else []
    if arguments.json:
        print(json.dumps({
            "sentences": len(set(sources)) if evaluation.several_references else len(sources),
            "lines": len(sources),
            "metrics": {name: score.value for name, score in scores.items()},
            "signatures": {name: score.signature for name, score in scores.items()},
            "cut": cuts.cut,
            "in_parts": cuts.in_parts,
            **({"surest": [_told(each) for each in kept]} if arguments.surest else {}),
        }, indent=2, allow_nan=False))  # fmt: skip
    else:
        rows = [[name, f"{score.value:.2f}", score.signature] for name, score in scores.items()]
        print(format_table(["metric", "value", "signature"], rows, numbers=[1]))
        if arguments.surest:
            print(f"\n{_table(kept, translator.calibration)}")


def _surest(
    translator: Translator,
    found: Sequence[Sequence[Hypothesis]],
    references: Sequence[str],
    evaluation: EvaluationSettings,
    sources: Sequence[str],
) -> list[Surest]:
    # An empty text is translated without a doubt.
    means = [0.0 if mean is None else mean for mean in (best.mean_log_probability for best, *_ in found)]
    curve = translator.calibration
    expected = None if curve is None else [curve.at(mean) for mean in means]
    return surest(means, [best.text for best, *_ in found], references, evaluation, sources, expected)


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
