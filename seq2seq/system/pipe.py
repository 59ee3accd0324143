"""Lines as they arrive: what comes through a pipe is answered before the pipe ends."""

from __future__ import annotations

import select
from collections import deque
from io import BufferedReader
from typing import Self

_BLOCK = 1 << 16  # bytes read at a time: as many as a pipe holds
# Seconds. A writer of many lines, woken by our reading, gets to write on; one that waits for an answer does not notice.
_PATIENCE = 0.001


class ArrivingLines:
    r"""The lines of an open file, and whether the next one has yet to arrive.

    Args:
        file: A binary file of which nothing has been read.

    Example:
        >>> import os
        >>> reader, writer = os.pipe()
        >>> lines = ArrivingLines(os.fdopen(reader, "rb"))
        >>> _ = os.write(writer, b"eins\nzwe")
        >>> next(lines), lines.would_wait()
        (b'eins\n', True)
        >>> _ = os.write(writer, b"i")
        >>> os.close(writer)
        >>> lines.would_wait(), next(lines)
        (False, b'zwei')
        >>> lines.close()
    """

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        self._lines: deque[bytes] = deque()
        self._begun: list[bytes] = []  # of the line that has no end yet
        self._ended = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        """Give the next line with its end, or what stands behind the last one; waits until it is there."""
        while not self._lines and not self._ended:
            self._read()
        if not self._lines:
            raise StopIteration
        return self._lines.popleft()

    def would_wait(self) -> bool:
        """Tell whether the next line has yet to arrive; not where a file has come to its end."""
        while not self._lines and not self._ended and self._is_ready():
            self._read()
        return not self._lines and not self._ended

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self) -> None:
        """Take over what has arrived, or wait until something has."""
        self._is_ready(None)  # of a pipe that was set not to block, nothing yet would look like the end
        block = self._file.read1(_BLOCK)
        *ends, rest = block.split(b"\n")
        for end in ends:
            self._lines.append(b"".join([*self._begun, end, b"\n"]))
            self._begun.clear()
        if rest:
            self._begun.append(rest)
        if not block:
            self._ended = True
            self._lines.extend([b"".join(self._begun)] if self._begun else [])

    def _is_ready(self, patience: float | None = _PATIENCE) -> bool:
        """Tell whether reading gives something within so many seconds; None waits until it does."""
        try:
            return bool(select.select([self._file], [], [], patience)[0])
        except (OSError, ValueError):  # no file of the system, or one of a system that cannot tell
            return not self._file.isatty()
