"""`seq2seq rerank`: choose among the n best translations by what several models think of them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from seq2seq.commands.arguments import (
    MODEL,
    file_or_stream,
    given_options,
    lines_of,
    model_in,
    named_path,
    named_translator,
    need_model,
    references_of,
)
from seq2seq.metrics import METRICS, EvaluationSettings
from seq2seq.runs.measuring import evaluation_of
from seq2seq.system.files import need_writable, replacing
from seq2seq.system.terminal import UsageError, format_table, need_stdout, tell


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "rerank",
        help="choose among the n best translations by what several models think of them",
        description="Take the n best translations of each line, as `translate --n-best` writes them, and write the one "
        "that models find the best: the weighted sum of their log-probabilities per token, forward and backward, of "
        "the score in the list and of the length. Without --weights all count alike, and the length does not.",
    )
    parser.add_argument("models", type=named_path, nargs="*", metavar="MODEL", help=f"{MODEL}, of the same direction")
    parser.add_argument(
        "--backward", action="append", default=[], type=named_path, metavar="MODEL",
        help="a model of the other direction (may be repeated)",
    )  # fmt: skip
    parser.add_argument("--source", type=named_path, metavar="FILE", required=True, help="source text, line by line")
    parser.add_argument(
        "--n-best", type=file_or_stream, metavar="FILE", required=True,
        help="translations of each line, as `translate --n-best` writes them, with --scores or --json too; - is stdin",
    )  # fmt: skip
    parser.add_argument("--weights", type=named_path, metavar="FILE", help="weights that --tune has written")
    parser.add_argument(
        "--tune", type=named_path, metavar="FILE",
        help="write no translations, but the weights that choose best on these, which are of validation data",
    )  # fmt: skip
    parser.add_argument(
        "--target", type=named_path, action="append", metavar="FILE",
        help="reference translations, for --tune (may be repeated: a line has several then)",
    )  # fmt: skip
    parser.add_argument("--metric", choices=METRICS, help="what --tune makes better (default: bleu)")
    parser.add_argument("--scores", action="store_true", help="write the value and a TAB before each translation")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    need_stdout()
    _check(arguments)
    if arguments.tune is not None:
        need_writable(arguments.tune)
    from seq2seq.text.lines import one_line
    from seq2seq.translation import Weights, equal_weights, read_features, read_n_best, tune_weights, values_of

    sources = lines_of(arguments.source)
    targets = [] if arguments.tune is None else [lines_of(path) for path in arguments.target]
    weights = None if arguments.weights is None else Weights.from_table(_json(arguments.weights))
    lists = read_n_best(lines_of(arguments.n_best), str(arguments.n_best or "stdin"))
    _need_as_many(arguments, len(sources), len(lists), targets)
    forward, backward = ([named_translator(path) for path in paths] for paths in (arguments.models, arguments.backward))
    models = {
        f"{direction} {number}": translator.fingerprint
        for direction, translators in (("forward", forward), ("backward", backward))
        for number, translator in enumerate(translators, start=1)
    }
    features = read_features(sources, lists, forward, backward)
    if targets:
        references = references_of(targets)
        evaluation = evaluation_of(forward[0]) if forward else EvaluationSettings()
        weights = tune_weights(features, lists, references, models, arguments.metric or "bleu", evaluation, sources)
        with replacing(arguments.tune) as temporary:
            temporary.write_text(json.dumps(weights.to_table(), indent=2) + "\n", encoding="utf-8")
        print(
            format_table(
                ["feature", "weight"], [[name, f"{value:.4f}"] for name, value in weights.values.items()], numbers=[1]
            )
        )
        tuned = weights.tuned
        tell(
            f"{tuned['metric']} of what is chosen, on {tuned['sentences']:,} sentences: {tuned['before']:.2f} before, "
            f"{tuned['after']:.2f} with these weights ({tuned['signature']}). Written: {arguments.tune}"
        )
        return
    if weights is None:
        weights = equal_weights(features, models)
    weights.check(features.names, models)
    changed = 0
    for candidates, values in zip(lists, values_of(features, weights), strict=True):
        best = int(values.argmax())
        changed += best > 0
        text = one_line(candidates[best].text)
        line = f"{values[best]:.4f}\t{text.replace(chr(9), ' ')}" if arguments.scores else text
        sys.stdout.buffer.write(f"{line}\n".encode())  # for the next command: UTF-8 whatever the locale
    tell(f"Another translation than the first of its list: {changed:,} of {len(lists):,}.")


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be, before anything is read."""
    if not arguments.models and not arguments.backward:
        raise UsageError("Models say what the best translation is. Received: none. Name a MODEL or --backward MODEL.")
    for path in (*arguments.models, *arguments.backward):
        need_model(model_in(path))
    if (arguments.tune is None) != (arguments.target is None):
        received = "--target without --tune" if arguments.tune is None else "--tune without --target"
        raise UsageError(
            f"Weights are tuned on right translations, and written to a file. Received: {received}. Give both."
        )
    if arguments.tune is None and arguments.metric is not None:
        raise UsageError(
            "A metric is what weights are tuned by. "
            f"Received: --metric {arguments.metric} without --tune. Leave it out."
        )
    strange = given_options(arguments, ("weights", "scores"))
    if arguments.tune is not None and strange:
        raise UsageError(
            f"To tune weights writes no translations, and takes none. Received: --tune and {', '.join(strange)}. "
            "Leave one of them out."
        )


def _need_as_many(arguments: argparse.Namespace, sources: int, lists: int, targets: list[list[str]]) -> None:
    found = {str(arguments.source): sources, str(arguments.n_best or "stdin"): lists}
    found |= {str(path): len(lines) for path, lines in zip(arguments.target or (), targets, strict=True)}
    if len(set(found.values())) > 1 or not sources:
        told = ", ".join(f"{name} with {number:,}" for name, number in found.items())
        raise ValueError(f"Each source has its translations, and there is one at least. Received: {told}.")


def _json(path: Path) -> Any:
    text = "\n".join(lines_of(path))
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return path.name  # whoever reads it says what is needed
