"""A file that is written piece by piece, and gone on with after its process was killed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from seq2seq.system.files import naming, write_out
from seq2seq.system.lock import locked

_AT_ONCE = 1 << 20  # bytes


class Continued:
    """How far a file is written, and what its next pieces are given to; get one from :func:`continuing`.

    Attributes:
        pieces: How many pieces are written.
        state: What was written down with the last one; empty before the first.
    """

    def __init__(self, file: IO[bytes], journal: IO[bytes], job: Mapping[str, str]) -> None:
        self.pieces = 0
        self.state: dict[str, Any] = {}
        self._file, self._journal = file, journal
        self._digest = hashlib.sha256()
        if entries := _entries(journal):
            _need_same_job(entries[0], job, journal.name)
        else:
            self._note(job)
        if len(entries) > 1:
            self._go_to_end(entries[-1])
        file.truncate()  # what there is of a piece that was not written to its end

    def write(self, piece: bytes, state: Mapping[str, Any]) -> None:
        """Write the next piece; it counts once it is on the disk."""
        self._file.write(piece)
        _bring_to_disk(self._file)
        self._digest.update(piece)
        self.pieces, self.state = self.pieces + 1, dict(state)
        self._note({
            "pieces": self.pieces,
            "bytes": self._file.tell(),
            "sha256": self._digest.hexdigest(),
            "state": self.state,
        })  # fmt: skip

    def _note(self, entry: Mapping[str, Any]) -> None:
        self._journal.write(json.dumps(entry).encode() + b"\n")
        _bring_to_disk(self._journal)

    def _go_to_end(self, last: Mapping[str, Any]) -> None:
        """Read what is written, which has to be as it was left."""
        left = last["bytes"]
        while left and (block := self._file.read(min(left, _AT_ONCE))):
            self._digest.update(block)
            left -= len(block)
        if left or self._digest.hexdigest() != last["sha256"]:
            raise ValueError(
                f"What was begun has to be as it was left. Received: {self._file.name}, which has changed since. "
                f"Delete {self._journal.name} to begin anew."
            )
        self.pieces, self.state = last["pieces"], last["state"]


def journal_of(path: Path) -> Path:
    """Give where the pieces of a file that is not finished are noted: beside the file itself, and not a link to it."""
    path = path.resolve()
    return path.with_name(f"{path.name}.part.jsonl")


@contextmanager
def continuing(path: Path, job: Mapping[str, str]) -> Iterator[Continued]:
    """Write a file piece by piece, so that after any end of the process the same job goes on behind the last piece.

    What is written so far lies beside the file, ``NAME.part``, with a journal, ``NAME.part.jsonl``: the job, and a line
    for each piece. It becomes the file when the block ends, and is there whole or not at all.

    Args:
        path: The file; replaced where there is one.
        job: Names and values of all that decides what is written: another job does not go on with it.

    Yields:
        What the pieces are given to that are not written yet.

    Raises:
        ValueError: What was begun is of another job, or has changed; another process is writing it.
        OSError: It cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.txt"
        >>> for last in (1, 3):
        ...     try:
        ...         with continuing(path, {"job": "count"}) as output:
        ...             for number in range(output.pieces, last):
        ...                 output.write(f"{number} ".encode(), {})
        ...             if number < 2:
        ...                 raise RuntimeError("killed")
        ...     except RuntimeError as error:
        ...         print(error)
        killed
        >>> path.read_text(), [entry.name for entry in path.parent.iterdir()]
        ('0 1 2 ', ['a.txt'])
    """
    path = path.resolve()
    part, lock = (path.with_name(f"{path.name}.part{more}") for more in ("", ".lock"))
    noted = journal_of(path)
    if not path.parent.is_dir():  # the lock would make it
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    with locked(lock, "writes a file", path), naming(str(path)):
        if part.exists() and part.stat().st_size and not noted.exists():
            raise ValueError(
                f"What is written so far lies in a file of its own. Received: {part}, which is of something else, "
                f"without {noted.name}. Delete or rename it."
            )
        mode = "r+b" if part.exists() and noted.exists() else "w+b"
        with part.open(mode) as file, noted.open(mode) as journal:
            yield Continued(file, journal, job)
        part.replace(path)
        noted.unlink()
        write_out(path.parent)


def _entries(journal: IO[bytes]) -> list[dict[str, Any]]:
    """Read the whole lines of a journal, and go to their end: the last one may not have been written to its own."""
    lines = journal.read().split(b"\n")[:-1]
    journal.seek(sum(len(line) + 1 for line in lines))
    journal.truncate()
    try:
        return [json.loads(line) for line in lines]
    except ValueError:
        raise ValueError(
            f"The journal of what was begun is damaged. Received: {journal.name}. Delete it to begin anew."
        ) from None


def _need_same_job(then: Mapping[str, str], now: Mapping[str, str], journal: str) -> None:
    changed = [
        f"{name} {now.get(name, 'left out')}, begun {f'with {then[name]}' if name in then else 'without'}"
        for name in sorted(then.keys() | now.keys())
        if then.get(name) != now.get(name)
    ]
    if changed:
        raise ValueError(
            f"What was begun is gone on with by the same job alone. Received: {'; '.join(changed)}. Give what it was "
            f"begun with, or delete {journal} to begin anew."
        )


def _bring_to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
