"""The options of search that every command has which translates."""

import argparse

from seq2seq.commands.arguments import count, not_negative


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
