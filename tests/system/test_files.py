import os
import re
import stat
import threading
from contextlib import nullcontext
from pathlib import Path

import pytest

from seq2seq.system.files import filling, need_own, need_writable, replacing


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


def test_a_file_keeps_who_may_read_it_and_stays_where_it_may_not_be_written(tmp_path, monkeypatch):
    file = tmp_path / "a.txt"
    file.write_text("old")
    file.chmod(0o640)
    with replacing(file) as place:
        place.write_text("new")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o640)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(PermissionError, match=r"a\.txt"), replacing(file):
        pass
    with pytest.raises(PermissionError, match=r"a\.txt"):
        need_writable(file)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="needs the names of open files")
def test_a_file_behind_a_stream_is_not_replaced(tmp_path):
    (tmp_path / "all.txt").write_text("before")
    (tmp_path / "link").symlink_to("all.txt")
    with (tmp_path / "all.txt").open("a") as file:
        stream = Path(f"/dev/fd/{file.fileno()}")
        for ask in (replacing(stream).__enter__, lambda: need_writable(stream)):
            with pytest.raises(OSError, match=r"leads to .*all\.txt, which would be replaced"):
                ask()
    need_writable(tmp_path / "link")
    assert (tmp_path / "all.txt").read_text() == "before"


def test_a_place_for_a_pipe_is_one(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    need_writable(tmp_path / "pipe")


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
