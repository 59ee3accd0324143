"""What the `seq2seq` command and recipe scripts do to their own process; `import seq2seq` leaves it as it is."""

import io
import os
import sys
import warnings
from pathlib import Path

from seq2seq.system import allocator
from seq2seq.system.quiet import quiet

LAUNCHED = "SEQ2SEQ_LAUNCHED"
"""The environment variable that says how many workers `seq2seq launch` started, this one counted."""


def prepare() -> None:
    """Make the standard streams safe to use, keep TensorFlow and NumPy quiet, and have memory taken from a pool.

    Before anything of TensorFlow is imported.
    """
    _take_closed_numbers()
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)
    # No table and no text of a user dies of a terminal that has no sign for it: Python's stderr writes so too.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    quiet()
    # NumPy warns at random of small products that are right: OpenBLAS reads past the ends of their matrices, where
    # anything may lie (numpy/numpy#24067).
    warnings.filterwarnings("ignore", "invalid value encountered in matmul", RuntimeWarning)
    allocator.choose()


def own_module(name: str) -> list[str]:
    """Give the command that runs a module of ours in a process of its own.

    A file of the working folder that bears the name of a module (``random.py``) is not taken for it, unless we
    ourselves lie there.

    Args:
        name: Of the module.
    """
    beside = Path(__file__).parents[2] == Path.cwd()
    return [sys.executable, *([] if beside else ["-P"]), "-m", name]


def _take_closed_numbers() -> None:
    """Open the null device for what is closed: the next file would get its number, and TensorFlow's log be in it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
