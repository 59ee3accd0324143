"""The one file of a translator: its members, its checksums, and what is refused before any of it is used.

A model file comes from anywhere. Reading it runs no code of the file, writes nowhere but into a temporary folder, and
takes no more memory than the file is large: names, sizes and classes are checked before anything is unpacked or built.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from seq2seq.search.settings import DecodingSettings
from seq2seq.settings import from_table

FORMAT = 2
"""The format that is written; format 1 was the same without checksums and probes, and is read too."""

MODEL, SOURCE, TARGET, RECIPE, ABOUT = "model.keras", "source.model", "target.model", "recipe.toml", "about.json"
SHORTLIST = "shortlist.bin"

_READ = (1, FORMAT)
_END, _END_LENGTH = b"PK\x05\x06", 22  # the end record of a zip file without comment
_NEEDED = {MODEL, SOURCE, RECIPE, ABOUT}
_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_OF_KERAS = {_CONFIG, "metadata.json", _WEIGHTS}  # the members of Keras' own file
# What about.json may hold that is read by name elsewhere: each is an object.
_OBJECTS = (
    "checksums",
    "confidence",
    "decoding",
    "evaluation",
    "length_limit",
    "metrics",
    "origin",
    "signatures",
    "versions",
)
# Keras' classes that a model of ours, or a part of one's own, is made of. Others of Keras' can read files, fetch from
# the network or call functions by name when they are built (TFSMLayer, StringLookup, Lambda …).
_KERAS_CLASSES = {
    "DTypePolicy", "Dense", "Embedding", "Dropout", "LayerNormalization", "RMSNormalization", "Activation",
    "GlorotUniform", "GlorotNormal", "HeNormal", "HeUniform", "Orthogonal", "Zeros", "Ones", "Constant", "RandomNormal",
    "RandomUniform", "VarianceScaling", "LecunNormal", "LecunUniform", "L1", "L2", "L1L2",
}  # fmt: skip


def decoding_of(about: Mapping[str, Any]) -> DecodingSettings:
    """Give what a model file says of decoding; files of before there were several searches have those of a beam.

    Args:
        about: What ``about.json`` holds.

    Raises:
        SettingsError: It is not allowed.
    """
    said = about.get("decoding", {})
    if "search" not in said:
        own = {name: value for name, value in said.items() if name in ("batch_size", "unknown", "protect")}
        said = {"search": {name: value for name, value in said.items() if name not in own}, **own}
    return from_table(DecodingSettings, said, "decoding")


class TranslatorFileError(ValueError):
    """A file is no translator, is damaged, or was written by a version that this one does not understand."""


def write_members(path: Path, members: Mapping[str, bytes], about: Mapping[str, Any]) -> None:
    """Write a translator file.

    Args:
        path: The file.
        members: Bytes by name, without ``about.json``.
        about: What ``about.json`` holds; format and checksums are added.
    """
    checksums = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    told = json.dumps(
        {**about, "format": FORMAT, "checksums": checksums}, ensure_ascii=False, indent=1, allow_nan=False
    )
    # Keras' file is a zip already; stored as they are, members cannot grow on reading.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(ABOUT, told)
        for name, data in members.items():
            archive.writestr(name, data)


def read_members(path: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Read and check a file as a whole.

    Args:
        path: A file that :func:`write_members` wrote.

    Returns:
        Its members, and what ``about.json`` says.

    Raises:
        FileNotFoundError: There is no such file.
        TranslatorFileError: The file is no translator, is damaged, or was written by a newer version.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no translator file. Received: {path}. Name a model file such as runs/NAME/model.s2s."
        )
    with path.open("rb") as file:
        try:
            _check_end(file)
            with zipfile.ZipFile(file) as archive:
                _check_names(path, archive)
                _check_sizes(archive, path.stat().st_size)
                # Whole, so that zipfile compares its own checksums.
                members = {name: archive.read(name) for name in archive.namelist()}
            about = json.loads(members[ABOUT])
            written = about["format"]
            about["joint"] = bool(about["joint"])
        except TranslatorFileError:
            raise
        except Exception as error:  # zipfile and json raise whatever they stumble over
            raise damaged(path, error) from error
    if type(written) is not int or written not in _READ:
        raise TranslatorFileError(
            f"This version reads translator files up to format {FORMAT}. Received: {path} of format {written!r}. "
            "Use the version of seq2seq that wrote it, or a newer one."
        )
    try:
        _check_about(about, members)
    except ValueError as error:
        raise damaged(path, error) from error
    return members, about


def read_about(path: str | Path) -> dict[str, Any]:
    """Read what travels with a translator (metrics, signatures, versions …) without loading its model.

    Raises:
        FileNotFoundError: There is no such file.
        TranslatorFileError: The file is no translator, is damaged, or was written by a newer version.
    """
    return read_members(Path(path))[1]


def _check_end(file: IO[bytes]) -> None:
    """Refuse a file that was cut short: zipfile might take the end of Keras' file inside for its own."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END_LENGTH))
    if not file.read(4) == _END:
        raise ValueError(f"it has {size:,} bytes and does not end as a zip file does")


