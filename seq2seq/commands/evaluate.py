"""`seq2seq evaluate`: measure translators on a test set."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seq2seq.commands.arguments import (
    add_ensemble,
    add_references,
    count,
    lines_of,
    named_path,
    with_references,
)
from seq2seq.commands.decoding_options import add_decoding, check_decoding, chosen_search, named_dictionary
from seq2seq.commands.exports import MODEL_OR_EXPORT, model_or_export, need_model_or_export, options_of_a_model
from seq2seq.metrics import EvaluationSettings, References, Surest, alike, surest
from seq2seq.runs.measuring import evaluation_of
from seq2seq.settings import convert, kinds
from seq2seq.system.terminal import UsageError, need_stdout, tell
from seq2seq.system.threads import one_core_per_operation

if TYPE_CHECKING:
    from seq2seq.commands.evaluated import System
    from seq2seq.translation import Hypothesis, Translator


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "evaluate",
        help="measure translators on a test set",
        description="Translate a test set and compare it with its reference translations. Several models are put side "
        "by side: all are measured as the first says, and compared with it by sacreBLEU's paired bootstrap.",
    )
    parser.add_argument("models", type=named_path, nargs="+", metavar="MODEL", help=f"{MODEL_OR_EXPORT}; or several")
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
        "--by-frequency", type=named_path, metavar="FILE",
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
    names = [] if arguments.metrics is None else [name.strip() for name in arguments.metrics.split(",")]
    if names:
        convert(names, kinds(EvaluationSettings)["metrics"], "--metrics")  # refuses unknown ones, before any work
    sources, references = with_references(arguments)
    _check(arguments, len(sources))
    training_text = None if arguments.by_frequency is None else lines_of(arguments.by_frequency)
    from seq2seq.analysis.evaluation import HeldOut
    from seq2seq.commands.evaluated import Evaluated

    systems, evaluation = _translated(arguments, names, sources, references)
    held_out = HeldOut(sources, references, evaluation)
    said = [system.said for system in systems]
    scores = [held_out.scores(each) for each in said]
    for line in dict.fromkeys(line for each in said for line in alike(scores[0], each.texts, references)):
        tell(line)
    found = Evaluated(
        lines=len(sources),
        sentences=held_out.sentences,
        systems=systems,
        scores=scores,
        compared=held_out.compared(said) if len(said) > 1 else {},
        by_length=held_out.by_length(said) if arguments.by_length else None,
        by_frequency=None if training_text is None else held_out.by_frequency(said, training_text),
        worst=[held_out.worst(each, arguments.worst) for each in said] if arguments.worst else None,
    )
    print(json.dumps(found.to_table(), indent=2, allow_nan=False) if arguments.json else found.text())


def _translated(
    arguments: argparse.Namespace, names: Sequence[str], sources: Sequence[str], references: References
) -> tuple[list[System], EvaluationSettings]:
    """Translate by every model, one after the other; measured is as the first one says."""
    from seq2seq.analysis.evaluation import Said
    from seq2seq.commands.evaluated import System
    from seq2seq.translation import Cuts
    from seq2seq.translation.hypothesis import lost_pieces

    systems: list[System] = []
    evaluation = EvaluationSettings()
    dictionary = named_dictionary(arguments)
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
            **options_of_a_model(arguments, translator, path, dictionary),
        )
        best, cuts = [hypotheses[0] for hypotheses in found], Cuts.of(found)
        which = f"{path}: " if len(arguments.models) > 1 else ""
        if cuts:
            tell(f"seq2seq: warning: {which}{cuts}")
        if lost := sum(len(one.lost) for one in best):
            tell(f"seq2seq: warning: {which}{lost_pieces(lost)}.")
        said = Said(str(path), [one.text for one in best], [one.score for one in best])
        kept = _surest(translator, best, references, evaluation, sources) if arguments.surest else None
        systems.append(System(said, cuts, kept, translator.calibration))
    return systems, evaluation


def _check(arguments: argparse.Namespace, lines: int) -> None:
    """Refuse what cannot be, before a model is loaded."""
    check_decoding(arguments)
    for path in arguments.models:
        need_model_or_export(path)
    if len(arguments.models) > 1 and arguments.ensemble:
        raise UsageError(
            "An ensemble is one translator, with the model before it. "
            f"Received: {len(arguments.models)} models and --ensemble. Name one model, or leave --ensemble out."
        )
    if len(arguments.models) > 1 and lines < 2:
        raise ValueError(
            "Models are compared on sentences that are drawn anew, of which there have to be two. "
            f"Received: {lines} lines. Measure each model alone, or give more text."
        )


def _surest(
    translator: Translator,
    best: Sequence[Hypothesis],
    references: References,
    evaluation: EvaluationSettings,
    sources: Sequence[str],
) -> list[Surest]:
    # An empty text is translated without a doubt, and says nothing of the others.
    real = [(mean, place) for place, one in enumerate(best) if (mean := one.mean_log_probability) is not None]
    means, places = [mean for mean, _ in real], [place for _, place in real]
    curve = translator.calibration
    expected = None if curve is None else [curve.at(mean) for mean in means]
    texts = [best[place].text for place in places]
    right = [references[place] for place in places]
    return surest(means, texts, right, evaluation, [sources[place] for place in places], expected)
