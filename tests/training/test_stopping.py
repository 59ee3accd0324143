import os
import pty
import signal
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.metrics import METRICS
from seq2seq.system.signals import stop_status
from seq2seq.training import stopping
from seq2seq.training.stopping import BestScore, higher_is_better, interruptions

scores = st.lists(st.floats(0, 100), min_size=1)


@pytest.mark.slow
@given(scores, st.sampled_from(["loss", "bleu"]))
def test_the_last_of_the_best_scores_is_kept_and_patience_counts_from_the_first(values, monitor):
    best_score = BestScore(monitor)
    improved = [best_score.improves({f"val_{monitor}": value}, update) for update, value in enumerate(values)]
    best = max(values) if monitor == "bleu" else min(values)
    assert best_score.best == best
    assert best_score.best_update == len(values) - 1 - values[::-1].index(best)
    assert improved.index(True) == 0
    assert best_score.waited == len(values) - 1 - values.index(best)


@given(scores, scores, st.integers(0, 3))
def test_goes_on_from_its_state(before, after, patience):
    straight, first, second = (BestScore("loss", patience) for _ in range(3))
    for update, value in enumerate(before):
        straight.improves({"val_loss": value}, update)
        first.improves({"val_loss": value}, update)
    second.set_state(first.get_state())
    for update, value in enumerate(after):
        assert straight.improves({"val_loss": value}, update) == second.improves({"val_loss": value}, update)
        assert straight.exhausted == second.exhausted


def test_what_is_not_a_number_is_never_best():
    best_score = BestScore("loss", patience=1)
    assert not best_score.improves({"val_loss": float("nan")}, 1)
    assert best_score.exhausted
    assert best_score.improves({"val_loss": 5.0}, 2)


def test_without_validation_the_training_loss_counts():
    best_score = BestScore("loss")
    assert best_score.improves({"loss": 3.0}, 1)
    assert best_score.best == 3.0


def test_scores_of_another_monitor_are_not_compared():
    before, after = BestScore("bleu"), BestScore("loss")
    before.improves({"val_bleu": 30.0}, 1)
    after.set_state(before.get_state())
    assert after.best is None and after.other == before.get_state()


def test_scores_that_do_not_say_how_they_were_measured_count():
    before, after = BestScore("bleu"), BestScore("bleu", measured={"tokenize": "13a"})
    before.improves({"val_bleu": 30.0}, 1)
    after.set_state(before.get_state())
    assert after.best is None
    state = {name: value for name, value in before.get_state().items() if name != "measured"}  # an older version
    after.set_state(state)
    assert after.best == 30.0


def test_every_metric_has_a_direction():
    assert {name: higher_is_better(name) for name in ("bleu", "ter", "exact_match", "perplexity", "accuracy")} == {
        "bleu": True,
        "ter": False,
        "exact_match": True,
        "perplexity": False,
        "accuracy": True,
    }
    for name in METRICS:
        higher_is_better(name)
    with pytest.raises(ValueError, match="Did you mean 'bleu'"):
        higher_is_better("blue")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_acts(number, capfd, monkeypatch):
    monkeypatch.setattr(stopping, "_ONE_REQUEST", 0.0)
    acted = []
    before = signal.signal(number, lambda *_: acted.append(True))
    try:
        with interruptions() as interruption:
            os.kill(os.getpid(), number)
            assert interruption.received == number.name
            assert not acted
            os.kill(os.getpid(), number)
            assert acted
        with interruptions():
            pass
        os.kill(os.getpid(), number)
        assert len(acted) == 2
    finally:
        signal.signal(number, before)
    assert "stopping after this step" in capfd.readouterr().err


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_a_sigterm_that_is_handed_on_is_the_same_request(first, capfd):
    acted = []
    before = signal.signal(signal.SIGINT, lambda *_: acted.append(True))
    try:
        with interruptions() as interruption:
            for number in (first, signal.SIGTERM, signal.SIGTERM):  # a manager of jobs, and who started this process
                os.kill(os.getpid(), number)
            assert interruption.received == first.name and not acted
            os.kill(os.getpid(), signal.SIGINT)
            assert acted
    finally:
        signal.signal(signal.SIGINT, before)
    assert capfd.readouterr().err.count("stopping after this step") == 1


