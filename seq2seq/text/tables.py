"""Pairs from the columns of a table in a file of text: TSV, CSV, JSON.

They are read here and not by `datasets`, whose readers guess types: they turn the text `1979-05-03` of
a JSON file into the time `1979-05-03 00:00:00`, the word `NULL` into a missing value and `007` into 7. Here a
cell is text as it is written, and a message can name file and line.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from seq2seq.text.columns import find_column, text_of
from seq2seq.text.lines import read_lines
from seq2seq.text.pairs import CorpusError, Pair


def read_tsv(path: Path, source: str, target: str) -> Iterator[Pair]:
    r"""Read pairs from tab-separated lines, where quotes have no meaning and no word is a missing value.

    Args:
        path: the file, plain or compressed.
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
    return _pairs(path, tsv_cells(path), source, target)


def read_csv(path: Path, source: str, target: str) -> Iterator[Pair]:
    """Read pairs from comma-separated values, quoted with `"` where they hold commas, quotes or ends of lines.

    Args:
        path: the file, plain or compressed.
        source: name of the source column in the first line, or its number as for `read_tsv`.
        target: the same for the target column.

    Yields:
        A pair for each record; a blank line gives an empty pair.

    Raises:
        CorpusError: if a column is missing, a record has another number of columns than the first, or a quote is
            never closed.
    """
    return _pairs(path, csv_cells(path), source, target)


def read_jsonl(path: Path, source: str, target: str) -> Iterator[Pair]:
    """Read pairs from one JSON object per line.

    Args:
        path: the file, plain or compressed.
        source: name of the source column; it may lie in an inner object, as `de` in `{"translation": {"de": ...}}`,
            and may be written as `translation.de`.
        target: the same for the target column.

    Yields:
        A pair for each line; a blank line or a null gives an empty pair. Numbers are text as written.

    Raises:
        CorpusError: if a line is not a JSON object, lacks a column or holds something else than text there.
    """
    for place, line, row in json_rows(path):
        yield Pair(cell(row, source, place), cell(row, target, place)) if line else Pair("", "")


def read_json(path: Path, source: str, target: str) -> Iterator[Pair]:
    """Read pairs from JSON as the scripts of the hub have it: lines as in JSONL, an array of objects, or one in `data`.

    Lines are read one by one; an array is held in memory while it is read.

    Args:
        path: the file, plain or compressed.
        source: name of the source column, nested or not, as for `read_jsonl`.
        target: the same for the target column.

    Yields:
        A pair for each object, as `read_jsonl` does.

    Raises:
        CorpusError: as `read_jsonl` does, with the number of the object in the array; if there is no array of objects.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "train.json"
        ...     _ = path.write_text('{"version": 1, "data": [{"translation": {"de": "eins", "en": "one"}}]}')
        ...     list(read_json(path, "de", "en"))
        [Pair(source='eins', target='one')]
    """
    first = next((line for line in read_lines(path) if line and not line.isspace()), "")
    if _is_row(first):
        yield from read_jsonl(path, source, target)
        return
    needed = 'A JSON file needs an object per line, an array of objects, or {"data": [...]} around one.'
    try:
        whole = _parse("\n".join(read_lines(path))) if first else []
    except (json.JSONDecodeError, RecursionError) as error:
        raise CorpusError(f"{needed} Received: {path} ({error}). Repair it there.") from None
    rows = whole.get("data") if type(whole) is dict else whole
    if type(rows) is not list:
        there = f"an object of {', '.join(map(repr, whole))}" if type(whole) is dict else type(whole).__name__
        raise CorpusError(f"{needed} Received: {path}, {there}. Write its rows one by one.")
    for number, row in enumerate(rows, start=1):
        place = f"{path}, object {number}"
        if type(row) is not dict:
            raise CorpusError(f"{needed} Received: {place}, {type(row).__name__}.")
        yield Pair(cell(row, source, place), cell(row, target, place))


def read_txt(path: Path, source: str, target: str) -> Iterator[Pair]:
    r"""Read pairs from a text file that is a table: columns with tabs between, as `read_tsv` reads them.

    Raises:
        CorpusError: as `read_tsv` does, or if the first line has no tab.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "fra.txt"
        ...     _ = path.write_text("Go.\tVa !\tCC-BY 2.0 (France)\n")
        ...     list(read_txt(path, "0", "1"))
        [Pair(source='Go.', target='Va !')]
    """
    if "\t" not in next(read_lines(path), "\t"):
        raise CorpusError(
            f"A .txt file that is a corpus of its own needs tabs between its columns. Received: {path}, line 1 without "
            "one. Parallel text is two files, such as train.de and train.en, or train.de.txt and train.en.txt."
        )
    return read_tsv(path, source, target)


TABLES: dict[str, Callable[[Path, str, str], Iterable[Pair]]] = {
    ".tsv": read_tsv,
    ".csv": read_csv,
    ".jsonl": read_jsonl,
    ".json": read_json,
    ".txt": read_txt,
}
"""The readers of text tables by the ending of the file (that of a compression may follow); `datasets` reads Parquet."""


