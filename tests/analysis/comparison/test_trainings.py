"""Trainings in processes, with small scripts in the place of real ones."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from seq2seq.analysis.comparison.trainings import Training, train_all
from seq2seq.system.machine import cores

WAITS = (
    "import signal, sys, time\n"
    "signal.signal(signal.{0}, lambda *_: (print('saved', flush=True), sys.exit(130)))\n"
    "print('ready', flush=True); time.sleep(60)"
)


def training(folder: Path, name: str, code: str) -> Training:
    return Training(name, 0, folder / name, (sys.executable, "-c", code), 1)


class Heard:
    """What is told of trainings."""

    def __init__(self, stop: str = "") -> None:
        self.events: list[tuple[str, ...]] = []
        self.most = 0
        self._running = 0
        self._stop = stop

    def started(self, training: Training) -> None:
        self._running += 1
        self.most = max(self.most, self._running)
        self.events.append(("started", training.variant))

    def look(self, training: Training) -> bool:
        return training.variant == self._stop and "ready" in training.output.read_text()

    def ended(self, training: Training, reason: str) -> None:
        self._running -= 1
        self.events.append(("ended", training.variant, reason))

    def run(self, trainings: list[Training], jobs: int = 1) -> str | None:
        return train_all(trainings, jobs=jobs, started=self.started, look=self.look, ended=self.ended)


def test_each_is_a_process_and_a_failure_ends_only_its_own(tmp_path: Path) -> None:
    heard = Heard()
    died = heard.run([
        training(tmp_path, "good", "print('done')"),
        training(tmp_path, "bad", "import sys; print('seq2seq: error: No text.'); sys.exit(1)"),
        training(tmp_path, "odd", "import sys; sys.exit(3)"),
        training(tmp_path, "killed", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
    ])  # fmt: skip
    assert died is None
    assert [event for event in heard.events if event[0] == "ended"] == [
        ("ended", "good", ""),
        ("ended", "bad", "No text."),
        ("ended", "odd", f"It ended with status 3. What it said: {tmp_path / 'odd.log'}"),
        (
            "ended",
            "killed",
            f"It was killed by SIGKILL (out of memory?). What it said: {tmp_path / 'killed.log'}",
        ),
    ]
    assert (tmp_path / "good.log").read_text() == "done\n" and heard.most == 1


def test_several_run_at_once_and_share_the_processors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    heard = Heard()
    says = "import os; print(os.environ['TF_NUM_INTRAOP_THREADS'])"
    heard.run([training(tmp_path, name, says) for name in "abc"], jobs=2)
    assert heard.most == 2
    assert int((tmp_path / "c.log").read_text()) == max(cores() // 2, 1)


def test_one_that_is_asked_to_stop_saves_and_did_not_fail(tmp_path: Path) -> None:
    heard = Heard(stop="hopeless")
    heard.run([training(tmp_path, "hopeless", WAITS.format("SIGTERM")), training(tmp_path, "next", "")])
    assert heard.events == [
        ("started", "hopeless"), ("ended", "hopeless", ""), ("started", "next"), ("ended", "next", "")
    ]  # fmt: skip
    assert (tmp_path / "hopeless.log").read_text() == "ready\nsaved\n"


def test_a_failure_is_told_by_what_it_says_this_time(tmp_path: Path) -> None:
    heard = Heard()
    heard.run([training(tmp_path, "a", "import sys; print('seq2seq: error: No disk.'); sys.exit(1)")])
    heard.run([training(tmp_path, "a", "import sys; sys.exit(3)")])
    assert [event[2] for event in heard.events if event[0] == "ended"] == [
        "No disk.", f"It ended with status 3. What it said: {tmp_path / 'a.log'}"
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_is_handed_on_and_nothing_more_starts(name: str, tmp_path: Path) -> None:
    heard = Heard()
    trainings = [training(tmp_path, "first", WAITS.format("SIGTERM")), training(tmp_path, "second", "")]

    def send() -> None:
        while not (trainings[0].output.exists() and "ready" in trainings[0].output.read_text()):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.Signals[name])

    sender = threading.Thread(target=send)
    sender.start()
    stopped = heard.run(trainings)
    sender.join()
    assert stopped == name
    assert heard.events == [("started", "first"), ("ended", "first", "")]
    assert trainings[0].output.read_text() == "ready\nsaved\n"
