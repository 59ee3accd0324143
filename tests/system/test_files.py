import os
import stat

import pytest

from seq2seq.system.files import replacing


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
