"""Lines of a text file, checked one by one, so that a message can name file and line."""

import codecs
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from seq2seq.text.compression import DAMAGED, compression_of, open_bytes
from seq2seq.text.pairs import CorpusError

# The longer ones first: that of UTF-32 begins as that of UTF-16.
_OTHER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def read_lines(path: Path, *, nul: bool = False, invalid: Callable[[CorpusError], None] | None = None) -> Iterator[str]:
    r"""Read UTF-8 text line by line, plain or compressed: gzip, bzip2 or xz, whatever the file is called.

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
        CorpusError: at a byte that is not UTF-8 or a NUL, with file and line; if compressed data is damaged, or the
            file is in another encoding (by its byte order mark) or another compression.
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
    with open_bytes(path) as (file, compression):
        try:
            for line in read_stream(file, str(path), nul=nul, invalid=invalid):
                number += 1
                yield line
        except DAMAGED as error:
            if not compression or (isinstance(error, OSError) and error.errno):
                raise
            raise CorpusError(
                f"Compressed text must be whole {compression} data. Received: {path}, damaged after line {number} "
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
        CorpusError: at a byte that is not UTF-8 or a NUL, with place and line; at the first line, if the text is in
            another encoding (by its byte order mark) or compressed.

    Example:
        >>> list(read_stream([b"\xef\xbb\xbfeins\r\n", b"zwei\r"], "stdin"))
        ['eins', 'zwei\r']
    """
    told = False
    for number, line in enumerate(file, start=1):
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
            _need_text(line, place)
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


def as_line(text: str) -> str:
    r"""Make a text a line that `read_lines` gives back: a space for each end of a line in it, and all else as it is.

    At the beginning of a file U+FEFF is a byte order mark: a first line that begins with it comes back without.

    Example:
        >>> as_line("eins\u2028zwei\r\ndrei\r")
        'eins\u2028zwei drei'
    """
    return text.replace("\r\n", " ").replace("\n", " ").rstrip("\r")


def _need_text(start: bytes, place: str) -> None:
    """Refuse by its first bytes what is no UTF-8 from beginning to end; else every line of it would be refused."""
    for mark, encoding in _OTHER_MARKS.items():
        if start.startswith(mark):
            raise CorpusError(
                f"Text must be UTF-8. Received: {place}, line 1, byte 1 and on is {mark.hex(' ')}, the byte order mark "
                f"of {encoding}. Convert it, for instance with `iconv -f {encoding} -t UTF-8`."
            )
    compression, unpack = compression_of(start)
    if compression:
        raise CorpusError(f"Text must not be packed here. Received: {place}, {compression} data. Use `{unpack}` first.")
