"""How a system and the benchmark talk: a job in one line, then turn by turn, so that all systems are timed in turn.

A system reads its job from standard input, gets ready, writes a line, and waits. Each further line that it reads is a
turn: it measures once, and writes what it found as one line of JSON. Standard library only.
"""

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.job import Job


class Turns:
    """The system's end. Whatever else is printed goes to standard error."""

    def __init__(self) -> None:
        self._answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        self.job = Job.from_json(sys.stdin.readline())
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: self.job.threads])

    def wait(self, **values: float) -> None:
        """Hand over what was measured, and wait for the next turn; without one the process ends here."""
        self._answers.write(json.dumps({"values": values, "peak_mib": peak_mib()}) + "\n")
        self._answers.flush()
        if not sys.stdin.readline():
            os._exit(0)  # from inside a training loop of someone else

    def repeat(
        self, works: dict[str, tuple[float, Callable[[], object]]], least: float = 0.0, warm: bool = False
    ) -> None:
        """Measure rates of things that can be done over and over, each once per turn.

        Args:
            works: By name, how much one call does, and the call; it returns when all is done.
            least: Seconds that a measurement takes at least: short calls are repeated.
            warm: Whether a call that does not count goes before: one behind works of other sizes finds its memory
                elsewhere, and takes up to half as long again.
        """
        calls = {}
        for name, (_, call) in works.items():
            call()  # compiles, allocates
            calls[name] = max(1, round(least / _seconds(call))) if least else 1
        self.wait()
        while True:
            rates = {}
            for name, (amount, call) in works.items():
                if warm:
                    call()
                began = time.perf_counter()
                for _ in range(calls[name]):
                    call()
                rates[name] = amount * calls[name] / (time.perf_counter() - began)
            self.wait(**rates)


class Updates:
    """Counts the updates of a training loop, and times those of each turn.

    Args:
        turns: The system's end.
    """

    def __init__(self, turns: Turns) -> None:
        self._turns, self._job = turns, turns.job
        self._began = time.perf_counter()
        self._first: dict[str, float] = {}
        self._count, self._tokens, self._seconds = 0, 0, []

    def done(self, tokens: int) -> None:
        """Note that an update is done, with so many target tokens (`</s>` counted, padding not)."""
        now = time.perf_counter()
        self._count += 1
        self._tokens += tokens
        self._seconds.append(now - self._began)
        if self._count == 1:
            self._first = {"first_update_seconds": self._seconds[0]}
        counted = self._count - self._job.warm_up
        if counted >= 0 and counted % self._job.updates == 0:
            if counted == 0:
                self._turns.wait(**self._first)
            else:
                self._turns.wait(
                    tokens_per_second=self._tokens / sum(self._seconds),
                    tokens=self._tokens,
                    median_update_ms=1000 * statistics.median(self._seconds),
                )
            self._tokens, self._seconds = 0, []
            now = time.perf_counter()
        self._began = now


def peak_mib() -> float:
    """The most memory that this process has held."""
    status = Path("/proc/self/status")
    if status.exists():  # not getrusage: that remembers the process that this one was forked from
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
