"""Starts the workers of a job on this machine, and ends all of them when one is gone."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType

from seq2seq.distribution.workers import SECONDS
from seq2seq.system.machine import cores
from seq2seq.system.process import LAUNCHED
from seq2seq.system.signals import HANG_UP, STOPPING, hang_up_is_ignored, stop_status
from seq2seq.system.terminal import tell

# Workers that die of the death of another one follow it within this many seconds.
_TOGETHER = 0.5
# Statuses of a worker that was asked to stop, and saved.
_STOPPED = {stop_status(number.name) for number in STOPPING}


def launch(command: Sequence[str], workers: int) -> int:
    """Start a command several times, each with the `TF_CONFIG` of one worker, and wait for all.

    Where one is killed or fails, the message names it. The others end by themselves, or are killed after ``SECONDS``.
    SIGTERM and SIGHUP are passed on; Ctrl-C reaches the workers as it is.

    Args:
        command: The command and its arguments.
        workers: How many workers to start; the processor's cores are shared out among them.

    Returns:
        The exit status: 0, that of the worker that failed first, or 128 and the number of the signal that killed it.

    Raises:
        OSError: The command cannot be started.
    """
    addresses = _addresses(workers)
    ended: queue.Queue[tuple[int, int]] = queue.Queue()
    processes: list[subprocess.Popen[bytes]] = []

    def wait_for(index: int) -> Callable[[], None]:
        return lambda: ended.put((index, processes[index].wait()))

    try:
        with _signals(processes):
            for index in range(workers):
                processes.append(
                    subprocess.Popen(
                        command,
                        env=os.environ | _environment(addresses, index),
                        stdin=None if index == 0 else subprocess.DEVNULL,
                    )
                )
                threading.Thread(target=wait_for(index), daemon=True).start()
            statuses = _first_failure(ended, workers)
            failed = {index: status for index, status in statuses.items() if status}
            if not failed:
                return 0
            # One that was killed is what the others died of, even where they were quicker to be noticed.
            index = min(failed, key=lambda index: failed[index] >= 0)
            status = failed[index]
            stopped = set(failed.values()) <= _STOPPED
            if not stopped:
                tell(f"seq2seq launch: worker {index} of {workers} (process {processes[index].pid}) {_how(status)}.")
            with suppress(queue.Empty):
                while len(statuses) < workers:
                    other, its = ended.get(timeout=SECONDS)
                    statuses[other] = its
            return status if status > 0 else 128 - status
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()


def _first_failure(ended: queue.Queue[tuple[int, int]], workers: int) -> dict[int, int]:
    """Wait until all workers have ended, or one has failed; the answer has all that ended until a moment later."""
    statuses: dict[int, int] = {}
    while len(statuses) < workers:
        index, status = ended.get()
        statuses[index] = status
        if status:
            with suppress(queue.Empty):
                while len(statuses) < workers:
                    index, status = ended.get(timeout=_TOGETHER)
                    statuses[index] = status
            break
    return statuses


def _how(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    with suppress(ValueError):
        return f"was killed by {signal.Signals(-status).name}"
    return f"was killed by signal {-status}"


def _addresses(workers: int) -> list[str]:
    """Find free ports: one for each worker, and the one below the first, where they meet."""
    while True:
        with ExitStack() as stack:
            ports = [
                stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(workers)
            ]
            with suppress(OSError):
                stack.enter_context(socket.create_server(("127.0.0.1", ports[0] - 1)))
                return [f"127.0.0.1:{port}" for port in ports]


def _environment(addresses: Sequence[str], index: int) -> dict[str, str]:
    config = {"cluster": {"worker": list(addresses)}, "task": {"type": "worker", "index": index}}
    threads = str(max(cores() // len(addresses), 1))
    return {
        "TF_CONFIG": json.dumps(config),
        LAUNCHED: str(len(addresses)),
        "TF_NUM_INTRAOP_THREADS": os.environ.get("TF_NUM_INTRAOP_THREADS", threads),
    }


@contextmanager
def _signals(processes: Sequence[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Leave it to the workers what a signal means."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        for process in processes:
            if process.poll() is None:
                process.send_signal(number)

    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, pass_on),
        signal.SIGINT: signal.signal(signal.SIGINT, lambda number, frame: None),  # the terminal has sent it to them
    }
    if HANG_UP and not hang_up_is_ignored():
        before[HANG_UP] = signal.signal(HANG_UP, pass_on)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
