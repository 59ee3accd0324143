"""Trainings one after the other or several at once, each in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from seq2seq.system.machine import cores
from seq2seq.training.stopping import interruptions

_TICK = 0.2  # seconds from one look at the processes to the next
_THREADS = "TF_NUM_INTRAOP_THREADS"


@dataclass(frozen=True)
class Training:
    """One training of a study.

    Attributes:
        variant: The name of its variant.
        seed: Its seed.
        folder: Its run folder.
        command: What runs it, so that it can be repeated: it goes on where it was stopped.
        epochs: How many it has at most.
    """

    variant: str
    seed: int
    folder: Path
    command: tuple[str, ...]
    epochs: int

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return name_of(self.variant, self.seed)

    @property
    def output(self) -> Path:
        """Where what it says is kept."""
        return self.folder.with_name(f"{self.folder.name}.log")


def name_of(variant: str, seed: int) -> str:
    """Say what a training is called in messages."""
    return f"{variant}, seed {seed}"


def train_all(
    trainings: Iterable[Training],
    *,
    jobs: int,
    started: Callable[[Training], None],
    look: Callable[[Training], bool],
    ended: Callable[[Training, str], None],
) -> str | None:
    """Run trainings, so many at once.

    SIGINT, SIGTERM and SIGHUP are handed on: every training stops after its step and saves; a second
    one ends them at once.

    Args:
        trainings: Asked for the next one when there is room for it.
        jobs: How many run at once; they share the processors.
        started: Hears of each that starts.
        look: Hears several times a second of each that runs; true asks it to stop, as SIGTERM does.
        ended: Hears of each that ended, and why it failed: "" where it finished or was asked to stop.

    Returns:
        The name of the signal that stopped all; None where there was none.
    """
    waiting = iter(trainings)
    running: dict[subprocess.Popen[bytes], Training] = {}
    said: dict[Training, int] = {}  # bytes of what each said before, where it goes on
    asked: set[subprocess.Popen[bytes]] = set()
    with interruptions() as interruption:
        try:
            while True:
                while len(running) < jobs and not interruption.received and (training := next(waiting, None)):
                    said[training] = training.output.stat().st_size if training.output.exists() else 0
                    running[_start(training, jobs)] = training
                    started(training)
                if not running:
                    return interruption.received
                time.sleep(_TICK)
                for process, training in list(running.items()):
                    if process.poll() is not None:
                        del running[process]
                        stopped = process in asked or interruption.received
                        ended(training, "" if stopped else _failure(process.returncode, training, said[training]))
                    elif process not in asked and (look(training) or interruption.received):
                        asked.add(process)
                        process.terminate()  # whatever came: see `interruptions`
        except BaseException:
            for process in running:
                if process not in asked:
                    process.terminate()
                process.send_signal(signal.SIGINT)  # a second signal of another kind acts at once
            for process in running:
                process.wait()
            raise


def _start(training: Training, jobs: int) -> subprocess.Popen[bytes]:
    """Start a training in a session of its own: what a terminal sends comes to us, and we hand it on."""
    environment = dict(os.environ)
    if jobs > 1:
        environment.setdefault(_THREADS, str(max(cores() // jobs, 1)))
    training.output.parent.mkdir(parents=True, exist_ok=True)
    with training.output.open("ab") as output:
        return subprocess.Popen(
            training.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )


def _failure(status: int, training: Training, before: int) -> str:
    """Say why a training failed: by its own last word since it started, where it had one; "" where it did not."""
    if not status:
        return ""
    said = training.output.read_bytes()[before:].decode("utf-8", errors="replace").splitlines()
    errors = [line.partition("error: ")[2] for line in said if line.startswith("seq2seq: error: ")]
    if errors and status > 0:
        return errors[-1]
    how = f"It was killed by {signal.Signals(-status).name}" if status < 0 else f"It ended with status {status}"
    hint = " (out of memory?)" if status == -signal.SIGKILL else ""
    return f"{how}{hint}. What it said: {training.output}"