class Columns(NamedTuple):
    """A table of cells, and where in it the columns are that were asked for.

    Attributes:
        header: The names of all columns; None where there is no header.
        places: Of the columns asked for, from 0.
        rows: The cells of each row behind the header; none in a blank line. They are read as they are asked for.
    """

    header: list[str] | None
    places: list[int]
    rows: Iterator[list[str]]


def tsv_cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Read the cells of tab-separated lines, with the number of each line; none in a blank line."""
    return ((number, line.split("\t") if line else []) for number, line in enumerate(read_lines(path), start=1))


def csv_cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Read the cells of comma-separated values, with the number of the line where each record ends.

    Raises:
        CorpusError: if a quote is never closed, a carriage return stands outside of quotes, or a cell is too long.
    """
    reader = csv.reader((line + "\n" for line in read_lines(path)), strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        if "new-line character" in str(error):
            raise CorpusError(
                "A CSV file needs quotes around a cell that holds a carriage return. Received: "
                f"{path}, line {reader.line_num}, a carriage return outside of quotes. Quote the cell, or remove that "
                "sign."
            ) from None
        raise CorpusError(
            "A CSV file needs its quotes closed and doubled inside quotes, and no more than "
            f"{csv.field_size_limit():,} characters in a cell. Received: {path}, line {reader.line_num} ({error}). "
            "If quotes have no meaning in this file, or its cells are longer, make it a .tsv with tabs."
        ) from None


def columns(path: Path, cells: Iterator[tuple[int, list[str]]], named: Mapping[str, str]) -> Columns:
    """Find columns of a table.

    Args:
        path: the file, for messages.
        cells: its cells, as `tsv_cells` and `csv_cells` give them.
        named: what each column is for, and its name in the first line; or numbers alone, the first "0": the table then
            has no header.

    Raises:
        CorpusError: if a column is missing; while rows are read, if one has another number of columns than the first.
    """
    names = list(named.values())
    first = next(cells, None)
    if first is None:
        return Columns(None, [0] * len(names), iter(()))
    number, header = first
    width = len(header)
    if all(name.isdecimal() for name in names):
        places = list(map(int, names))
        if max(places) >= width:
            received = ", ".join(f"{what}={name!r}" for what, name in named.items())
            raise CorpusError(
                f"A table without header needs columns that are there. Received: {received}, {path}, line {number} "
                f"with {width} columns. They are counted from '0'."
            )
        return Columns(None, places, chain([header], _even(path, cells, width)))
    for name in names:
        if name not in header:
            raise CorpusError(
                f"A table needs the named columns in its first line. Received: column {name!r}, {path}. "
                f"There is instead: {', '.join(map(repr, header))}. If the table has no header, "
                "name its columns by number, the first '0'."
            )
        if header.count(name) > 1:
            raise CorpusError(
                f"A table needs a name of its own for each column. Received: column {name!r}, {path}, where "
                f"{header.count(name)} columns are called so. Rename all but the one that is meant."
            )
    return Columns(header, [header.index(name) for name in names], _even(path, cells, width))


def _even(path: Path, cells: Iterator[tuple[int, list[str]]], width: int) -> Iterator[list[str]]:
    for number, row in cells:
        if len(row) != width and row:
            raise CorpusError(
                f"Every line of a table needs as many columns as the first. Received: {path}, line {number} with "
                f"{len(row)} columns, {width} in the first line. Look for a separator too many or too few."
            )
        yield row


def json_rows(path: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Read one JSON object per line, with its place for messages and as it is written; an empty one in a blank line.

    Raises:
        CorpusError: if a line is not a JSON object.
    """
    for number, line in enumerate(read_lines(path), start=1):
        place = f"{path}, line {number}"
        if not line or line.isspace():
            yield place, "", {}
            continue
        try:
            row = _parse(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise CorpusError(
                f"A JSONL file needs one JSON object per line. Received: {place} ({error}). "
                "Repair the line, or rewrite the file with one object per line."
            ) from None
        if type(row) is not dict:
            raise CorpusError(f"A JSONL file needs a JSON object per line. Received: {place}, {type(row).__name__}.")
        yield place, line, row


def cell(row: Mapping[str, Any], column: str, place: str) -> str:
    """Give the text of a column of a JSON object, nested or not."""
    value: Any = row
    for name in find_column(row, column, place):
        value = value[name]
    return text_of(value, column, place)


def _parse(text: str) -> Any:
    return json.loads(text, parse_int=str, parse_float=str)


def _is_row(line: str) -> bool:
    """Tell whether a line of JSON is a row of its own, and not the beginning or the whole of something larger."""
    if not line.lstrip().startswith("{"):  # an array may be the whole file
        return False
    try:
        row = _parse(line)
    except (json.JSONDecodeError, RecursionError):
        return False
    return type(row) is dict and not (type(data := row.get("data")) is list and all(type(one) is dict for one in data))


def _pairs(path: Path, cells: Iterator[tuple[int, list[str]]], source: str, target: str) -> Iterator[Pair]:
    _, (source_at, target_at), rows = columns(path, cells, {"source": source, "target": target})
    for row in rows:
        yield Pair(row[source_at], row[target_at]) if row else Pair("", "")
