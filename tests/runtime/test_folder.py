import json
import re
from pathlib import Path

import pytest

from seq2seq.runtime import ExportedFolderError
from seq2seq.runtime.folder import ENCODER, SOURCE, STEP, TARGET, TRANSLATOR, read_folder, write_folder

FILES = {ENCODER: b"encoder", STEP: b"step", SOURCE: b"source", TARGET: b"target"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_folder(tmp_path / "out", FILES, {"joint": False, "name": "ä"})
    return tmp_path / "out"


def test_what_is_written_is_read(folder: Path) -> None:
    files, about = read_folder(folder)
    assert files == FILES and about["name"] == "ä"


def test_a_joint_vocabulary_is_one_file(tmp_path: Path) -> None:
    files = {name: data for name, data in FILES.items() if name != TARGET}
    write_folder(tmp_path, files, {"joint": True})
    assert read_folder(tmp_path)[0] == files


@pytest.mark.parametrize("name", FILES)
def test_damage_is_seen(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"other")
    with pytest.raises(ExportedFolderError, match=f"the checksum of {re.escape(name)} is not the one in"):
        read_folder(folder)
    (folder / name).unlink()
    with pytest.raises(ExportedFolderError, match=f"{re.escape(name)} is missing. Received: "):
        read_folder(folder)


@pytest.mark.parametrize("told", ["", "[]", "{}", "\udcff"])
def test_what_says_nothing_is_damaged(folder: Path, told: str) -> None:
    (folder / TRANSLATOR).write_bytes(told.encode(errors="surrogateescape"))
    with pytest.raises(ExportedFolderError, match="cannot be read"):
        read_folder(folder)


def test_another_format_is_refused(folder: Path) -> None:
    told = json.loads((folder / TRANSLATOR).read_text())
    (folder / TRANSLATOR).write_text(json.dumps(told | {"format": 9}))
    with pytest.raises(ExportedFolderError, match=r"of format 1. Received: .* of format 9"):
        read_folder(folder)


def test_an_absent_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="There is no exported translator"):
        read_folder(tmp_path)


def test_what_has_no_checksums_is_damaged(folder: Path) -> None:
    told = json.loads((folder / TRANSLATOR).read_text())
    (folder / TRANSLATOR).write_text(json.dumps(told | {"checksums": [1]}))
    with pytest.raises(ExportedFolderError, match=r"translator\.json has no checksums"):
        read_folder(folder)


def test_a_file_without_a_checksum_is_damaged(folder: Path) -> None:
    told = json.loads((folder / TRANSLATOR).read_text())
    del told["checksums"][STEP]
    (folder / TRANSLATOR).write_text(json.dumps(told))
    with pytest.raises(ExportedFolderError, match=r"the checksum of step\.onnx is not the one in"):
        read_folder(folder)


@pytest.mark.parametrize("spoilt", [({ENCODER: "text"}, {}), (FILES, {"logits": float("nan")})], ids=["file", "about"])
def test_a_write_that_fails_changes_nothing(folder: Path, tmp_path: Path, spoilt) -> None:
    for place in (folder, tmp_path / "new"):
        with pytest.raises((TypeError, ValueError)):
            write_folder(place, *spoilt)
    assert read_folder(folder)[0] == FILES and {file.name for file in folder.iterdir()} == {*FILES, TRANSLATOR}
    assert list(tmp_path.iterdir()) == [folder]
