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
