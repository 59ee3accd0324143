"""Columns of rows that may be nested, as `{"translation": {"de": ..., "en": ...}}`."""

from collections.abc import Iterator, Mapping
from typing import Any

from seq2seq.text.pairs import CorpusError


def find_column(row: Mapping[str, Any], column: str, place: str) -> tuple[str, ...]:
    """Find where a column stands in a row, looking into inner mappings where need be.

    Args:
        row: names and values; a value may be a mapping itself.
        column: a name of the row, a path with dots, or a name that stands in exactly one inner mapping.
        place: what messages call the place of the row.

    Returns:
        The names that lead to the value, from the outside to the inside.

    Raises:
        CorpusError: if there is no such column, with the columns that there are.

    Example:
        >>> find_column({"id": 7, "translation": {"de": "eins", "en": "one"}}, "de", "line 1")
        ('translation', 'de')
    """
    if column in row:
        return (column,)
    paths = list(_paths(row))
    wanted = tuple(column.split("."))
    found = [path for path in paths if path[-len(wanted) :] == wanted]
    if len(found) == 1:
        return found[0]
    there = ", ".join(repr(".".join(path)) for path in found or paths) or "nothing"
    raise CorpusError(
        f"A corpus needs the columns that were named. Received: column {column!r}, {place}. There is instead: {there}."
    )


def text_of(value: Any, column: str, place: str) -> str:
    """Take the text of a cell: nothing is empty text, a whole number is what it looks like.

    Raises:
        CorpusError: if the cell holds anything else, which has no one way to be written.

    Example:
        >>> text_of("007", "de", "line 1"), text_of(None, "de", "line 1")
        ('007', '')
    """
    if value is None:
        return ""
    if type(value) is int:
        return str(value)
    if type(value) is not str:
        raise CorpusError(
            f"A column needs text in every row. Received: column {column!r}, {place}, "
            f"{type(value).__name__} {value!r:.60}. Write it as text first."
        )
    if "\0" in value:
        raise CorpusError(
            f"A column needs text without NUL characters. Received: column {column!r}, {place}, NUL at character "
            f"{value.index(chr(0))}. Repair the cell."
        )
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise CorpusError(
                f"A column needs text that UTF-8 can hold. Received: column {column!r}, {place}, "
                f"half a surrogate pair at character {error.start}. Repair the escape."
            ) from None
    return value


def _paths(row: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from _paths(value, (*above, name))
        else:
            yield (*above, name)
