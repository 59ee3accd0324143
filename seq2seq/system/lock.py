"""One process at a time in a run folder, or at a file."""

import errno
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

# What a file system says that has no locks.
_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}


class LockedError(ValueError):
    """Another process is at work in the folder."""


@contextmanager
def locked(path: Path, does: str = "works in a run folder", what: Path | None = None) -> Iterator[None]:
    """Hold a lock while the block runs; the operating system lets it go with the process, however that ends.

    The file stands there while the lock is held, and says by whom. One that a killed process left behind is taken over.
    Where the file system has no locks (some network file systems), nothing is locked.

    Args:
        path: The file of the lock.
        does: What one process at a time does, for the message.
        what: With what; None is the folder of the lock.

    Raises:
        LockedError: Another process holds it, or another part of this one.
        OSError: The file cannot be written.

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
    from filelock import FileLock, Timeout  # not at the top: `seq2seq --help` does without it

    lock = FileLock(path, blocking=False, on_acquired=_sign)
    try:
        lock.acquire()
    except Timeout:
        raise LockedError(
            f"One process at a time {does}. Received: {str(what or path.parent)!r}, where {_holder(path)} is at "
            f"work. Wait for its end or stop it, or name another {'folder' if what is None else 'file'}."
        ) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        with suppress(OSError):  # who is at work is told all the same
            path.write_bytes(_words())
    try:
        yield
    finally:
        # Before it is let go: nobody can have taken it yet. Windows keeps an open file; there the lock deletes it.
        with suppress(PermissionError):
            path.unlink(missing_ok=True)
        lock.release()


def is_held(path: Path) -> bool:
    """Tell whether somebody works under a lock, without touching it.

    Args:
        path: The file of the lock. One that a killed process of this machine left behind is held by nobody; of another
            machine it is taken to be held.

    Example:
        >>> is_held(Path("absent", "lock"))
        False
    """
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        if holder["machine"] != platform.node() or os.name == "nt":
            return True
        os.kill(holder["process"], 0)  # asks, and sends nothing
    except (FileNotFoundError, ProcessLookupError):
        return False
    except (OSError, ValueError, KeyError, TypeError):  # just being written, or of another user
        return True
    return True


def _words() -> bytes:
    """Say who holds the lock."""
    holder = {
        "process": os.getpid(),
        "machine": platform.node(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return json.dumps(holder).encode() + b"\n"


def _sign(handle: int) -> None:
    os.ftruncate(handle, 0)
    os.write(handle, _words())


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return f"process {holder['process']} on {holder['machine']} (since {holder['since']})"
    except (OSError, ValueError, KeyError, TypeError):  # it has the lock, but has not written yet
        return "another process"
