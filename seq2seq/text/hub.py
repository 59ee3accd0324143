"""Pairs through `datasets`: data sets of the Hugging Face hub, Parquet files, and what it saved itself."""

from collections.abc import Iterable, Iterator
from glob import escape
from pathlib import Path
from typing import Any

from seq2seq.text.columns import find_column, text_of
from seq2seq.text.lines import one_line
from seq2seq.text.pairs import CorpusError, MissingSplitError, Pair

_ROWS = 1_000  # at a time: large enough that Arrow's own loops do the work


def read_hub(name: str, split: str, source: str, target: str, *, streaming: bool) -> Iterator[Pair]:
    """Read pairs of a data set of the Hugging Face hub.

    Args:
        name: as on the hub, `owner/name`, with `:configuration` behind it where the data set has several.
        split: name of the split; slices such as `train[:1000]` work as in `datasets`, unless streamed.
        source: source column, nested or not (see `find_column`).
        target: target column.
        streaming: read from the network as it is needed, instead of downloading first.

    Yields:
        A pair for each row.

    Raises:
        CorpusError: if there is no such data set, configuration, split or column; the message tells what there is. If
            its files are damaged or differ in their columns.
    """
    import datasets

    place = f"{name}, split {split!r}"
    path, _, configuration = name.partition(":")
    try:
        dataset = datasets.load_dataset(path, configuration or None, split=split, streaming=streaming)
    except (datasets.exceptions.DatasetNotFoundError, ConnectionError) as error:
        raise CorpusError(
            f"A corpus is a folder, a file pattern or a data set of the hub. Received: path={name!r}, which is no "
            f"folder here and was not found on the hub ({error}). Check the spelling, the connection, and whether the "
            "data set needs you to sign in."
        ) from None
    except ValueError as error:
        there = _splits(path, configuration or None)
        if there and split.partition("[")[0] not in there:
            raise MissingSplitError(
                f"A corpus needs the split that was named. Received: split={split!r}, {name}. "
                f"There is instead: {', '.join(map(repr, there))}."
            ) from None
        raise CorpusError(
            "A data set of the hub needs its split, and its configuration where it has several, as "
            f"'owner/name:configuration'. Received: path={name!r}, split={split!r}. The hub says: {error}"
        ) from error
    except datasets.exceptions.DatasetGenerationError as error:
        raise _uneven(place, error.__cause__ or error) from error
    return _even(read_dataset(dataset, source, target, place), place)


def read_parquet(files: list[Path], source: str, target: str) -> Iterator[Pair]:
    """Read pairs of Parquet files, in the order of the files.

    The files are read as a stream in any case, so that nothing is copied into the cache of `datasets`; each by itself,
    so that they need to have no more in common than the two columns.

    Args:
        files: the files.
        source: source column, nested or not (see `find_column`).
        target: target column.

    Yields:
        A pair for each row.

    Raises:
        CorpusError: if a column is missing or does not hold text, or a file is not Parquet.
    """
    import datasets
    import pyarrow

    for file in files:
        try:
            dataset = datasets.load_dataset(
                # By itself it takes as many rows at a time as the first group of a file has: none, where that is empty.
                "parquet",
                data_files=[escape(str(file))],  # it is a pattern there
                split="train",
                streaming=True,
                batch_size=_ROWS,
            )
            yield from read_dataset(dataset, source, target, str(file))
        except pyarrow.ArrowInvalid as error:
            raise CorpusError(
                f"A .parquet file needs to be whole. Received: {file} ({error}). Write it again."
            ) from None


def read_saved(folder: Path, source: str, target: str) -> Iterator[Pair]:
    """Read pairs of a data set that `datasets` saved by `save_to_disk`; its rows stay on disk.

    Args:
        folder: the folder of one split.
        source: source column, nested or not (see `find_column`).
        target: target column.

    Yields:
        A pair for each row.

    Raises:
        CorpusError: if a column is missing or the folder is not whole.
    """
    import datasets

    try:
        dataset = datasets.load_from_disk(str(folder))
    except (ValueError, TypeError, KeyError, OSError) as error:  # it only reads what it wrote
        raise CorpusError(
            f"A folder of save_to_disk needs to be whole. Received: {folder} ({error}). Save it again."
        ) from None
    yield from read_dataset(dataset, source, target, str(folder))


def read_dataset(dataset: Iterable[Any], source: str, target: str, place: str) -> Iterator[Pair]:
    """Read pairs from the columns of an object of `datasets`, in memory or streamed.

    Args:
        dataset: a `datasets.Dataset` or `datasets.IterableDataset`.
        source: source column, nested or not (see `find_column`).
        target: target column.
        place: what messages call the data set.

    Yields:
        A pair for each row.

    Raises:
        CorpusError: if a column is missing or does not hold text.

    Example:
        >>> import datasets
        >>> rows = datasets.Dataset.from_list([{"translation": {"de": "eins", "en": "one"}}])
        >>> list(read_dataset(rows, "de", "en", "memory"))
        [Pair(source='eins', target='one')]
    """
    number = 0
    for table in dataset.with_format("arrow").iter(batch_size=_ROWS):  # type: ignore[attr-defined]
        sources, targets = (cells_of(table, column, place, number) for column in (source, target))
        for source_cell, target_cell in zip(sources, targets, strict=True):
            number += 1
            where = f"{place}, row {number}"
            yield Pair(text_of(source_cell, source, where), text_of(target_cell, target, where))


def cells_of(table: Any, column: str, place: str, before: int = 0) -> list[Any]:
    """Give the cells of a column of an Arrow table, nested or not (see `find_column`).

    Args:
        table: a table, or a part of one.
        column: the column.
        place: what messages call the table.
        before: how many rows of the table stand before this part.

    Raises:
        CorpusError: if there is no such column, or its text is not UTF-8.
    """
    import pyarrow.compute

    outer, *inner = find_column(_skeleton(table.schema), column, place)
    cells = table.column(outer)
    if inner:
        cells = pyarrow.compute.struct_field(cells, inner)
    found: list[Any] = []
    try:
        for cell in cells:
            found.append(cell.as_py())
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"A column needs text in UTF-8. Received: column {column!r}, {place}, row {before + len(found) + 1}, byte "
            f"{error.start + 1} of the cell is 0x{error.object[error.start]:02x} ({error.reason}). Repair the cell."
        ) from None
    return found


def _skeleton(fields: Iterable[Any]) -> dict[str, Any]:
    """The names of Arrow fields, nested as the fields are."""
    import pyarrow

    return {field.name: _skeleton(field.type) if pyarrow.types.is_struct(field.type) else None for field in fields}


def _even(pairs: Iterator[Pair], place: str) -> Iterator[Pair]:
    """Read pairs of a data set whose files `datasets` reads as one."""
    import datasets
    import pyarrow

    try:
        yield from pairs
    except (datasets.table.CastError, pyarrow.ArrowInvalid, TypeError) as error:
        raise _uneven(place, error) from error


def _uneven(place: str, error: BaseException) -> CorpusError:
    return CorpusError(
        "A data set of the hub needs files that are whole, all with the same columns. Received: "
        f"{place} ({one_line(str(error))}). Name another configuration, or download its files and name their folder."
    )


def _splits(path: str, configuration: str | None) -> list[str]:
    import datasets

    try:
        return [str(name) for name in datasets.get_dataset_split_names(path, configuration)]
    except (ValueError, OSError):
        return []
