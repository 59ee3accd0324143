"""Lines of a text file, checked one by one, so that a message can name file and line."""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, cast

from seq2seq.text.pairs import CorpusError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_lines(path: Path, *, nul: bool = False, invalid: Callable[[CorpusError], None] | None = None) -> Iterator[str]:
    r"""Read UTF-8 text line by line, plain or gzip (by the ending `.gz`).

    Only `\n` and `\r\n` end a line: other characters that Python's `splitlines` breaks at (U+2028, U+0085, form feed)
    are part of the text, or two files that belong together would come apart. A byte order mark is dropped.

    Args:
        path: the file; read as a stream, so that memory stays flat.
        nul: let NUL characters through; else they are an error: in a corpus they come from another encoding.
        invalid: hears of the first line that is not UTF-8; such lines are then read, with U+FFFD for what is invalid.
            None: they are an error.

    Yields:
        The lines without their end.

    Raises:
        CorpusError: at a byte that is not UTF-8 or a NUL, with file and line, or if the gzip data is damaged.
        FileNotFoundError: if there is no such file.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "train.de"
        ...     _ = path.write_bytes("eins\r\nzwei\u2028drei".encode())
        ...     list(read_lines(path))
        ['eins', 'zwei\u2028drei']
    """
    number = 0
    with _open(path) as file:
        try:
            for line in read_stream(file, str(path), nul=nul, invalid=invalid):
                number += 1
                yield line
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise CorpusError(
                f"A file that ends in .gz must hold whole gzip data. Received: {path}, damaged after line {number} "
                f"({error}). Fetch the file again."
            ) from None


def read_stream(
    file: Iterable[bytes], place: str, *, nul: bool = False, invalid: Callable[[CorpusError], None] | None = None
) -> Iterator[str]:
    r"""Read the lines of an open file, as `read_lines` does.

    Args:
        file: the lines as bytes, with their ends, from the beginning.
        place: what messages call the file.
        nul: let NUL characters through.
        invalid: hears of the first line that is not UTF-8, as in `read_lines`.

    Yields:
        The lines without their end.

    Raises:
        CorpusError: at a byte that is not UTF-8 or a NUL, with place and line.

    Example:
        >>> list(read_stream([b"\xef\xbb\xbfeins\r\n", b"zwei\r"], "stdin"))
        ['eins', 'zwei\r']
    """
    told = False
    for number, line in enumerate(file, start=1):
        if number == 1:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if line.endswith(b"\n"):
            line = line[: -2 if line.endswith(b"\r\n") else -1]
        if b"\0" in line and not nul:
            raise CorpusError(
                f"Text must not hold NUL characters. Received: {place}, line {number}, byte "
                f"{line.index(0) + 1} of the line. Where the file is UTF-16, convert it, for instance with "
                "`iconv -f UTF-16 -t UTF-8`; else repair the line."
            )
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            found = CorpusError(
                f"Text must be UTF-8. Received: {place}, line {number}, byte {error.start + 1} of the line is "
                f"0x{line[error.start]:02x} ({error.reason}). Convert the file, for instance with "
                "`iconv -f LATIN1 -t UTF-8`, or repair the line."
            )
            if invalid is None:
                raise found from None
            if not told:
                invalid(found)
                told = True
            text = line.decode(errors="replace")
        yield text


def one_line(text: str) -> str:
    r"""Put a text on one line: what any reader takes for the end of a line becomes a space.

    Example:
        >>> one_line("eins\u2028zwei\r\ndrei\n")
        'eins zwei drei'
    """
    return " ".join(text.splitlines())


def _open(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if path.suffix == ".gz" else path.open("rb")
