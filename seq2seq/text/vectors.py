"""Word vectors that were trained elsewhere, as text: those of word2vec, GloVe and fastText."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.system.terminal import tell
from seq2seq.text.lines import read_lines
from seq2seq.text.pairs import CorpusError
from seq2seq.text.special_ids import PIECES
from seq2seq.text.tokenizer import Tokenizer

_SPACE = "▁"  # SentencePiece's sign for a space
_SHOWN = 40  # characters of a line in a message


class Vectors(NamedTuple):
    """The vectors of some pieces of a vocabulary."""

    ids: npt.NDArray[np.int64]
    """Of the pieces that have one, ascending, [found]."""

    values: npt.NDArray[np.float32]
    """Their vectors, as the file has them, [found, width]."""


def read_vectors(path: str | Path, tokenizer: Tokenizer, width: int) -> Vectors:
    r"""Read the vectors of a vocabulary from a file of text, plain or compressed.

    Each line is a word and its numbers, with spaces between; before them may stand a line with the number of words and
    their width, as word2vec and fastText write it. Where words of the file begin with `▁` it is one of pieces, and each
    piece has the vector of its name. Else a piece that begins a word (`▁house`) has that of the word, and one without a
    letter or a digit (`,`) that of its name; a piece inside a word has none. Case counts.

    Args:
        path: the file; read as a stream, of which only what is needed is kept.
        tokenizer: whose pieces are looked for.
        width: numbers of a vector: the width of the embeddings.

    Returns:
        What was found.

    Raises:
        CorpusError: if the file has vectors of another width, a line is broken, a word that is needed stands there
            twice, or no piece is found; the message says file and line.
        FileNotFoundError: if there is no such file.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> tokenizer = Tokenizer.train(["a house", "a lake"], kind="word")
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "en.vec"
        ...     _ = path.write_text("2 3\nhouse 0.1 0.2 0.3\nriver 1 0 0\n")
        ...     vectors = read_vectors(path, tokenizer, 3)
        >>> [tokenizer.piece(id) for id in vectors.ids], vectors.values.round(1).tolist()
        (['▁house'], [[0.10000000149011612, 0.20000000298023224, 0.30000001192092896]])
    """
    path = Path(path)
    pieces = {id: tokenizer.piece(id) for id in range(len(PIECES), tokenizer.vocab_size)}
    wanted = {*pieces.values(), *map(_word, pieces.values())} - {""}
    found: dict[str, tuple[int, npt.NDArray[np.float32]]] = {}
    for number, word, numbers in _rows(path, width, wanted):
        if word in found:
            raise _broken(path, number, f"{word!r}, which stands in line {found[word][0]:,} too", "Delete one of them.")
        found[word] = number, numbers
    of_pieces = any(word.startswith(_SPACE) for word in found)
    names = {id: piece if of_pieces else _word(piece) for id, piece in pieces.items()}
    ids = [id for id, name in names.items() if name in found]
    if not ids:
        raise CorpusError(
            f"Embeddings start from vectors of the pieces that there are. Received: {path}, with none of the "
            f"{len(pieces):,} pieces, such as {', '.join(map(repr, list(pieces.values())[:3]))}. Take vectors of this "
            'language, and tokenizer.kind="word" or vectors of pieces.'
        )
    return Vectors(np.array(ids, np.int64), np.stack([found[names[id]][1] for id in ids]))


def need_width(path: str | Path, width: int) -> None:
    """Refuse a file whose first line shows that it has vectors of another width, or is none.

    Raises:
        CorpusError: it has; the message says so.
        FileNotFoundError: there is no such file.
    """
    next(_rows(Path(path), width, set(), first=True), None)


def _word(piece: str) -> str:
    """Name what a piece is called in a file of words; "" for one that is inside a word."""
    if piece.startswith(_SPACE):
        return piece[1:]
    return "" if any(map(str.isalnum, piece)) else piece


def _rows(
    path: Path, width: int, wanted: set[str], *, first: bool = False
) -> Iterator[tuple[int, str, npt.NDArray[np.float32]]]:
    """Give the words of a file that are wanted, each with its line and its numbers; look at the first line alone."""
    announced, words = None, 0
    # What is no UTF-8 is no word of ours; all else in the file may still be.
    for number, line in enumerate(read_lines(path, nul=True, invalid=lambda error: tell(str(error))), start=1):
        line = line.rstrip(" ")
        header = _header(line) if number == 1 else None
        count = header[1] if header else line.count(" ")
        if number == 1 and count != width:
            raise _broken(path, 1, f"vectors of width {count:,} for embeddings of width {width:,}", _WIDTHS)
        if first:
            return
        if header:
            announced = header[0]
            continue
        word, *rest = line.rsplit(" ", width) if count > width else line.split(" ", 1)
        if count < width or _is_number(word.rpartition(" ")[2] if count > width else ""):
            raise _broken(path, number, f"{count:,} numbers instead of {width:,} in {line[:_SHOWN]!r}", _REPAIR)
        words += 1
        if word in wanted:
            yield number, word, _numbers(path, number, " ".join(rest).split(" "), word)
    if announced not in (None, words) or not words:
        of = "" if announced is None else f" of {announced:,} that it announces"
        raise _broken(path, 1, f"{words:,} words{of} in the whole file", "Fetch the file again.")


_WIDTHS = "Set the embedding of this side to that width, or take other vectors."
_REPAIR = "Repair the line, or fetch the file again."


def _header(line: str) -> tuple[int, int] | None:
    """Read the line that word2vec and fastText put first: the number of words, and their width."""
    fields = line.split(" ")
    return (int(fields[0]), int(fields[1])) if len(fields) == 2 and all(map(str.isdecimal, fields)) else None


def _numbers(path: Path, number: int, fields: list[str], word: str) -> npt.NDArray[np.float32]:
    try:
        with np.errstate(over="ignore"):  # what is too large is told below
            values = np.array(fields, np.float32)
    except ValueError:
        wrong = next(field for field in fields if not _is_number(field))
        raise _broken(path, number, f"{wrong!r}, which is no number, behind {word!r}", _REPAIR) from None
    if not np.isfinite(values).all():
        raise _broken(path, number, f"a number that is not finite behind {word!r}", _REPAIR)
    return values


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _broken(path: Path, number: int, found: str, advice: str) -> CorpusError:
    return CorpusError(
        "Vectors are lines of text, each a word and its numbers with spaces between. "
        f"Received: {path}, line {number:,}: {found}. {advice}"
    )
