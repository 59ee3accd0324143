import io
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from seq2seq.system import process
from seq2seq.system.terminal import exit_status, tell
from seq2seq.training.progress import Progress


def test_stdout_takes_signs_that_it_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="latin-1"))
    process.prepare()
    assert exit_status(lambda: print("Häuser → 家")) == 0
    assert written.getvalue() == b"H\xe4user \\u2192 \\u5bb6\n"


def test_a_product_that_is_right_is_not_warned_of(recwarn: pytest.WarningsRecorder) -> None:
    warnings.simplefilter("always")
    process.prepare()
    for message in ("invalid value encountered in matmul", "overflow encountered in matmul"):
        warnings.warn(message, RuntimeWarning, stacklevel=1)
    assert [str(each.message) for each in recwarn] == ["overflow encountered in matmul"]


def test_closed_streams_are_no_error(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    for stream in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, stream, None)
    tell("nowhere")  # as a library
    assert Progress(None, None, 1)._silent  # type: ignore[arg-type]
    process.prepare()
    assert exit_status(lambda: print("nowhere")) == 0
    assert exit_status(_write_to_nobody) == 1
    assert sys.stdin is None and sys.stdout is None
    assert sys.stderr is not None


def _write_to_nobody() -> None:
    raise BrokenPipeError  # of a FIFO: --output


@pytest.mark.skipif(os.name != "posix", reason="starts a process with closed descriptors")
def test_no_file_gets_the_number_of_a_closed_stream(tmp_path) -> None:
    code = (
        "from seq2seq.system import process\n"
        "process.prepare()\n"
        f"file = open({str(tmp_path / 'a')!r}, 'w')\n"
        "raise SystemExit(file.fileno())\n"
    )
    command = f'exec "{sys.executable}" -c "$0" <&- >&- 2>&-'
    assert subprocess.run(["bash", "-c", command, code], check=False).returncode > 2


def test_a_file_of_the_working_folder_is_not_taken_for_a_module(tmp_path: Path) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit(9)")
    code = "from seq2seq.system.process import own_module; print(*own_module('x'))"
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout.decode().split() == [sys.executable, "-P", "-m", "x"]
    at_home = Path.cwd() == Path(process.__file__).parents[2]
    assert process.own_module("x")[1:] == (["-m", "x"] if at_home else ["-P", "-m", "x"])


def test_messages_that_nobody_reads_are_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nobody(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Nobody())
    tell("Translating ...")
