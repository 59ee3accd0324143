import os
import re
import stat
import threading
from contextlib import nullcontext
from pathlib import Path

import pytest

from seq2seq.system.files import filling, need_own, replacing


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_the_content_and_then_the_name_are_brought_to_the_disk(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    brought = []

    def fsync(handle):
        brought.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        # The name changes between the two: first what it stands for, then the name.
        assert path.exists() == (brought[-1] == "folder")

    monkeypatch.setattr(os, "fsync", fsync)
    with replacing(path) as temporary:
        temporary.write_text("whole")
    assert brought == ["file", "folder"]


def test_a_folder_that_cannot_be_synchronised_is_no_failure(tmp_path, monkeypatch):
    real = os.fsync

    def fsync(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError("not on this file system")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("whole")
    assert (tmp_path / "a.txt").read_text() == "whole"


def test_a_link_stays_and_a_pipe_is_written_as_it_is(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("file")
    with replacing(tmp_path / "link") as place:
        place.write_text("new")
    assert (tmp_path / "file").read_text() == "new" and (tmp_path / "link").is_symlink()
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()
    with replacing(tmp_path / "pipe") as place:
        place.write_text("through")
    reader.join()
    assert read == ["through"] and (tmp_path / "pipe").is_fifo()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_device_that_is_full_is_named():
    with pytest.raises(OSError, match="/dev/full"), replacing(Path("/dev/full")) as place:
        place.write_text("more than there is room for")


def read(folder):
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("there", [{}, {"old": "1", "sub/a": "1", "last": "1"}], ids=["new", "there"])
def test_a_folder_is_filled_as_a_whole_or_not_at_all(tmp_path, there):
    folder = tmp_path / "deep" / "out"
    for name, text in there.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for fails in (True, False):
        with pytest.raises(RuntimeError) if fails else nullcontext(), filling(folder, "last") as part:
            (part / "sub").mkdir()
            for name in ("sub/a", "last"):
                (part / name).write_text("2")
            assert {name: text for name, text in read(folder).items() if not name.startswith(".")} == there
            if fails:
                raise RuntimeError
        assert read(folder) == (there if fails else there | {"sub/a": "2", "last": "2"})
        assert list((tmp_path / "deep").iterdir()) == ([] if fails and not there else [folder])


def test_what_a_killed_process_left_of_a_folder_is_removed(tmp_path):
    (tmp_path / ".out.part").mkdir()
    (tmp_path / ".out.part" / "half").touch()
    with filling(tmp_path / "out", "last") as part:
        (part / "last").write_text("1")
    assert read(tmp_path) == {"out/last": "1"}


def test_a_folder_that_cannot_be_filled_is_named_before_anything_is_done(tmp_path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(OSError, match=re.escape(f"'{place}'")), filling(place, "last"):
            raise AssertionError("nothing is done")


def test_a_folder_with_files_of_others_is_refused(tmp_path):
    need_own(tmp_path / "new", "last")
    (tmp_path / ".hidden").touch()
    need_own(tmp_path, "last")
    (tmp_path / "README.md").touch()
    with pytest.raises(FileExistsError, match=r"Received: .*, with other files and without last\. Name a new one\."):
        need_own(tmp_path, "last")
    (tmp_path / "last").touch()
    need_own(tmp_path, "last")
