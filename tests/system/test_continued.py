import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from seq2seq.system.continued import continuing, journal_of
from seq2seq.system.lock import LockedError

JOB = {"--beam-size": "2", "--input": "of content 1"}
WRITE = """
import os, signal, sys
from pathlib import Path
from seq2seq.system.continued import continuing
with continuing(Path(sys.argv[1]), {"--beam-size": "2", "--input": "of content 1"}) as output:
    for number in range(output.pieces, 3):
        output.write(f"{number}\\n".encode(), {"lines": number + 1})
    output._file.write(b"half of a pi")
    output._file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A file of which a killed process wrote three pieces and a half."""
    path = tmp_path / "out.txt"
    done = subprocess.run([sys.executable, "-c", WRITE, path], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "out.txt.part").read_bytes() == b"0\n1\n2\nhalf of a pi" and not path.exists()
    return path


def test_goes_on_behind_the_last_whole_piece(killed: Path) -> None:
    with continuing(killed, JOB) as output:
        assert (output.pieces, output.state) == (3, {"lines": 3})
        output.write(b"3\n", {"lines": 4})
    assert killed.read_bytes() == b"0\n1\n2\n3\n"
    assert [path.name for path in killed.parent.iterdir()] == ["out.txt"]


def test_a_line_of_the_journal_that_is_not_whole_does_not_count(killed: Path) -> None:
    journal = killed.with_name("out.txt.part.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    for whole, rest, pieces in ((3, lines[3][:-1], 2), (2, b"", 1), (1, b"{", 0)):
        journal.write_bytes(b"".join([*lines[:whole], rest]))
        with pytest.raises(RuntimeError), continuing(killed, JOB) as output:
            assert output.pieces == pieces
            raise RuntimeError
    journal.write_bytes(b'{"--beam')
    with continuing(killed, JOB) as output:
        assert output.pieces == 0
    assert killed.read_bytes() == b""


def test_another_job_does_not_go_on(killed: Path) -> None:
    for job, told in (
        ({**JOB, "--beam-size": "3"}, "--beam-size 3, begun with 2"),
        ({"--beam-size": "2"}, "--input left out, begun with of content 1"),
        ({**JOB, "--scores": "True"}, "--scores True, begun without"),
    ):
        with pytest.raises(ValueError, match=f"Received: {told}\\. .* delete .*out.txt.part.jsonl to begin anew"):
            with continuing(killed, job):
                pass
    assert killed.with_name("out.txt.part").read_bytes().startswith(b"0\n1\n2\n")


@pytest.mark.parametrize("spoilt", [b"0\n1\n", b"0\n9\n2\n"])
def test_what_was_spoilt_is_refused(killed: Path, spoilt: bytes) -> None:
    killed.with_name("out.txt.part").write_bytes(spoilt)
    with pytest.raises(ValueError, match=r"out.txt.part, which has changed since"), continuing(killed, JOB):
        pass
    killed.with_name("out.txt.part.jsonl").write_text("{}\nx\n")
    with pytest.raises(ValueError, match=r"journal .* is damaged.* Delete it to begin anew"), continuing(killed, JOB):
        pass


def test_one_process_at_a_time_and_a_fresh_start_over_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")
    (tmp_path / "out.txt.part").write_text("")
    with continuing(path, JOB) as output:
        output.write(b"new", {})
        with pytest.raises(LockedError, match=r"One process at a time writes a file\. .*out.txt'.* name another file"):
            with continuing(path, JOB):
                pass
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_what_lies_there_without_a_journal_is_of_others(tmp_path: Path) -> None:
    part = tmp_path / "out.txt.part"
    part.write_text("of something else")
    with pytest.raises(ValueError, match=r"Received: .*out\.txt\.part, which is of something else"):
        with continuing(tmp_path / "out.txt", JOB):
            pass
    assert part.read_text() == "of something else" and [path.name for path in tmp_path.iterdir()] == [part.name]


def test_no_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        with continuing(tmp_path / "absent" / "out.txt", JOB):
            pass
    assert not list(tmp_path.iterdir())


def test_state_is_any_json(tmp_path: Path) -> None:
    with continuing(tmp_path / "out.txt", JOB) as output:
        output.write(b"", {"cut": 3})
        lines = (tmp_path / "out.txt.part.jsonl").read_text().splitlines()
    job, piece = map(json.loads, lines)
    assert job == JOB and piece["state"] == {"cut": 3}


def test_what_is_noted_of_a_link_lies_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "far" / "a.txt")
    with pytest.raises(RuntimeError), continuing(tmp_path / "link", {}) as output:
        output.write(b"1", {})
        raise RuntimeError
    assert journal_of(tmp_path / "link") == (tmp_path / "far" / "a.txt.part.jsonl").resolve()
    assert journal_of(tmp_path / "link").exists()
