"""Rounds: every system of a job takes its turn in each, so that a machine that slows down slows all alike."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.environments import ROOT, python_of
from tests.benchmarks.job import Job


class Worker:
    """A system at work on a job.

    Args:
        job: The job.
        cache: The folder of the environments; the log of the system goes there too.
    """

    def __init__(self, job: Job, cache: Path) -> None:
        self.job = job
        self.rounds: list[dict[str, float]] = []
        self.peaks: list[float] = []
        self.ready: dict[str, float] = {}
        logs = cache / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self._log = logs / f"{job.system}-{job.part}.log"
        with self._log.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [python_of(job.system, cache), "-m", f"tests.benchmarks.systems.{job.system}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
                env=_environment(job.threads),
            )
        self._began = time.perf_counter()
        self._send(job.to_json())

    def get_ready(self) -> None:
        """Wait until the first turn can begin."""
        self.ready = {**self._answer(), "ready_seconds": time.perf_counter() - self._began}

    def take_turn(self) -> None:
        """Have it measured once."""
        self._send("go")
        self.rounds.append(self._answer())

    def end(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()

    def result(self) -> dict[str, Any]:
        """What was measured, with the job."""
        job = json.loads(self.job.to_json())
        for name in ("text", "scratch"):
            del job[name]
        return {**job, "rounds": self.rounds, "ready": self.ready, "peak_mib": max(self.peaks)}

    def _send(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # the answer, or its absence, tells
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def _answer(self) -> dict[str, float]:
        line = self._process.stdout.readline()
        if not line:
            tail = self._log.read_text("utf-8", "replace")[-2000:]
            raise RuntimeError(f"{self.job.system} ended in the middle of {self.job.part}:\n{tail}")
        answer = json.loads(line)
        self.peaks.append(answer["peak_mib"])
        return answer["values"]


def measure(jobs: Sequence[Job], rounds: int, cache: Path) -> list[dict[str, Any]]:
    """Run jobs that belong together: each in a process of its own, in turn, `rounds` times.

    A system that fails is left out, and says why on standard error.

    Args:
        jobs: The same job for each system.
        rounds: Turns that each takes.
        cache: The folder of the environments.

    Returns:
        One result for each job that was done.
    """
    with contextlib.ExitStack() as stack:
        workers: list[Worker] = []
        # One after the other: what one does while it gets ready must not disturb the warm-up of the next.
        for job in jobs:
            _show(f"{_what(job)}: {job.system} gets ready")
            with _told():
                worker = Worker(job, cache)
                stack.callback(worker.end)
                worker.get_ready()
                workers.append(worker)
        began = time.perf_counter()
        for number in range(rounds):
            left = f", about {(time.perf_counter() - began) / number * (rounds - number):.0f} s left" if number else ""
            # Another one goes first in each round.
            first = number % max(1, len(workers))
            for worker in workers[first:] + workers[:first]:
                _show(f"{_what(worker.job)}: round {number + 1} of {rounds}, {worker.job.system}{left}")
                with _told():
                    worker.take_turn()
        _show(f"{_what(jobs[0])}: {rounds} rounds in {time.perf_counter() - began:.0f} s", last=True)
        return [worker.result() for worker in workers if worker.rounds]


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        _show(str(error), last=True)


def _what(job: Job) -> str:
    if job.part == "curves":
        return f"cost against {job.points[0].curve}"
    if job.part == "recipes":
        return f"training of {job.recipe}"
    if job.part in ("layer", "cells"):
        return job.part
    return f"{job.part}, {job.precision}{', input feeding' * job.architecture.input_feeding}"


def _environment(threads: int) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    return {
        **os.environ,
        **dict.fromkeys(names, str(threads)),
        "CUDA_VISIBLE_DEVICES": "-1",
        "PYTHONPATH": str(ROOT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def _show(line: str, last: bool = False) -> None:
    """Show where we are: in one line that changes, or line by line where that goes to a file."""
    changing = sys.stderr.isatty()
    print(
        f"\r\033[K{line}" if changing else line, end="" if changing and not last else "\n", file=sys.stderr, flush=True
    )
