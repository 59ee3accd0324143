"""The signals that ask a process to stop, and what they make of its exit status."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

HANG_UP = getattr(signal, "SIGHUP", None)
"""That a terminal was closed or a connection lost; None on systems that have no such signal."""

STOPPING = (signal.SIGINT, signal.SIGTERM, *((HANG_UP,) if HANG_UP else ()))
"""What asks a process to stop."""


def hang_up_is_ignored() -> bool:
    """Tell whether this process outlives its terminal, as under ``nohup``."""
    return HANG_UP is not None and signal.getsignal(HANG_UP) is signal.SIG_IGN


@contextmanager
def unwinding() -> Iterator[None]:
    """Let SIGTERM end this process as an error does, so that a block can end what it began; a second one acts at once.

    For the main thread, where Python takes signals.
    """

    def end(*_: object) -> None:
        signal.signal(signal.SIGTERM, before)
        sys.exit(stop_status("SIGTERM"))

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def stop_status(stopped: str | None) -> int:
    """Give the exit status of a command that a signal stopped, as a shell does.

    Args:
        stopped: The name of a signal, or another reason.

    Returns:
        128 and the number of the signal; 0 for another reason.

    Example:
        >>> stop_status("SIGINT"), stop_status("finished")
        (130, 0)
    """
    return 128 + signal.Signals[stopped] if stopped and stopped.startswith("SIG") else 0
