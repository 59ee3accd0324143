"""When training stops: no better score for a while, or a signal."""

import math
import os
import signal
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from seq2seq import metrics
from seq2seq.system.choices import choose
from seq2seq.system.signals import HANG_UP, STOPPING, hang_up_is_ignored

_ONE_REQUEST = 3.0  # seconds in which a second SIGTERM is the first one handed on
_FIT_METRICS = {"loss": False, "perplexity": False, "accuracy": True}


def higher_is_better(name: str) -> bool:
    """Tell which direction of a score is better.

    Args:
        name: "loss", "perplexity", "accuracy", or a metric of :mod:`seq2seq.metrics`.

    Raises:
        ValueError: The name is unknown.

    Example:
        >>> higher_is_better("loss"), higher_is_better("bleu")
        (False, True)
    """
    return choose("monitor", name, metrics.HIGHER_IS_BETTER | _FIT_METRICS)


class BestScore:
    """Remembers the best score, and how long ago it was.

    Args:
        monitor: Name of the score, without ``val_``.
        patience: Validations without a better score after which training is to stop; 0 for never.
        measured: How and on what the scores are measured, by name: those that were measured otherwise say nothing
            about these.

    Attributes:
        other: What a checkpoint has of another monitor, or measured otherwise; None for none.

    Example:
        >>> best_score = BestScore("loss", patience=1)
        >>> [best_score.improves({"val_loss": value}, update) for update, value in enumerate([2.0, 1.0, 1.5])]
        [True, True, False]
        >>> best_score.best, best_score.exhausted
        (1.0, True)
    """

    def __init__(self, monitor: str, patience: int = 0, measured: Mapping[str, str] | None = None) -> None:
        if patience < 0:
            raise ValueError(f"patience counts validations. Received: patience={patience}. Use 0 to never stop early.")
        self.monitor = monitor
        self.patience = patience
        self.measured = dict(measured or {})
        self.other: dict[str, Any] | None = None
        self.higher = higher_is_better(monitor)
        self.best: float | None = None
        self.best_epoch = 0.0
        self.best_update = 0
        self.waited = 0

    @property
    def exhausted(self) -> bool:
        """Whether patience is at its end."""
        return 0 < self.patience <= self.waited

    def improves(self, values: Mapping[str, float], update: int, epoch: float = 0.0) -> bool:
        """Hear the scores of a validation, and tell whether its weights are the ones to keep.

        Of equal scores the later one counts: exact match is 0 for the first epochs, while the model learns. Waiting
        goes on all the same.

        Args:
            values: Scores by name; ``val_`` before the monitored name, or the name alone where nothing was validated.
            update: Optimizer steps done.
            epoch: Epochs done, with the share of a running one.
        """
        value = values.get(f"val_{self.monitor}", values.get(self.monitor, math.nan))
        better = self.best is None or (value > self.best if self.higher else value < self.best)
        self.waited = 0 if better and math.isfinite(value) else self.waited + 1
        if not math.isfinite(value) or not (better or value == self.best):
            return False
        self.best, self.best_update, self.best_epoch = value, update, epoch
        return True

    def get_state(self) -> dict[str, Any]:
        """Give the best score and the validations waited."""
        return {
            "monitor": self.monitor,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "best_update": self.best_update,
            "waited": self.waited,
            "measured": self.measured,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Take them back; what was measured otherwise, or is of another monitor, is left in `other`."""
        # A checkpoint of an older version does not say how it was measured, or not all of it.
        before = state.get("measured", self.measured)
        if state["monitor"] != self.monitor or (before and {**self.measured, **before}) != self.measured:
            self.other = state
            return
        self.take(state)

    def take(self, state: dict[str, Any]) -> None:
        """Take the scores of a state as they are."""
        self.best = state["best"]
        self.best_epoch = state["best_epoch"]
        self.best_update = state["best_update"]
        self.waited = state["waited"]


class Interruption:
    """Holds the name of the signal that asked the run to stop, or None."""

    def __init__(self) -> None:
        self.received: str | None = None


@contextmanager
def interruptions() -> Iterator[Interruption]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into a request to stop after the running step; the second acts at once.

    SIGHUP comes when a terminal is closed or a connection lost, often twice, or with another: it asks, and never acts
    at once. Where it is ignored (``nohup``) it is left alone. A SIGTERM within three seconds is the same request: a
    manager of jobs sends its signal to all processes, and who started this one hands it on as SIGTERM.
    Outside the main thread, where Python takes no signals, nothing is changed.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.getsignal(number) for number in STOPPING}
    if hang_up_is_ignored():
        del before[HANG_UP]
    asked = False
    since = 0.0

    def restore() -> None:
        for number, handler in before.items():
            # None: installed by another than Python, which cannot be put back from here.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def request(number: int, frame: FrameType | None) -> None:
        nonlocal asked, since
        if asked and number == signal.SIGTERM and time.monotonic() - since < _ONE_REQUEST:
            return
        if asked and number != HANG_UP:
            restore()
            if signal.getsignal(number) is signal.SIG_IGN:  # as a shell starts what runs behind a script
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
            signal.raise_signal(number)
            return
        if not asked and number != HANG_UP:
            asked, since = True, time.monotonic()
        if not interruption.received:
            interruption.received = signal.Signals(number).name
            again = "SIGTERM after three seconds" if number == signal.SIGTERM else "Once more"
            said = f"\n{interruption.received}: stopping after this step, then saving. {again} stops at once.\n"
            with suppress(OSError):
                os.write(2, said.encode())  # not print: the signal may have come in the middle of one
        if number == HANG_UP:
            _leave_the_terminal()

    for number in before:
        signal.signal(number, request)
    try:
        yield interruption
    finally:
        restore()


def _leave_the_terminal() -> None:
    """Let go of a terminal that is gone, and of what led to it: to print there would fail, before anything is saved."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        nothing = os.open(os.devnull, os.O_WRONLY)
        for descriptor in (1, 2):
            with suppress(OSError):
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    os.dup2(nothing, descriptor)
        os.close(nothing)
