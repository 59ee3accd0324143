"""How `seq2seq translate` lays out what it writes: its options, and the lines of one translation."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from seq2seq.commands.arguments import count, given_options
from seq2seq.system.terminal import UsageError

if TYPE_CHECKING:
    from seq2seq.translation import Translation, Translator

_COLUMNS = ("scores", "ended", "alignment")


def add_layout(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is written."""
    parser.add_argument(
        "--n-best", type=count, default=1, metavar="N",
        help="write the N best translations of each line, each as: number of the line, TAB, translation",
    )  # fmt: skip
    parser.add_argument(
        "--scores", action="store_true",
        help="write the score and a TAB before each translation: its log-probability (nats), divided by its length in "
        "tokens to the power of the length penalty",
    )  # fmt: skip
    parser.add_argument(
        "--ended", action="store_true",
        help="write `ended` or `cut` and a TAB before each translation: whether it ended by itself, or the limit of "
        "length cut it",
    )  # fmt: skip
    parser.add_argument(
        "--alignment", action="store_true",
        help="write which words it looked at and a TAB before each translation, as 0-0 1-2: source-target, from 0 "
        "(Pharaoh format); for models with attention",
    )  # fmt: skip
    parser.add_argument(
        "--json", action="store_true",
        help="write a JSON object for each line: text, score, ended, tokens with their log-probabilities, alignment, "
        "other translations (--n-best), fingerprint of the model",
    )  # fmt: skip


def check_layout(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be written together."""
    given = given_options(arguments, _COLUMNS)
    if arguments.json and given:
        raise UsageError(
            f"A JSON object has all of that. Received: --json with {' '.join(given)}. Leave one of them out."
        )


def need_alignment(arguments: argparse.Namespace, translator: Translator) -> None:
    """Refuse to write what the model cannot tell."""
    if arguments.alignment and not translator.model.attends:
        raise UsageError(
            "An alignment is what attention looked at. Received: --alignment, and a model without attention. "
            "Leave it out, or use a model that has it."
        )


def needs_details(arguments: argparse.Namespace) -> bool:
    """Tell whether more is written than texts and scores."""
    return bool(arguments.json or arguments.alignment)


def further_columns(arguments: argparse.Namespace) -> dict[str, type]:
    """Name what is written of each translation before its text, and what it is."""
    kinds: dict[str, type] = {"scores": float, "ended": str, "alignment": str}
    return {name.removesuffix("s"): kinds[name] for name in _COLUMNS if getattr(arguments, name)}


def cells(found: Translation, rank: int, arguments: argparse.Namespace) -> list[Any]:
    """Give what is written of a translation, column by column, its text last.

    Args:
        found: The translations of a line.
        rank: Which one, 0 the best.
        arguments: What :func:`add_layout` parsed.
    """
    from seq2seq.text.lines import one_line

    one = found.hypotheses[rank]
    columns: list[Any] = [one.score] * arguments.scores + ["ended" if one.ended else "cut"] * arguments.ended
    columns += [found.pharaoh(rank)] if arguments.alignment else []
    # One line for one translation, whatever a vocabulary of bytes may put into it.
    return [*columns, one_line(one.text)]


def written(number: int, found: Translation, arguments: argparse.Namespace) -> str:
    """Lay out what is written for one line.

    Args:
        number: Of the line, from 1.
        found: Its translations; what is not asked for is not written.
        arguments: What :func:`add_layout` parsed.
    """
    if arguments.json:
        return _line(json.dumps(found.to_json(arguments.n_best), ensure_ascii=False, allow_nan=False))
    rows = []
    for rank, one in enumerate(found.hypotheses[: arguments.n_best]):
        if rank and not one.exists:
            continue
        *more, text = cells(found, rank, arguments)
        columns = [str(number)] * (arguments.n_best > 1)
        columns += [f"{each:.4f}" if isinstance(each, float) else each for each in more]
        # A column of its own, where there are others.
        rows.append("\t".join([*columns, text.replace("\t", " ") if columns else text]) + "\n")
    return "".join(rows)


def _line(text: str) -> str:
    """Escape what ends a line for some readers: JSON itself escapes only control characters of ASCII."""
    for end in "\x85\u2028\u2029":
        text = text.replace(end, f"\\u{ord(end):04x}")
    return text + "\n"
