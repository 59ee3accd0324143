"""Compressed text, known by its first bytes whatever the file is called."""

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple


class _Kind(NamedTuple):
    name: str
    start: re.Pattern[bytes]
    open: Callable[[Any], Any]
    unpack: str


_KINDS = {
    ".gz": _Kind("gzip", re.compile(rb"\x1f\x8b"), gzip.open, "zcat"),
    ".bz2": _Kind("bzip2", re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"), bz2.open, "bzcat"),
    ".xz": _Kind("xz", re.compile(rb"\xfd7zXZ\0"), lzma.open, "xzcat"),
}

# Not in the standard library, or more than one file.
_UNREAD = {"zstd": (b"\x28\xb5\x2f\xfd", "zstdcat"), "zip": (b"PK\x03\x04", "unzip -p")}

_STARTS = 10  # bytes that tell the kinds apart

COMPRESSIONS = tuple(_KINDS)
"""The endings of compressed text."""

DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError)
"""What reading damaged data raises; an `OSError` with a number is one of the system."""


def without_compression(name: str) -> str:
    """Take the ending of a compression off a file name.

    Example:
        >>> without_compression("train.de.xz"), without_compression("train.de")
        ('train.de', 'train.de')
    """
    stem, dot, ending = name.rpartition(".")
    return stem if dot + ending in COMPRESSIONS else name


@contextmanager
def open_bytes(path: Path) -> Iterator[tuple[IO[bytes], str]]:
    """Open a file for reading, unpacked where its first bytes or its ending say that it is compressed.

    Yields:
        The open file and the name of its compression, "" for none.
    """
    with path.open("rb") as raw:
        start = raw.peek(_STARTS)
        found = [kind for kind in _KINDS.values() if kind.start.match(start)]
        kind = found[0] if found else _KINDS.get(path.suffix)
        if kind is None:
            yield raw, ""
        else:
            with kind.open(raw) as file:
                yield file, kind.name


def compression_of(start: bytes) -> tuple[str, str]:
    r"""Tell the compression of data by its first bytes, and the command that unpacks it.

    Example:
        >>> compression_of(b"PK\x03\x04"), compression_of(b"BZhang")
        (('zip', 'unzip -p'), ('', ''))
    """
    for kind in _KINDS.values():
        if kind.start.match(start):
            return kind.name, kind.unpack
    for name, (first, unpack) in _UNREAD.items():
        if start.startswith(first):
            return name, unpack
    return "", ""
