"""Tables that get further columns: every row is read, one column of it taken as text, and written again as it was."""

import csv
import io
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from seq2seq.text.columns import text_of
from seq2seq.text.compression import without_compression
from seq2seq.text.hub import cells_of
from seq2seq.text.pairs import CorpusError
from seq2seq.text.tables import cell, columns, csv_cells, json_rows, tsv_cells

_ROWS = 1_000  # of a Parquet file at a time


class Row(NamedTuple):
    """A row of a table.

    Attributes:
        text: What stands in the column that was asked for.
        kept: The whole row, for the table that it came from.
    """

    text: str
    kept: Any


class Annotating(ABC):
    r"""A table that is read row by row, and rows of it written again with further columns behind their own.

    Args:
        path: The file, plain or compressed; Parquet is not compressed from outside.
        column: What is read: its name, nested or not in JSON and Parquet; or of a TSV or CSV without header its number,
            the first "0".
        added: The names of the further columns and what they hold, `str` or `float`.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "test.jsonl"
        ...     _ = path.write_text('{"id": 1.50, "de": "ein Haus"}\n')
        ...     table = annotating(path, "de", {"en": str})
        ...     rows = list(table.rows())
        ...     [row.text for row in rows], table.written(rows, [["a house"]], first=True)
        (['ein Haus'], b'{"id": 1.50, "de": "ein Haus", "en": "a house"}\n')
    """

    def __init__(self, path: Path, column: str, added: Mapping[str, type]) -> None:
        self.path, self.column, self.added = path, column, added

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """Read the rows.

        Raises:
            CorpusError: The table is damaged, lacks the column, or has one of the further columns already.
        """

    @abstractmethod
    def written(self, rows: Sequence[Row], cells: Sequence[Sequence[Any]], *, first: bool) -> bytes:
        """Give what is to be written of some rows.

        Args:
            rows: Rows that were read.
            cells: For each, what stands in the further columns.
            first: Whether nothing was written before.
        """

    def end(self) -> bytes:
        """Give what is to be written behind all rows."""
        return b""

    def _need_new(self, there: Sequence[str], place: str) -> None:
        if taken := [name for name in self.added if name in there]:
            raise CorpusError(
                f"A further column needs a name that the table does not have. Received: {taken[0]!r}, {place}. Choose "
                "another one."
            )


class _Cells(Annotating):
    """A table of cells, of which TSV and CSV have their own reading and writing."""

    def __init__(self, path: Path, column: str, added: Mapping[str, type]) -> None:
        super().__init__(path, column, added)
        self._header: list[str] | None = None
        self._width = 0

    @abstractmethod
    def _read(self) -> Iterator[tuple[int, list[str]]]:
        """Read the cells, with the numbers of lines."""

    @abstractmethod
    def _line(self, cells: Sequence[str]) -> str:
        """Write a row."""

    def rows(self) -> Iterator[Row]:
        self._header, (place,), rows = columns(self.path, self._read(), {"column": self.column})
        self._need_new(self._header or [], str(self.path))
        self._width = len(self._header or [])
        for row in rows:
            self._width = self._width or len(row)
            yield Row(row[place] if row else "", row)

    def written(self, rows: Sequence[Row], cells: Sequence[Sequence[Any]], *, first: bool) -> bytes:
        lines = [[*self._header, *self.added]] if first and self._header is not None else []
        for row, more in zip(rows, cells, strict=True):
            own = row.kept or [""] * self._width
            lines.append([*own, *(f"{each:.4f}" if isinstance(each, float) else each for each in more)])
        return "".join(map(self._line, lines)).encode()


class _Tsv(_Cells):
    def _read(self) -> Iterator[tuple[int, list[str]]]:
        return tsv_cells(self.path)

    def _line(self, cells: Sequence[str]) -> str:
        *own, last = cells
        return "\t".join([*own, last.replace("\t", " ")]) + "\n"


class _Csv(_Cells):
    def _read(self) -> Iterator[tuple[int, list[str]]]:
        return csv_cells(self.path)

    def _line(self, cells: Sequence[str]) -> str:
        file = io.StringIO()
        # With this end Python quotes a cell that holds either sign of it.
        csv.writer(file, lineterminator="\r\n").writerow(cells)
        return file.getvalue().removesuffix("\r\n") + "\n"


