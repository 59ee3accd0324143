"""What `seq2seq translate` reads: texts, or the rows of a table, in chunks that are translated together."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from seq2seq.commands.arguments import lines_of, standard_input
from seq2seq.commands.layout import further_columns
from seq2seq.system.pipe import ArrivingLines
from seq2seq.system.terminal import UsageError, tell

if TYPE_CHECKING:
    from seq2seq.text.annotating import Annotating

_Item = TypeVar("_Item")


class Asked(NamedTuple):
    """What is translated together."""

    number: int  # of the chunk
    first: int  # the number of its first line
    texts: list[str]
    prefixes: list[str] | None


class Chunk(NamedTuple):
    """What is translated together, and what stays here of it."""

    rows: list[Any]
    asked: Asked


def columns(text: str) -> tuple[str, str]:
    """Read the names of the column to translate and of the one to write."""
    column, comma, new = text.partition(",")
    if not column or "," in new or (comma and not new):
        raise argparse.ArgumentTypeError(
            f"needs the name of a column, and, behind a comma, that of a new one. Received: {text}"
        )
    return column, new or "translation"


def check_table(arguments: argparse.Namespace) -> None:
    """Refuse what is no table, or cannot be written as one."""
    from seq2seq.text.annotating import table_ending

    given, output = arguments.input, arguments.output
    if arguments.text or given is None:
        raise UsageError("Columns are those of a table in a file. Received: --columns without --input FILE. Name it.")
    if arguments.n_best > 1 or arguments.json:
        raise UsageError(
            "Each row of the table is written once, with its best translation. Received: --columns and "
            f"{'--json' if arguments.json else f'--n-best {arguments.n_best}'}. Leave one of them out."
        )
    if output is not None and table_ending(output) != table_ending(given):
        raise UsageError(
            "A table is written as it was read, with a further column. "
            f"Received: --input {given}, --output {output}. Give both the same ending, but for that of a compression."
        )


def table_of(arguments: argparse.Namespace) -> Annotating | None:
    """Open the table that is to be translated, if it is one."""
    if arguments.columns is None:
        return None
    from seq2seq.text.annotating import annotating

    column, new = arguments.columns
    return annotating(arguments.input, column, further_columns(arguments) | {new: str})


@contextmanager
def opened(
    arguments: argparse.Namespace, table: Annotating | None
) -> Iterator[tuple[Iterator[Any], Callable[[], bool]]]:
    """Open what is to be translated: its texts or rows, and whether the next one has yet to arrive."""
    from seq2seq.text.lines import read_lines, read_stream

    given = arguments.input
    if table is not None:
        yield table.rows(), lambda: False
    elif arguments.text:
        lines = (line for text in arguments.text for line in os.fsencode(text).split(b"\n"))
        yield read_stream(lines, "the command line", nul=True, invalid=_warn), lambda: False
    elif given is not None and given.is_file():
        yield read_lines(given, nul=True, invalid=_warn), lambda: False
    else:
        with nullcontext(standard_input()) if given is None else given.open("rb") as file:
            arriving = ArrivingLines(file)
            place = "stdin" if given is None else str(given)
            yield read_stream(arriving, place, nul=True, invalid=_warn), arriving.would_wait


def _warn(error: ValueError) -> None:
    tell(f"seq2seq: warning: {error} It is translated with U+FFFD in that place; later lines are not mentioned.")


def lines_to_show(arguments: argparse.Namespace, table: Annotating | None) -> int | None:
    """Count what is to be translated, where somebody sees how far it is."""
    seen = sys.stderr is not None and sys.stderr.isatty() and (arguments.output is not None or not sys.stdout.isatty())
    return _count(arguments, table) if seen else None


def _count(arguments: argparse.Namespace, table: Annotating | None) -> int | None:
    """Count what is to be translated; None where it can be read once alone."""
    from seq2seq.text.lines import read_lines

    given = arguments.input
    if given is None or not given.is_file():
        return None
    rows = read_lines(given, nul=True, invalid=lambda _: None) if table is None else table.rows()
    return sum(1 for _ in rows)


def chunked(
    rows: Iterator[Any],
    size: int,
    would_wait: Callable[[], bool],
    arguments: argparse.Namespace,
    table: Annotating | None,
) -> Iterator[Chunk]:
    """Give rows together, with what is asked of their translations."""
    prefixes = None
    if arguments.prefixes is not None:
        lines = lines_of(arguments.prefixes)
        number = _count(arguments, table)  # before the work, where that can be
        if number is not None and number != len(lines):
            raise _other_prefixes(arguments, "fewer" if len(lines) < number else "more")
        prefixes = iter(lines)
    first = 1
    for number, taken in enumerate(chunks(rows, size, would_wait)):
        texts = [row if isinstance(row, str) else row.text for row in taken]
        begun = None if prefixes is None else list(itertools.islice(prefixes, len(texts)))
        if begun is not None and len(begun) < len(texts):
            raise _other_prefixes(arguments, "fewer")
        yield Chunk(taken, Asked(number, first, texts, begun))
        first += len(taken)
    if prefixes is not None and next(prefixes, None) is not None:
        raise _other_prefixes(arguments, "more")


def _other_prefixes(arguments: argparse.Namespace, how: str) -> ValueError:
    return ValueError(
        f"Each line has its prefix. Received: --prefixes {arguments.prefixes} with {how} lines than there are to "
        "translate. Put an empty line where a translation may begin with anything."
    )


def chunks(texts: Iterator[_Item], count: int, would_wait: Callable[[], bool]) -> Iterator[list[_Item]]:
    """Give texts together, as many as are counted or have arrived; those before a bad line, then its error."""
    taken: list[_Item] = []
    try:
        for text in texts:
            taken.append(text)
            if len(taken) == count or would_wait():
                yield taken
                taken = []
    except ValueError:
        yield taken
        raise
    yield taken
