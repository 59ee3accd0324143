"""One process at a time in a run folder."""

import importlib.util
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path


class LockedError(ValueError):
    """Another process is at work in the folder."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock while the block runs; the operating system lets it go with the process, however that ends.

    The file stands there while the lock is held, and says by whom. One that a killed process left behind is taken over.
    Where the system or the file system has no locks (Windows, some network file systems), nothing is locked.

    Args:
        path: The file of the lock.

    Raises:
        LockedError: Another process holds it, or another part of this one.

    Example:
        >>> import tempfile
        >>> lock = Path(tempfile.mkdtemp()) / "lock"
        >>> with locked(lock):
        ...     with locked(lock):
        ...         pass
        Traceback (most recent call last):
        seq2seq.system.lock.LockedError: One process at a time works in a run folder. ...
        >>> lock.exists()
        False
    """
    handle = _take(path)
    try:
        yield
    finally:
        if handle is not None:
            # Before it is let go: nobody can have taken it yet.
            path.unlink(missing_ok=True)
            os.close(handle)


def _take(path: Path) -> int | None:
    if importlib.util.find_spec("fcntl") is None:  # on Windows
        return None
    import fcntl

    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = _holder(handle)
            os.close(handle)
            raise LockedError(
                f"One process at a time works in a run folder. Received: {str(path.parent)!r}, where {who} is at "
                "work. Wait for its end or stop it, or name another folder."
            ) from None
        except OSError:
            os.close(handle)
            path.unlink(missing_ok=True)
            return None
        if _still_there(handle, path):
            break
        os.close(handle)  # it was deleted by who held it, between the two calls
    holder = {
        "process": os.getpid(),
        "machine": platform.node(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    os.ftruncate(handle, 0)
    os.write(handle, json.dumps(holder).encode() + b"\n")
    return handle


def _still_there(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _holder(handle: int) -> str:
    try:
        holder = json.loads(os.pread(handle, 1000, 0))
        return f"process {holder['process']} on {holder['machine']} (since {holder['since']})"
    except (ValueError, KeyError, TypeError):  # it has the lock, but has not written yet
        return "another process"
