"""Files: whether there is one to read, and how one is written whole or not at all."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def is_readable(path: Path) -> bool:
    """Tell whether there is something to read: a file, a pipe, a device; anything but a folder."""
    return path.exists() and not path.is_dir()


def fingerprint(path: Path) -> str:
    """Tell the content of a file from all others: its SHA-256.

    Example:
        >>> fingerprint(Path(os.devnull))[:8]
        'e3b0c442'
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write a file so that it is there whole or, after any failure, as it was before; a device or a pipe as it is.

    Args:
        path: The file to write or to replace; where it is a link, what that leads to.

    Yields:
        A path beside it, with the same ending, to write to: it takes the place of ``path`` when the block ends. The
        path itself where that is a device or a pipe.

    Raises:
        OSError: It cannot be written, or is a stream of this process that leads to a file (``/dev/stdout`` behind
            ``> FILE``); the error names ``path``.

    Example:
        >>> file = Path(tempfile.mkdtemp()) / "a.txt"
        >>> with replacing(file) as temporary:
        ...     _ = temporary.write_text("whole")
        >>> file.read_text(), [entry.name for entry in file.parent.iterdir()]
        ('whole', ['a.txt'])
    """
    if _is_stream(path):
        with naming(str(path)):
            yield path
        return
    _need_permission(path)
    place = path.resolve()
    try:
        handle, name = tempfile.mkstemp(prefix=".", suffix=place.name, dir=place.parent)
    except OSError as error:
        error.filename = str(path)
        raise
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        # mkstemp lets nobody else read; the finished file is an ordinary one, or as open as the one that it replaces.
        temporary.chmod(place.stat().st_mode & 0o777 if place.exists() else 0o666 & ~_umask())
        temporary.replace(place)
        write_out(place.parent)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        # A disk that is full names no file, and the one beside is nobody's business.
        if isinstance(error, OSError) and error.errno and error.filename in (None, name):
            error.filename, error.filename2 = str(path), None
        raise


def need_writable(path: Path, *, makes_folders: bool = False) -> None:
    """Refuse a place that no file can be written to, before the work whose result is to go there.

    Args:
        path: Where :func:`replacing` will write.
        makes_folders: Whether the folders that it lies in are made where they are not there.

    Raises:
        OSError: It cannot be written; the error names ``path``.

    Example:
        >>> need_writable(Path("absent", "a.txt"))
        Traceback (most recent call last):
        FileNotFoundError: [Errno 2] No such file or directory: 'absent/a.txt'
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if _is_stream(path):
        return
    _need_permission(path)
    above = path.resolve().parents
    folder = next(parent for parent in above if parent.exists()) if makes_folders else above[0]
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        error.filename = str(path)
        raise


def _need_permission(path: Path) -> None:
    if path.exists() and not os.access(path.resolve(), os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def _is_stream(path: Path) -> bool:
    """Tell whether a path is written to as it is: a pipe, a device.

    Raises:
        OSError: It is a stream of this process that leads to a file.
    """
    if not path.exists() or path.is_dir():
        return False
    if not path.is_file():
        return True
    link = path
    while link.is_symlink():
        if link.parent.resolve().is_relative_to("/proc"):  # as /dev/stdout: to open it anew would empty the file
            told = f"This stream leads to {path.resolve()}, which would be replaced: name the file itself"
            raise OSError(errno.EINVAL, told, str(path))
        link = link.parent / link.readlink()
    return False


def need_own(folder: Path, last: str) -> None:
    """Refuse a folder that has files of others: what is written into it would replace those of the same name.

    Args:
        folder: The folder; it may be new, empty, or written before.
        last: The file that tells that it was written before.

    Raises:
        FileExistsError: It has other files.
    """
    if folder.is_dir() and not (folder / last).exists() and not all(file.name[0] == "." for file in folder.iterdir()):
        raise FileExistsError(
            f"What is written here has a folder of its own. Received: {folder}, with other files and without {last}. "
            "Name a new one."
        )


@contextmanager
def filling(folder: Path, last: str) -> Iterator[Path]:
    """Write the files of a folder so that all of them are there or, after any failure, as it was before.

    Files of the folder that are not written stay. What a process that was killed has left behind is removed the next
    time.

    Args:
        folder: The folder to make, or to write into.
        last: The file without which the folder is not whole: of those that are there before it is taken away first, and
            it comes last.

    Yields:
        A folder beside or within, on the same disk, to write to.

    Raises:
        OSError: It cannot be written; the error names `folder`. Where that can be known before, it is raised at once.

    Example:
        >>> folder = Path(tempfile.mkdtemp()) / "new"
        >>> with filling(folder, "b") as part:
        ...     _ = (part / "a").write_text("1"), (part / "b").write_text("2")
        ...     print(folder.exists())
        False
        >>> sorted(file.name for file in folder.iterdir()), len(list(folder.parent.iterdir()))
        (['a', 'b'], 1)
    """
    new = not folder.exists()
    place = folder.resolve()
    part = place.with_name(f".{place.name}.part") if new else place / ".part"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
    except OSError as error:
        error.filename = str(folder)
        raise
    try:
        yield part
        written = sorted((file for file in part.rglob("*") if file.is_file()), key=lambda file: file == part / last)
        for file in written:
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
        if new:
            part.rename(place)
        else:
            (place / last).unlink(missing_ok=True)
            for file in written:
                target = place / file.relative_to(part)
                target.parent.mkdir(parents=True, exist_ok=True)
                file.replace(target)
        write_out(place if not new else place.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def naming(place: str) -> Iterator[None]:
    """Name what is written to in an error that names no file, as that of a device that is full."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or place
        raise


def write_out(folder: Path) -> None:
    """Bring the entries of a folder to the disk: until then a loss of power may take back the new name of a file."""
    # Where a folder cannot be opened (Windows) or synchronised (some network file systems), the system sees to it.
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