def _check_names(path: Path, archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    if not _NEEDED <= set(names) <= {*_NEEDED, TARGET, SHORTLIST} or len(names) != len(set(names)):
        raise TranslatorFileError(
            f"A translator file holds {MODEL}, {SOURCE}, {RECIPE} and {ABOUT}. "
            f"Received: {path}, with {', '.join(map(ascii, sorted(names)[:9])) or 'nothing'}. "
            "Name the model.s2s of a run folder."
        )
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
        raise TranslatorFileError(
            f"The members of a translator file are stored as they are. Received: {path}, which is compressed. "
            "Use the file that training wrote, as it was."
        )


def _check_sizes(archive: zipfile.ZipFile, size: int) -> None:
    """Refuse members that say to be larger than they can be: all of them together fit into the archive."""
    for entry in archive.infolist():
        if entry.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{entry.filename!a} is compressed")
        if entry.file_size != entry.compress_size:
            raise ValueError(f"{entry.filename!a} says to have {entry.file_size:,} bytes, of {entry.compress_size:,}")
    declared = sum(entry.file_size for entry in archive.infolist())
    if declared > size:
        raise ValueError(f"its members say to have {declared:,} bytes together, and it has {size:,}")


def _check_about(about: Mapping[str, Any], members: Mapping[str, bytes]) -> None:
    if type(about.get("max_source_length", 0)) is not int:
        raise ValueError(f"max_source_length in {ABOUT} is no whole number")
    wrong = [name for name in _OBJECTS if not isinstance(about.get(name, {}), dict)]
    if wrong:
        raise ValueError(f"{wrong[0]} in {ABOUT} is no object")
    if about["joint"] == (TARGET in members):
        raise ValueError(
            f"{TARGET} is {'there, but' if about['joint'] else 'missing, and'} the vocabulary is "
            f"{'joint' if about['joint'] else 'not joint'}"
        )
    if about["format"] == 1:
        return
    found = {name: hashlib.sha256(data).hexdigest() for name, data in members.items() if name != ABOUT}
    stated = about.get("checksums", {})
    for name, checksum in found.items():
        if stated.get(name) != checksum:
            raise ValueError(f"the checksum of {name} is not the one in {ABOUT}")


def check_model(data: bytes) -> None:
    """Check Keras' own file before Keras reads it: its members, the classes it names, the sizes it declares.

    Args:
        data: The bytes of ``model.keras``.

    Raises:
        TranslatorFileError: It names a class that may not be loaded.
        ValueError: It is no file that Keras wrote for a model of ours, or declares more than it holds.
    """
    import h5py

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        if sorted(names) != sorted(_OF_KERAS):
            raise ValueError(f"{MODEL} holds {', '.join(map(ascii, sorted(names)[:9]))}")
        _check_sizes(archive, len(data))
        config = json.loads(archive.read(_CONFIG))
        with h5py.File(io.BytesIO(archive.read(_WEIGHTS)), "r") as weights:
            numbers = _count_numbers(weights)
    _check_classes(config)
    _check_widths(config, numbers)


def _count_numbers(weights: Any) -> int:
    """Count the numbers in an HDF5 file; refuses what is not simply there (links, filters, numbers never written)."""
    import h5py

    count = 0

    def visit(name: str, found: Any) -> None:
        nonlocal count
        if isinstance(found, h5py.Dataset):
            plain = found.chunks is None and not found.external and not found.is_virtual
            if not plain or found.dtype.kind not in "fiubV" or found.id.get_storage_size() < found.nbytes:
                raise ValueError(f"{name!a} in {_WEIGHTS} is no plain array of numbers")
            count += found.size
        else:
            _check_links(found)

    _check_links(weights)
    weights.visititems(visit)
    return count


def _check_links(group: Any) -> None:
    import h5py

    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"{name!a} in {_WEIGHTS} is a link")


def _check_classes(config: Any) -> None:
    """Refuse a configuration that names a class other than ours, registered ones and a few harmless ones of Keras."""
    import keras

    for part in _objects(config):
        if "class_name" not in part:
            continue
        name, module = str(part["class_name"]), str(part.get("module") or "keras")
        registered = keras.saving.get_registered_object(str(part.get("registered_name")))
        ours = registered is not None and registered.__name__ == name
        if not ours and not (name in _KERAS_CLASSES and module.split(".")[0] == "keras"):
            raise TranslatorFileError(
                f"A translator is made of seq2seq's classes and a few of Keras'. Received: class {name!a} of module "
                f"{module!a}. Where it is a part of your own, register it with "
                "keras.saving.register_keras_serializable, and import its module before you load."
            )


def _check_widths(config: Any, numbers: int) -> None:
    """Refuse a configuration that would build more weights than there are in the file."""
    for part in _objects(config):
        vocab, width = (part.get(name, 0) for name in ("vocab_size", "embedding_dim"))
        units = part.get("units", [])
        units = units if isinstance(units, list) else [units]
        if not all(type(number) is int and number >= 0 for number in (vocab, width, *units)):
            raise ValueError(f"a width in {_CONFIG} is no whole number")
        # A layer of u units has a recurrent weight of u² for each gate; an embedding has vocab · width.
        least = max(vocab * width, vocab, width, _gates(part) * sum(number * number for number in units))
        if least > numbers:
            raise ValueError(f"{_CONFIG} declares at least {least:,} weights, and {_WEIGHTS} holds {numbers:,}")


def _gates(part: Mapping[str, Any]) -> int:
    """Count the gates of the cell that a part names; an LSTM's where it names none, one for a cell of the user's."""
    from seq2seq.layers import CELLS

    cell = part.get("cell", "lstm")
    return CELLS[cell].gates if isinstance(cell, str) and cell in CELLS else 1


def _objects(config: Any) -> Iterator[Mapping[str, Any]]:
    """All JSON objects in a configuration, at any depth."""
    waiting = [config]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def damaged(path: Path, error: Exception) -> TranslatorFileError:
    """Say that a file is damaged, in the words of what was stumbled over."""
    told = (str(error).strip().splitlines() or [""])[0][:300]
    why = told if type(error) is ValueError else f"{type(error).__name__}: {told}"
    return TranslatorFileError(
        f"This is no translator file, or it is damaged: {why}. Received: {path}. "
        "Name the model.s2s of a run folder, or copy it again."
    )
