"""What a command tells a person: aligned tables, messages on stderr, the exit status."""

import errno
import os
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec

from seq2seq.system.files import naming

FAILED, BAD_USAGE, INTERRUPTED = 1, 2, 130

_WAYS_OUT = {
    errno.ENOSPC: "Free some space, or name a place on another disk.",
    errno.EDQUOT: "Free some space, or name a place outside this quota.",
    errno.EACCES: "Name another place, or ask for the right to use this one.",
    errno.EPERM: "Name another place, or ask for the right to use this one.",
    errno.EROFS: "Name a place that can be written.",
    errno.ENOENT: "Check the spelling, and where you are.",
    errno.ENOTDIR: "A part of this path is a file; name another place.",
    errno.EISDIR: "Name a file, not a folder.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.EIO: "The disk or the network failed; try again, or use another place.",
}


class UsageError(ValueError):
    """What is asked for cannot be, whatever is done about it: a command ends with exit status 2."""


def exit_status(job: Callable[[], object], *, name: str = "seq2seq", debug: bool = False) -> int:
    """Run a job and turn what it raises into a message on stderr and an exit status.

    Args:
        job: What to run.
        name: Name of the command, for messages.
        debug: Whether to show where an error was raised.

    Returns:
        0, 1 for a failed job or a stdout that does not take what was written, 2 for bad usage, 130 after Ctrl-C.

    Example:
        >>> exit_status(lambda: print("done"))
        done
        0
    """
    try:
        return _status(job, name, debug) or _status(_write_out, name, debug)
    finally:
        # What a full disk or a reader who left did not take is dropped: Python would complain of it at the end.
        try:
            _write_out()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _status(job: Callable[[], object], name: str, debug: bool) -> int:
    try:
        job()
        return 0
    except BrokenPipeError:  # whoever read our output has seen enough (`| head`)
        return FAILED
    except KeyboardInterrupt:
        tell(f"{name}: stopped by Ctrl-C")
        return INTERRUPTED
    except Exception as error:  # no traceback meets a user who did not ask for it
        if debug:
            traceback.print_exc()
        tell(f"{name}: error: {_message(error, debug)}")
        return BAD_USAGE if isinstance(error, UsageError) else FAILED


def _write_out() -> None:
    """Write what stdout has been given."""
    if sys.stdout is not None:
        with naming("stdout"):
            sys.stdout.flush()


def need_stdout() -> None:
    """Refuse a standard output that is closed, before a command works for it.

    Raises:
        UsageError: It is closed.
    """
    if sys.stdout is None:
        raise UsageError(
            "Standard output is closed, and nobody would see what the command writes. Open it with > FILE, or throw "
            "away what comes with > /dev/null."
        )


def tell(text: str) -> None:
    """Write a message to stderr: stdout is for data. Nothing where stderr is closed: `print` would take stdout.

    Where nobody reads it any more, or its disk is full, work goes on without messages.
    """
    if not _silenced and sys.stderr is not None:
        with suppress(OSError):
            print(text, file=sys.stderr, flush=True)


@contextmanager
def progress(total: int | None, done: int, unit: str) -> Iterator[Callable[[int], object]]:
    """Show on stderr how far a job is, how fast it goes and when it may be done, redrawn in place.

    Args:
        total: How much there is to do; None shows nothing, nor does an environment of the runtime alone, without tqdm.
        done: How much was done before.
        unit: What is counted: "lines".

    Yields:
        A function to call with how much has been done since.
    """
    shown = total is not None and find_spec("tqdm") is not None
    if not shown:
        yield lambda moved: None
        return
    from tqdm import tqdm  # not at the top: `seq2seq --help` does without it

    with tqdm(total=total, initial=done, unit=f" {unit}", smoothing=0, dynamic_ncols=True) as bar:
        yield bar.update


@contextmanager
def silence() -> Iterator[None]:
    """Let :func:`tell` write nothing inside the block: one of several processes speaks for all."""
    _silenced.append(True)
    try:
        yield
    finally:
        _silenced.pop()


_silenced: list[bool] = []


def _message(error: Exception, debug: bool) -> str:
    if isinstance(error, OSError) and error.errno and error.strerror:
        place = "" if error.filename is None else f"{error.filename}: "
        return f"{place}{error.strerror}. {_WAYS_OUT.get(error.errno, '')}".rstrip()
    if isinstance(error, ModuleNotFoundError) and str(error) == f"No module named {error.name!r}":
        return f"This takes {error.name}, which is not installed. Install all that seq2seq needs: pip install seq2seq."
    # Ours are written for people; what else comes out of the libraries needs its class to mean anything.
    if isinstance(error, ValueError | OSError | ImportError) and str(error):
        return str(error)
    hint = "" if debug else " (--debug shows where)"
    return f"{type(error).__name__}: {error}{hint}"


def format_table(header: Sequence[str], rows: Sequence[Sequence[object]], *, numbers: Sequence[int] = ()) -> str:
    """Lay out a plain table: columns aligned, two spaces between, a rule under the header.

    Args:
        header: Names of the columns.
        rows: Cells; whole numbers get thousands separators.
        numbers: Columns (from 0) aligned on the right.

    Returns:
        Lines without trailing spaces, joined by newlines.

    Example:
        >>> print(format_table(["layer", "units"], [["embedding", 64], ["encoder", 1024]], numbers=[1]))
        layer      units
        ---------  -----
        embedding     64
        encoder    1,024
    """
    from tabulate import tabulate  # not at the top: `seq2seq --help` does without it

    cells = [[f"{cell:,}" if type(cell) is int else str(cell) for cell in row] for row in rows]
    sides = ["right" if column in numbers else "left" for column in range(len(header))]
    # The header goes in as a row: tabulate makes a column wider than its header, and a rule stands above and below.
    table = tabulate([header, *cells], tablefmt="simple", disable_numparse=True, colalign=sides)
    rule, names, *lines, _ = table.split("\n")
    return "\n".join(line.rstrip() for line in [names, rule, *lines])


def format_records(records: Sequence[Sequence[tuple[str, str]]], columns: int) -> str:
    """Lay out records of named texts: as a table where it fits, otherwise one field under the other.

    Args:
        records: Each a list of (name, text), all with the same names.
        columns: Width to fit into, in terminal columns.

    Returns:
        Lines joined by newlines.

    Example:
        >>> print(format_records([[("source", "drei"), ("translation", "three")]], 30))
        source  translation
        ------  -----------
        drei    three
        >>> print(format_records([[("source", "drei"), ("translation", "three")]], 15))
        source       drei
        translation  three
    """
    if not records:
        return ""
    table = format_table([name for name, _ in records[0]], [[text for _, text in record] for record in records])
    if max(map(width, table.splitlines())) <= columns:
        return table
    label = max(width(name) for name, _ in records[0]) + 2
    blocks = []
    for record in records:
        lines = []
        for name, text in record:
            first, *more = textwrap.wrap(text, max(columns - label, 20)) or [""]
            lines += [name.ljust(label) + first, *(" " * label + line for line in more)]
        blocks.append("\n".join(line.rstrip() for line in lines))
    return "\n\n".join(blocks)


def width(text: str) -> int:
    """Count the terminal columns of a text: two for wide characters, none for those that combine with the one before.

    Example:
        >>> width("5月3日"), width("e\N{COMBINING ACUTE ACCENT}")
        (6, 1)
    """
    import wcwidth

    return wcwidth.width(text)