PATIENT = """
import signal, sys, time
from seq2seq.system.terminal import exit_status
from seq2seq.training import stopping
from seq2seq.training.stopping import interruptions

stopping._ONE_REQUEST = 0.0

def job():
    with interruptions():
        print("ready", flush=True)
        for _ in range(600):
            time.sleep(0.1)  # a step that takes its time

sys.exit(exit_status(job))
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_the_second_ends_a_process_at_once(number, status):
    with subprocess.Popen([sys.executable, "-c", PATIENT], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        told = process.stderr.readline() + process.stderr.readline()
        again = {signal.SIGINT: b"Once more", signal.SIGTERM: b"SIGTERM after three seconds"}[number]
        assert again + b" stops at once" in told
        assert process.poll() is None
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(30) == status
        assert time.monotonic() - began < 10


def test_the_second_ends_a_process_that_was_begun_with_signals_ignored():
    # As a shell begins what a script runs in the background.
    program = PATIENT.replace("def job", "signal.signal(signal.SIGINT, signal.SIG_IGN)\n\ndef job")
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert b"Once more stops at once" in process.stderr.readline() + process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


HUNG_UP = """
import fcntl, os, sys, termios, time
from seq2seq.training.stopping import interruptions

fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # the first of its session
if sys.argv[2] == "piped":
    reader, writer = os.pipe()
    os.dup2(writer, 1)
    os.close(writer)
with interruptions() as interruption:
    print("ready", file=sys.stderr, flush=True)
    while not interruption.received:
        time.sleep(0.05)
    time.sleep(0.5)  # the rest of a step, in which the shell sends it once more
    if sys.argv[2] == "piped":
        os.close(reader)  # as tee ends, of the same signal
    print("a line of progress", flush=True)
    print("another", file=sys.stderr, flush=True)
    open(sys.argv[1], "w").write(interruption.received)
"""


@pytest.mark.parametrize("piped", ["piped", "plain"])
@pytest.mark.parametrize("first", [None, signal.SIGINT])
def test_a_closed_terminal_asks_and_nothing_that_is_printed_after_it_fails(tmp_path, piped, first):
    saved = tmp_path / "saved"
    terminal, its = pty.openpty()
    command = [sys.executable, "-c", HUNG_UP, str(saved), piped]
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, start_new_session=True) as process:
        os.close(its)
        said = b""
        while b"ready" not in said:
            said += os.read(terminal, 100)
        if first:
            process.send_signal(first)
            while b"SIGINT" not in said:
                said += os.read(terminal, 100)
        os.close(terminal)  # the system sends SIGHUP
        process.send_signal(signal.SIGHUP)  # and so does the shell
        assert process.wait(60) == 0
    assert saved.read_text() == ("SIGINT" if first else "SIGHUP")


@pytest.mark.parametrize(
    "numbers", [(signal.SIGHUP, signal.SIGTERM), (signal.SIGINT, signal.SIGHUP), (signal.SIGHUP, signal.SIGHUP)]
)
def test_a_closed_terminal_with_another_signal_does_not_act_at_once(numbers, monkeypatch):
    monkeypatch.setattr(stopping, "_leave_the_terminal", lambda: None)  # that of the tests is still there
    with interruptions() as interruption:
        for number in numbers:
            os.kill(os.getpid(), number)
        assert interruption.received == numbers[0].name


def test_a_closed_terminal_does_nothing_under_nohup():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptions() as interruption:
            os.kill(os.getpid(), signal.SIGHUP)
        assert interruption.received is None
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("stopped, status", [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129), ("patience", 0)])
def test_a_command_that_was_stopped_ends_as_a_shell_says_it(stopped, status):
    assert stop_status(stopped) == status


def test_refuses_a_negative_patience():
    with pytest.raises(ValueError, match=r"Received: patience=-1\. Use 0 to never stop early"):
        BestScore("loss", patience=-1)


def test_other_threads_get_no_signals():
    received, handled = [], []
    inside, sent = threading.Event(), threading.Event()

    def work():
        with interruptions() as interruption:
            inside.set()
            sent.wait(60)
            received.append(interruption.received)

    before = signal.signal(signal.SIGTERM, lambda number, frame: handled.append(number))
    try:
        thread = threading.Thread(target=work)
        thread.start()
        assert inside.wait(60)
        os.kill(os.getpid(), signal.SIGTERM)
        sent.set()
        thread.join()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (received, handled) == ([None], [signal.SIGTERM])
