import signal
import subprocess
import sys

import pytest

PROGRAM = """
import subprocess, sys, time
from seq2seq.system.signals import unwinding

with unwinding():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        print(child.pid, flush=True)
        time.sleep(600)
    finally:
        child.kill()
        print("ended", child.wait(), flush=True)
        time.sleep(TAKES)
"""


@pytest.mark.parametrize(("takes", "status"), [(0, 143), (600, -signal.SIGTERM)])
def test_what_a_block_began_is_ended_with_it_and_a_second_signal_acts_at_once(takes: int, status: int) -> None:
    program = PROGRAM.replace("TAKES", str(takes))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().strip().isdecimal()
        process.terminate()
        assert process.stdout.readline() == f"ended {-signal.SIGKILL}\n"
        if takes:
            process.terminate()
        assert process.wait(60) == status
