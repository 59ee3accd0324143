"""Texts and pairs that Python gives: any iterable in its order, and a sentence about what is none."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from os import PathLike

from seq2seq.text.pairs import CorpusError, Pair

_SHOWN = 60  # characters of a value in a message
_ROWS = "rows counted from 0"
_COLUMNS = 'Take two columns, as `zip(df["source"], df["target"])`.'
_TABLES = ("DataFrame", "Table", "RecordBatch")  # of pandas and polars, and of Arrow
_OF_A_FILE = "What a file holds is read by `read_corpus`, or line by line once it is opened as text."


def texts_of(texts: Iterable[str], name: str) -> Iterator[str]:
    r"""Give texts one by one in their order, each without the end of its line, as a file is read.

    Args:
        texts: any iterable of str: a list, a generator, `map`, an open file, an array of NumPy, or a Series of pandas,
            whose order is that of its rows, whatever their labels.
        name: what messages call the argument.

    Returns:
        An iterator over plain `str`; one `\n` or `\r\n` at the end of a text is taken off.

    Raises:
        TypeError: at once, if there are no texts one after the other (a single str, a dict, a set, a DataFrame); when
            it comes to an item that is no str, with its row.

    Example:
        >>> list(texts_of(["ein Haus\n", "am See"], "texts"))
        ['ein Haus', 'am See']
    """
    return map(without_end, exact_texts(texts, name))


def exact_texts(texts: Iterable[str], name: str) -> Iterator[str]:
    """Give texts one by one in their order as `texts_of` does, ends of lines included."""
    _need_rows(texts, name, "texts", "Write [{}].", 'Take one column, such as `df["source"]`.', TypeError)
    return _exact(texts, name)


def pairs_of(pairs: Iterable[Iterable[str]], name: str) -> Iterator[Pair]:
    """Give pairs of source and target in their order, each text without the end of its line.

    Args:
        pairs: any iterable of rows with two str, as tuples, lists or arrays.
        name: what messages call the argument.

    Returns:
        An iterator over the pairs.

    Raises:
        CorpusError: at once, if there are no rows one after the other; when it comes to a row that is not two texts,
            with its number.

    Example:
        >>> list(pairs_of(zip(["ein Haus"], ["a house"]), "pairs"))
        [Pair(source='ein Haus', target='a house')]
    """
    _need_rows(pairs, name, "pairs of texts", f"Write [(source, target)]. {_OF_A_FILE}", _COLUMNS, CorpusError)
    return _pairs(pairs, name)


def without_end(text: str) -> str:
    r"""Take the end of the line off a text: one `\n` or `\r\n`.

    Example:
        >>> without_end("eins\r\n"), without_end("eins\n\n"), without_end("eins\r")
        ('eins', 'eins\n', 'eins\r')
    """
    return text[: -2 if text.endswith("\r\n") else -1] if text.endswith("\n") else text


def _exact(texts: Iterable[str], name: str) -> Iterator[str]:
    for row, text in enumerate(texts):
        if type(text) is str:
            yield text
        elif isinstance(text, str):
            yield str.__str__(text)  # of NumPy, or a member of an Enum
        else:
            raise TypeError(
                f"{name} needs a str in every row. Received: {name}[{row}]={_shown(text)}, {_ROWS}. {_advice(text)}"
            )


def _pairs(pairs: Iterable[Iterable[str]], name: str) -> Iterator[Pair]:
    for row, pair in enumerate(pairs):
        # Nearly every row is one of these; to ask a row what it is takes four times as long.
        if isinstance(pair, tuple | list) and len(pair) == 2 and type(pair[0]) is type(pair[1]) is str:
            source, target = pair
        else:
            source, target = _checked(pair, f"{name}[{row}]")
        yield Pair(without_end(source), without_end(target))


def _checked(pair: Iterable[str], place: str) -> list[str]:
    if isinstance(pair, str | bytes | Mapping | set | frozenset) or not isinstance(pair, Iterable):
        raise CorpusError(
            f"A row needs a source and a target. Received: {place}={_shown(pair)}, {_ROWS}. "
            f"{_advice(pair) if isinstance(pair, Mapping) else _COLUMNS}"
        )
    cells = list(islice(pair, 3))
    if len(cells) != 2:
        count = "more than 2" if len(cells) > 2 else str(len(cells))
        raise CorpusError(
            f"A row needs a source and a target. Received: {place}={_shown(pair)} with {count} items, {_ROWS}. "
            f"{_COLUMNS}"
        )
    for column, text in enumerate(cells):
        if not isinstance(text, str):
            raise CorpusError(
                f"A row needs a str on both sides. Received: {place}[{column}]={_shown(text)}, {_ROWS}. {_advice(text)}"
            )
    return [str.__str__(text) for text in cells]


def _need_rows(given: object, name: str, what: str, of_one: str, of_a_table: str, error: type[Exception]) -> None:
    """Refuse what Python would go through, but not text by text: letters, keys, names of columns, or in no order."""
    if isinstance(given, str | bytes | bytearray):
        received, advice = f"{name}={_shown(given)}, a single one", of_one.format(_shown(given))
    elif isinstance(given, Mapping):
        received, advice = f"{name}, a {type(given).__name__} of {_told(given)}", "Take its values() or items()."
    elif isinstance(given, set | frozenset):
        received, advice = f"{name}, a {type(given).__name__}, which has no order", "Make a list of it."
    elif (kind := type(given).__name__) in _TABLES:
        columns = getattr(given, "column_names", getattr(given, "columns", ()))
        received, advice = f"{name}, a {kind} of {_told(columns)}", of_a_table
    elif isinstance(given, PathLike):
        received, advice = f"{name}={_shown(given)}", _OF_A_FILE
    elif not isinstance(given, Iterable) or getattr(given, "shape", None) == ():  # an array without a dimension
        received, advice = f"{name}={_shown(given)}", "Make a list of them."
    else:
        return
    raise error(f"{name} needs {what} one after the other, in any iterable. Received: {received}. {advice}")


def _advice(value: object) -> str:
    """What to do about a value that is no text."""
    # NaN alone differs from itself; pandas has two more signs for what is missing.
    if value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value):
        return 'Nothing stands there: leave such rows out, `df.dropna()`, or fill them, `df.fillna("")`.'
    if isinstance(value, bytes):
        return "Decode it, `value.decode()`; a file is opened as text."
    if hasattr(value, "as_py"):
        return "That is a value of Arrow: take the column as Python has it, `column.to_pylist()`."
    if isinstance(value, Mapping):
        return f"Name what is meant: {', '.join(f'row[{key!r}]' for key in islice(value, 5))}."
    return "Write it as text first, `str(value)`."


def _shown(value: object) -> str:
    """A value, cut where it is long, and its type where that does not show."""
    shown = " ".join(repr(value).split())  # of a Series or a table it has several lines
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
    return shown if isinstance(value, str | bytes) or value is None else f"{shown} ({type(value).__name__})"


def _told(names: Iterable[object]) -> str:
    first = [repr(name) for name in islice(names, 6)]
    return ", ".join(first[:5] + ["..."] * (len(first) > 5)) or "nothing"
