"""What a person sees of a study: a line for each training that ends, and on a terminal a bar over all of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

from seq2seq.analysis.comparison.trainings import Training
from seq2seq.runs.record import read_log
from seq2seq.training.run_folder import RunFolder

_INTERVAL = 5.0  # seconds from one look into the logs to the next


class StudyProgress:
    """Shows which trainings run and about how long all take.

    Args:
        total: How many trainings there are.
        known: Minutes of the trainings that were finished before.
        jobs: How many run at once.
        done: How many are over, where the minutes of some are not known; None is as many as ``known``.
        stream: Where it goes; stderr by default.
    """

    def __init__(
        self, total: int, known: Sequence[float], jobs: int, *, done: int | None = None, stream: TextIO | None = None
    ) -> None:
        from tqdm import tqdm

        self._stream = stream or sys.stderr
        self._jobs = jobs
        self._total = total
        self._done = len(known) if done is None else done
        self._minutes = list(known)
        self._began: dict[Training, tuple[float, float]] = {}  # when each started here, and its share done by then
        self._share: dict[Training, float] = {}
        self._looked = 0.0
        self._bar = tqdm(
            total=total,
            initial=self._done,
            file=self._stream,
            leave=False,
            dynamic_ncols=True,
            disable=not self._stream.isatty(),
            bar_format="{n:.1f}/{total_fmt} runs {bar} {postfix}",
        )

    def say(self, text: str) -> None:
        """Print a line without tearing the bar; nothing where nobody reads any more: trainings go on."""
        with suppress(OSError):
            self._bar.write(text, file=self._stream)

    def started(self, training: Training) -> None:
        """Say what starts."""
        share = share_done(training)
        self._began[training] = (time.monotonic(), share)
        self._share[training] = share
        self.say(f"{'Going on with' if share else 'Training'} {training.name} ...")

    def look(self) -> None:
        """Look into the logs of what runs, if it is time to, and move the bar."""
        now = time.monotonic()
        if self._bar.disable or now - self._looked < _INTERVAL:
            return
        self._looked = now
        self._share = {training: share_done(training) for training in self._share}
        self._bar.n = self._done + sum(self._share.values())
        with suppress(OSError):
            self._bar.set_postfix_str(self.left())

    def ended(self, training: Training, words: str, *, whole: bool) -> None:
        """Say how a training ended, and about how long the rest takes.

        Args:
            training: The training.
            words: How.
            whole: Whether it came to its end, so that its time says how long another takes.
        """
        began, share = self._began.pop(training)
        del self._share[training]
        if whole and share < 1:
            self._minutes.append((time.monotonic() - began) / 60 / (1 - share))
        self._done += 1
        self._bar.n = self._done
        self.say(f"[{self._done}/{self._total}] {training.name}: {words}{self.left()}")

    def passed_over(self, name: str, words: str) -> None:
        """Say why a training is not to be run: there is one less to wait for."""
        self._done += 1
        self._bar.n = self._done
        self.say(f"[{self._done}/{self._total}] {name}: {words}{self.left()}")

    def left(self) -> str:
        """Say about how long the rest takes: by what is done, or else by what is done of the trainings that run."""
        rest = self._total - self._done - sum(self._share.values())
        now = time.monotonic()
        seconds = [60 * minutes for minutes in self._minutes] or [
            (now - began) / (self._share[training] - before)
            for training, (began, before) in self._began.items()
            if self._share[training] > before
        ]
        if not (seconds and rest):
            return ""
        return f"; about {_clock(rest * sum(seconds) / len(seconds) / self._jobs)} left"

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()


def share_done(training: Training) -> float:
    """Give the share of its epochs that a training has done, 0 to 1."""
    events = read_log(RunFolder(training.folder).log)
    done = max((event["epoch"] for event in events if event["event"] == "epoch"), default=0)
    return min(done / training.epochs, 1.0)


def _clock(seconds: float) -> str:
    hours, minutes = divmod(max(round(seconds / 60), 1), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"
