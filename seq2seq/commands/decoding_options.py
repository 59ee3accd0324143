"""The options of search that every command has which translates."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from seq2seq.commands.arguments import count, not_negative

if TYPE_CHECKING:
    from seq2seq.search import Beam
    from seq2seq.translation import Translator


def add_decoding(parser: argparse.ArgumentParser) -> None:
    """Add the options of search."""
    parser.add_argument("--beam-size", type=count, metavar="N", help="1 is greedy (default: as the recipe says)")
    parser.add_argument(
        "--length-penalty", type=not_negative, metavar="X",
        help="exponent of the length that scores are divided by; 0 for none (default: as the recipe says)",
    )  # fmt: skip
    parser.add_argument(
        "--batch-size", type=count, metavar="N", help="sentences together (default: as the recipe says)"
    )
    parser.add_argument(
        "--shortlist", action="store_true", help="score only pieces that a batch is likely to need (seq2seq shortlist)"
    )
    parser.add_argument(
        "--precision", choices=["float32", "bfloat16"],
        help="of the decoder's matrix products; bfloat16 is faster on a processor with units for it "
        "(default: as trained)",
    )  # fmt: skip


def chosen_search(arguments: argparse.Namespace, translator: Translator, n_best: int = 1) -> Beam:
    """Give the translator's own settings of search, changed as the options say; a beam holds the n best."""
    given = {name: getattr(arguments, name) for name in ("beam_size", "length_penalty")}
    search = replace(translator.search, **{name: value for name, value in given.items() if value is not None})
    return replace(search, beam_size=max(search.beam_size, n_best), n_best=n_best)
