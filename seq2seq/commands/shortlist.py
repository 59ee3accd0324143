"""`seq2seq shortlist`: learn which target pieces a source is likely to need."""

from __future__ import annotations

import argparse
from typing import Any

from seq2seq.commands.arguments import (
    MODEL,
    add_parallel,
    model_in,
    named_path,
    named_translator,
    need_model,
    need_model_place,
    parallel,
)
from seq2seq.system.terminal import need_stdout


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "shortlist",
        help="learn which target pieces a source is likely to need",
        description="Learn from parallel text which target pieces go with which source pieces, and write a translator "
        "that knows it: translate --shortlist then scores only those.",
    )
    parser.add_argument("model", type=named_path, metavar="MODEL", help=MODEL)
    add_parallel(parser, "its translations, line by line")
    parser.add_argument(
        "--output", type=named_path, metavar="FILE", help="model file to write (default: MODEL, replaced)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    need_stdout()
    output = arguments.output or model_in(arguments.model)
    need_model(model_in(arguments.model))
    need_model_place(output)
    from seq2seq.translation.shortlist import Shortlist

    sources, targets = parallel(arguments)
    translator = named_translator(arguments.model)
    source, target = translator.source_tokenizer, translator.target_tokenizer
    learnt = Shortlist.learn(
        source.encode_batch(sources),
        target.encode_batch(targets),
        source.vocab_size,
        translator.model.decoder.vocab_size,
    )
    translator.shortlist = learnt
    translator.save(output)
    pieces = int((learnt.likely > 0).sum())
    print(f"Wrote {output}: {len(learnt.frequent):,} pieces for every source, {pieces:,} likely ones.")
