import errno
import json
import platform
import signal
import subprocess
import sys

import pytest

from seq2seq.system.lock import LockedError, is_held, locked
from seq2seq.training.run_folder import open_run_folder

HOLD = "import sys; from pathlib import Path; from seq2seq.system.lock import locked\n"
HOLD += "with locked(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def other(tmp_path):
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "lock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_keeps_another_process_out_and_names_it(tmp_path, other):
    with (
        pytest.raises(LockedError, match=rf"where process {other.pid} on .* \(since 20.*\) is at work\. Wait"),
        open_run_folder(tmp_path).locked(),
    ):
        pass
    other.communicate()  # lets it end
    with open_run_folder(tmp_path).locked():
        assert (tmp_path / "lock").exists()
    assert not (tmp_path / "lock").exists()


def test_takes_over_what_a_killed_process_left(tmp_path, other):
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert (tmp_path / "lock").exists()
    with open_run_folder(tmp_path).locked():
        pass


def test_a_folder_object_may_hold_its_lock_twice(tmp_path):
    folder = open_run_folder(tmp_path)
    with folder.locked(), folder.locked():
        pass
    with folder.locked(), pytest.raises(LockedError), open_run_folder(tmp_path).locked():
        pass


def test_lets_go_after_a_failure(tmp_path):
    with pytest.raises(RuntimeError), locked(tmp_path / "lock"):
        raise RuntimeError
    with locked(tmp_path / "lock"):
        pass


def test_a_lock_without_words_is_held_all_the_same(tmp_path):
    with locked(tmp_path / "lock"):
        (tmp_path / "lock").write_text("")
        with pytest.raises(LockedError, match="where another process is at work"), locked(tmp_path / "lock"):
            pass


def test_where_the_file_system_has_no_locks_nothing_is_locked(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def flock(handle, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with locked(tmp_path / "lock"), locked(tmp_path / "lock"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_lock_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"), locked(tmp_path / "file" / "lock"):
        pass


def test_tells_whether_somebody_is_at_work(tmp_path, other):
    lock = tmp_path / "lock"
    assert is_held(lock)
    other.kill()
    other.wait()
    assert lock.exists() and not is_held(lock)
    with locked(lock):
        assert is_held(lock)
    assert not is_held(lock)
    lock.write_text(json.dumps({"process": 2**22 + 1, "machine": platform.node()}))  # above what Linux gives
    assert not is_held(lock)
    lock.write_text(json.dumps({"process": 2**22 + 1, "machine": "another"}))
    assert is_held(lock)
