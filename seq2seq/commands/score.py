"""`seq2seq score`: tell how likely a model finds given translations."""

from __future__ import annotations

import argparse
import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from seq2seq.commands.arguments import MODEL, add_ensemble, add_parallel, named_ensemble, named_path, parallel
from seq2seq.system.terminal import format_table, need_stdout, tell
from seq2seq.text.special_ids import PIECES, UNKNOWN

if TYPE_CHECKING:
    from seq2seq.text.tokenizer import Tokenizer


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "score",
        help="tell how likely a model finds given translations",
        description="Give the log-probability (nats) of given translations, `</s>` counted, and their perplexity per "
        "token. Every text is read whole, however long.",
    )
    parser.add_argument("model", type=named_path, metavar="MODEL", help=MODEL)
    add_parallel(parser, "translations to score, line by line; an empty line is the empty translation")
    parser.add_argument(
        "--contrastive", action="store_true",
        help="each line of --target holds several translations with tabs between, the right one first: tell how often "
        "the model finds it the likeliest; all sums are of right ones",
    )  # fmt: skip
    parser.add_argument(
        "--json", action="store_true", help="write JSON instead of a table, with the score of each token"
    )
    add_ensemble(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    need_stdout()
    sources, lines = parallel(arguments)
    contrastive = arguments.contrastive
    choices = [line.split("\t") if contrastive else [line] for line in lines]
    _check(arguments, sources, choices)
    translator = named_ensemble(arguments)
    _need_pieces(arguments, sources, translator.source_tokenizer)
    repeated = [source for source, targets in zip(sources, choices, strict=True) for _ in targets]
    found = iter(translator.score(repeated, [target for targets in choices for target in targets]))
    scores = [list(islice(found, len(targets))) for targets in choices]
    from seq2seq.translation import perplexity

    right = [first for first, *_ in scores]
    won = sum(first.log_prob > max(one.log_prob for one in wrong) for first, *wrong in scores) if contrastive else 0
    summary = {
        "sentences": len(right),
        "tokens": sum(len(one.tokens) for one in right),
        "log_prob": sum(one.log_prob for one in right),
        "perplexity": perplexity(right),
        "unknown_tokens": sum(one.tokens.count(PIECES[UNKNOWN]) for one in right),
        **({"contrastive_accuracy": 100 * won / len(right)} if contrastive else {}),
    }
    if arguments.json:
        told = [[one._asdict() | {"perplexity": one.perplexity} for one in targets] for targets in scores]
        print(json.dumps(summary | {"scores": told}, indent=2))  # JSON in any encoding of stdout
        return
    rows = [
        [line, number, f"{one.log_prob:.4f}", len(one.tokens), f"{one.perplexity:.4f}"]
        for line, targets in enumerate(scores, start=1)
        for number, one in enumerate(targets, start=1)
    ]
    print(format_table(["line", "translation", "log-probability", "tokens", "perplexity"], rows, numbers=range(5)))
    tell(", ".join(f"{name.replace('_', ' ')}: {_number(value)}" for name, value in summary.items()))


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def _check(arguments: argparse.Namespace, sources: list[str], choices: list[list[str]]) -> None:
    """Refuse what cannot be scored, before the model is loaded."""
    if not sources:
        raise ValueError(f"There is nothing to score. Received: {arguments.source or 'stdin'} with 0 lines.")
    alone = [number for number, targets in enumerate(choices, start=1) if len(targets) == 1]
    if arguments.contrastive and alone:
        raise ValueError(
            "With --contrastive each line holds the right translation and wrong ones, with tabs between. "
            f"Received: {arguments.target or 'stdin'}, line {alone[0]} without a tab."
        )


def _need_pieces(arguments: argparse.Namespace, sources: list[str], tokenizer: Tokenizer) -> None:
    """Refuse a source of which the tokenizer leaves nothing: white space, or what normalization drops."""
    empty = [number for number, ids in enumerate(tokenizer.encode_batch(sources), start=1) if not len(ids)]
    if empty:
        raise ValueError(
            "A target is scored as the translation of something. "
            f"Received: {arguments.source or 'stdin'}, line {empty[0]} without text. Leave the pair out."
        )
