import signal
import subprocess
import sys
import time

import pytest

from seq2seq.distribution.workers import SECONDS


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ([], "There is nothing to start. Received: no COMMAND. Write it behind --."),
        (["--"], "There is nothing to start. Received: no COMMAND. Write it behind --."),
        (["--", "absent-command"], "There is no such command. Received: absent-command."),
    ],
)
def test_there_has_to_be_a_command(seq2seq, command: list[str], message: str) -> None:
    status, out, err = seq2seq("launch", "--workers", "2", *command)
    assert (status, out, err) == (2, b"", f"seq2seq: error: {message}\n")


def test_the_status_is_that_of_the_worker_that_fails(seq2seq) -> None:
    code = "import json, os, sys; sys.exit(3 * json.loads(os.environ['TF_CONFIG'])['task']['index'])"
    began = time.monotonic()
    with pytest.raises(SystemExit) as exit:
        seq2seq("launch", "--workers", "2", "--", sys.executable, "-c", code)
    assert exit.value.code == 3
    assert time.monotonic() - began < SECONDS  # nobody waits for one that has ended well


WORKER = """
import os, signal, sys, time

def stop(number, frame):
    sys.exit(129)

if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    os.write(1, b"ignored\\n")  # in one piece, beside that of the other worker
else:
    signal.signal(signal.SIGHUP, stop)
    os.write(1, b"ready\\n")
    time.sleep(60)
"""


def launched(*before: str) -> subprocess.Popen[str]:
    command = [*before, sys.executable, "-m", "seq2seq", "launch", "--workers", "2", "--", sys.executable, "-c", WORKER]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_workers_hear_of_a_closed_terminal_and_their_stop_is_no_failure() -> None:
    with launched() as process:
        assert process.stdout and [process.stdout.readline() for _ in range(2)] == ["ready\n"] * 2
        process.send_signal(signal.SIGHUP)  # the system sends it to the first process of a session alone
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (129, "", "")


def test_under_nohup_workers_ignore_it_too() -> None:
    with launched("nohup") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "ignored\n" * 2, "")
