"""The folder of an exported translator: its files, their checksums, and what is refused before any of it is used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seq2seq.system.files import filling

CARD = "README.md"
"""The model card."""

FORMAT = 1
"""The format that is written."""

ENCODER, STEP, SOURCE, TARGET, TRANSLATOR = (
    "encoder.onnx",
    "step.onnx",
    "source.model",
    "target.model",
    "translator.json",
)


class ExportedFolderError(ValueError):
    """A folder holds no exported translator, is damaged, or was written by a version that this one does not know."""


def write_folder(folder: Path, files: Mapping[str, bytes], about: Mapping[str, Any]) -> None:
    """Write the files of a translator, all of them or none.

    Args:
        folder: Where to; made where it is not there.
        files: Bytes by name.
        about: What `translator.json` holds; format and checksums are added.
    """
    checksums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    told = json.dumps(
        {**about, "format": FORMAT, "checksums": checksums}, ensure_ascii=False, indent=1, allow_nan=False
    )
    with filling(folder, TRANSLATOR) as part:
        for name, data in files.items():
            (part / name).write_bytes(data)
        (part / TRANSLATOR).write_text(told + "\n", encoding="utf-8")


def is_exported(path: Path) -> bool:
    """Tell whether an exported translator lies here."""
    return (path / TRANSLATOR).is_file()


def read_folder(folder: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Read and check an exported translator.

    Args:
        folder: What `seq2seq export` wrote.

    Returns:
        Bytes by name, and what `translator.json` says.

    Raises:
        FileNotFoundError: There is no such folder.
        ExportedFolderError: It holds no translator, a file is damaged or missing, or it is of a newer version.
    """
    told = folder / TRANSLATOR
    if not is_exported(folder):
        raise FileNotFoundError(
            f"There is no exported translator. Received: {folder}, without {TRANSLATOR}. "
            "Name the folder that `seq2seq export MODEL --to FOLDER` wrote."
        )
    try:
        about = json.loads(told.read_text("utf-8"))
        written = about["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(folder, f"{TRANSLATOR} cannot be read") from error
    if written != FORMAT:
        raise ExportedFolderError(
            f"This version reads exported translators of format {FORMAT}. Received: {folder} of format {written!r}. "
            "Use the version of seq2seq that wrote it, or export the model again."
        )
    needed = {ENCODER, STEP, SOURCE, *([] if about.get("joint") else [TARGET])}
    checksums = about.get("checksums")
    if not isinstance(checksums, dict):
        raise damaged(folder, f"{TRANSLATOR} has no checksums")
    files = {}
    for name in sorted(needed):
        file = folder / name
        if not file.is_file():
            raise damaged(folder, f"{name} is missing")
        files[name] = file.read_bytes()
        if hashlib.sha256(files[name]).hexdigest() != checksums.get(name):
            raise damaged(folder, f"the checksum of {name} is not the one in {TRANSLATOR}")
    return files, about


def damaged(folder: str | Path, why: str) -> ExportedFolderError:
    """Say that a folder is not what was exported."""
    return ExportedFolderError(
        f"The exported translator is damaged: {why}. Received: {folder}. Copy it again, or export the model again."
    )
