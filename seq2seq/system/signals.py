"""The signals that ask a process to stop, and what they make of its exit status."""

import signal

HANG_UP = getattr(signal, "SIGHUP", None)
"""That a terminal was closed or a connection lost; None on systems that have no such signal."""

STOPPING = (signal.SIGINT, signal.SIGTERM, *((HANG_UP,) if HANG_UP else ()))
"""What asks a process to stop."""


def hang_up_is_ignored() -> bool:
    """Tell whether this process outlives its terminal, as under ``nohup``."""
    return HANG_UP is not None and signal.getsignal(HANG_UP) is signal.SIG_IGN


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