class _JsonLines(Annotating):
    """What stands in a line stays as it is written: the further columns come in before the brace at its end."""

    def rows(self) -> Iterator[Row]:
        for place, line, row in json_rows(self.path):
            self._need_new(list(row), place)
            yield Row(cell(row, self.column, place) if line else "", line.rstrip() or "{}")

    def written(self, rows: Sequence[Row], cells: Sequence[Sequence[Any]], *, first: bool) -> bytes:
        lines = []
        for row, more in zip(rows, cells, strict=True):
            added = json.dumps(dict(zip(self.added, map(_json, more), strict=True)), ensure_ascii=False)
            own = row.kept[:-1].rstrip()
            lines.append(f"{own}{'' if own == '{' else ', '}{added[1:]}\n")
        return "".join(lines).encode()


def _json(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return round(value, 4) if math.isfinite(value) else None  # JSON has no infinity


class _Parquet(Annotating):
    """Each row is a slice of what Arrow has read, so that every type stays what it is."""

    def __init__(self, path: Path, column: str, added: Mapping[str, type]) -> None:
        super().__init__(path, column, added)
        self._sink = io.BytesIO()
        self._writer: Any = None
        self._schema: Any = None

    def rows(self) -> Iterator[Row]:
        import pyarrow
        import pyarrow.parquet

        try:
            file = pyarrow.parquet.ParquetFile(self.path)
            self._schema = file.schema_arrow
            self._need_new(self._schema.names, str(self.path))
            number = 0
            for batch in file.iter_batches(batch_size=_ROWS):
                texts = cells_of(pyarrow.Table.from_batches([batch]), self.column, str(self.path), number)
                for place, text in enumerate(texts):
                    number += 1
                    yield Row(text_of(text, self.column, f"{self.path}, row {number}"), batch.slice(place, 1))
        except pyarrow.ArrowInvalid as error:
            raise CorpusError(
                f"A .parquet file needs to be whole. Received: {self.path} ({error}). Write it again."
            ) from None

    def written(self, rows: Sequence[Row], cells: Sequence[Sequence[Any]], *, first: bool) -> bytes:
        import pyarrow
        import pyarrow.parquet

        table = pyarrow.Table.from_batches([row.kept for row in rows], self._schema).combine_chunks()
        for name, values in zip(self.added, zip(*cells, strict=True) if cells else [()] * len(self.added), strict=True):
            kind = pyarrow.float64() if self.added[name] is float else pyarrow.string()
            table = table.append_column(name, pyarrow.array(values, kind))
        if self._writer is None:
            self._writer = pyarrow.parquet.ParquetWriter(self._sink, table.schema)
        self._writer.write_table(table)
        return self._taken()

    def end(self) -> bytes:
        self._writer.close()
        return self._taken()

    def _taken(self) -> bytes:
        taken = self._sink.getvalue()
        self._sink.seek(0)
        self._sink.truncate()
        return taken


ANNOTATED: dict[str, type[Annotating]] = {".tsv": _Tsv, ".csv": _Csv, ".jsonl": _JsonLines, ".parquet": _Parquet}
"""Which tables can be annotated, by the ending of the file; that of a compression may follow, but for Parquet."""


def annotating(path: Path, column: str, added: Mapping[str, type]) -> Annotating:
    """Open a table that gets further columns, whatever its ending says that it is.

    Raises:
        CorpusError: The ending is that of no table.
    """
    return ANNOTATED[table_ending(path)](path, column, added)


def table_ending(path: Path) -> str:
    """Tell what table a file is by its ending.

    Raises:
        CorpusError: The ending is that of no table.

    Example:
        >>> table_ending(Path("test.tsv.gz"))
        '.tsv'
    """
    plain = without_compression(path.name)
    ending = Path(plain).suffix
    if ending not in ANNOTATED or (ending == ".parquet" and plain != path.name):
        raise CorpusError(
            f"A table is told by its ending: {', '.join(ANNOTATED)}, all but .parquet also compressed. "
            f"Received: {path}. Rename it, or give plain text without columns."
        )
    return ending
