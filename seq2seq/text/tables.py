"""Pairs from the columns of a table in a file: TSV, CSV, JSONL, Parquet.

TSV, CSV and JSONL are read here and not by `datasets`, whose readers guess types: they turn the text `1979-05-03` of
a JSON file into the time `1979-05-03 00:00:00`, the word `NULL` into a missing value and `007` into 7. Here a
cell is text as it is written, and a message can name file and line.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from seq2seq.text.columns import find_column, text_of
from seq2seq.text.lines import read_lines
from seq2seq.text.pairs import CorpusError, Pair


def read_tsv(path: Path, source: str, target: str) -> Iterator[Pair]:
    r"""Read pairs from tab-separated lines, where quotes have no meaning and no word is a missing value.

    Args:
        path: the file, plain or `.gz`.
        source: name of the source column in the first line; a number ("0" is the first column) if both columns are
            numbers: the table then has no header.
        target: the same for the target column.

    Yields:
        A pair for each line; a blank line gives an empty pair.

    Raises:
        CorpusError: if a column is missing or a line has another number of columns than the first.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "train.tsv"
        ...     _ = path.write_text('NULL\t"N AH L\n')
        ...     list(read_tsv(path, "0", "1"))
        [Pair(source='NULL', target='"N AH L')]
    """
    rows = ((number, line.split("\t") if line else []) for number, line in enumerate(read_lines(path), start=1))
    return _read_cells(path, rows, source, target)


def read_csv(path: Path, source: str, target: str) -> Iterator[Pair]:
    """Read pairs from comma-separated values, quoted with `"` where they hold commas, quotes or ends of lines.

    Args:
        path: the file, plain or `.gz`.
        source: name of the source column in the first line, or its number as for `read_tsv`.
        target: the same for the target column.

    Yields:
        A pair for each record; a blank line gives an empty pair.

    Raises:
        CorpusError: if a column is missing, a record has another number of columns than the first, or a quote is
            never closed.
    """
    reader = csv.reader((line + "\n" for line in read_lines(path)), strict=True)

    def rows() -> Iterator[tuple[int, list[str]]]:
        try:
            for cells in reader:
                yield reader.line_num, cells
        except csv.Error as error:
            raise CorpusError(
                f"A CSV file needs its quotes closed and doubled inside quotes. Received: {path}, line "
                f"{reader.line_num} ({error}). If quotes have no meaning in this file, make it a .tsv with tabs."
            ) from None

    return _read_cells(path, rows(), source, target)


def read_jsonl(path: Path, source: str, target: str) -> Iterator[Pair]:
    """Read pairs from one JSON object per line.

    Args:
        path: the file, plain or `.gz`.
        source: name of the source column; it may lie in an inner object, as `de` in `{"translation": {"de": ...}}`,
            and may be written as `translation.de`.
        target: the same for the target column.

    Yields:
        A pair for each line; a blank line or a null gives an empty pair. Numbers are text as written.

    Raises:
        CorpusError: if a line is not a JSON object, lacks a column or holds something else than text there.
    """
    for number, line in enumerate(read_lines(path), start=1):
        if not line or line.isspace():
            yield Pair("", "")
            continue
        place = f"{path}, line {number}"
        try:
            row = json.loads(line, parse_int=str, parse_float=str)
        except (json.JSONDecodeError, RecursionError) as error:
            raise CorpusError(
                f"A JSONL file needs one JSON object per line. Received: {place} ({error}). "
                "Repair the line, or rewrite the file with one object per line."
            ) from None
        if type(row) is not dict:
            raise CorpusError(f"A JSONL file needs a JSON object per line. Received: {place}, {type(row).__name__}.")
        yield Pair(_cell(row, source, place), _cell(row, target, place))


TABLES: dict[str, Callable[[Path, str, str], Iterable[Pair]]] = {
    ".tsv": read_tsv,
    ".csv": read_csv,
    ".jsonl": read_jsonl,
}
"""The readers of text tables by the ending of the file (`.gz` may follow); Parquet is read by `datasets`."""


def _cell(row: Any, column: str, place: str) -> str:
    value = row
    for name in find_column(row, column, place):
        value = value[name]
    return text_of(value, column, place)


def _read_cells(path: Path, rows: Iterator[tuple[int, list[str]]], source: str, target: str) -> Iterator[Pair]:
    first = next(rows, None)
    if first is None:
        return
    number, header = first
    width = len(header)
    if source.isdecimal() and target.isdecimal():
        source_at, target_at = int(source), int(target)
        if max(source_at, target_at) >= width:
            raise CorpusError(
                f"A table without header needs columns that are there. Received: source={source!r}, target={target!r}, "
                f"{path}, line {number} with {width} columns. They are counted from '0'."
            )
        yield Pair(header[source_at], header[target_at])
    else:
        for name in (source, target):
            if name not in header:
                raise CorpusError(
                    f"A table needs the named columns in its first line. Received: column {name!r}, {path}. "
                    f"There is instead: {', '.join(map(repr, header))}. If the table has no header, "
                    "name its columns by number, the first '0'."
                )
        source_at, target_at = header.index(source), header.index(target)
    for number, cells in rows:
        if len(cells) == width:
            yield Pair(cells[source_at], cells[target_at])
        elif not cells:
            yield Pair("", "")
        else:
            raise CorpusError(
                f"Every line of a table needs as many columns as the first. Received: {path}, line {number} with "
                f"{len(cells)} columns, {width} in the first line. Look for a separator too many or too few."
            )
