"""What the `seq2seq` command and recipe scripts do to their own process; `import seq2seq` leaves it as it is."""

import io
import os
import sys

from seq2seq.system import allocator
from seq2seq.system.quiet import quiet


def prepare() -> None:
    """Make the three standard streams safe to use, keep TensorFlow quiet, and have it take memory from its pool.

    Before anything of TensorFlow is imported.
    """
    _take_closed_numbers()
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)
    # No table and no text of a user dies of a terminal that has no sign for it: Python's stderr writes so too.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    quiet()
    allocator.choose()


def _take_closed_numbers() -> None:
    """Open the null device for what is closed: the next file would get its number, and TensorFlow's log be in it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
