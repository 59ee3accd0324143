"""What `seq2seq translate` writes to: a stream, or a file that a stopped translation goes on with."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from seq2seq.commands.arguments import model_in
from seq2seq.runtime.folder import is_exported
from seq2seq.system.continued import continuing, journal_of
from seq2seq.system.files import fingerprint, naming, replacing
from seq2seq.system.terminal import UsageError, tell
from seq2seq.system.versions import package_versions

# What is asked for beside a translation decides nothing of it.
_NO_SETTINGS = {"run", "argv", "debug", "output", "resume", "workers"}


class Output(Protocol):
    """What translations are written to."""

    pieces: int
    state: dict[str, Any]

    def write(self, piece: bytes, state: Mapping[str, Any]) -> None:
        """Write the next piece."""


class _Stream:
    """Writes to an open file from its beginning."""

    def __init__(self, file: IO[bytes], place: str) -> None:
        self.pieces = 0
        self.state: dict[str, Any] = {}
        self._file, self._place = file, place

    def write(self, piece: bytes, state: Mapping[str, Any]) -> None:
        with naming(self._place):
            self._file.write(piece)
            self._file.flush()


@contextmanager
def output_of(arguments: argparse.Namespace) -> Iterator[Output]:
    """Open what is written to."""
    path = arguments.output
    if path is None:
        yield _Stream(sys.stdout.buffer, "stdout")
    elif arguments.resume:
        with continuing(path, _job(arguments)) as output:
            if output.pieces:
                tell(f"Going on behind line {output.state['translations']:,} of {arguments.input}.")
            yield output
    else:
        with replacing(path) as place, place.open("wb") as file:
            yield _Stream(file, str(path))


def _job(arguments: argparse.Namespace) -> dict[str, str]:
    """Name all that decides what is written: options, what is in the files that they name, and versions."""
    job = {f"version of {name}": version for name, version in package_versions().items()}
    for name, value in vars(arguments).items():
        option = "MODEL" if name == "model" else f"--{name.replace('_', '-')}"
        if name not in _NO_SETTINGS and value is not None and value is not False and value != []:  # 0 is a setting
            each = value if isinstance(value, list | tuple) else [value]
            job[option] = ", ".join(_content(option, one) if isinstance(one, Path) else str(one) for one in each)
    return job


def _content(option: str, path: Path) -> str:
    path = path / "translator.json" if is_exported(path) else model_in(path)  # which holds the checksums of the rest
    if not path.is_file():
        raise UsageError(
            "To go on where it was stopped, all files are read again. "
            f"Received: --resume, {option} {path}. Name a file."
        )
    return f"of content {fingerprint(path)[:16]}"


def check_resume(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be gone on with."""
    given, output = arguments.input, arguments.output
    for name, path in (("input", given), ("output", output)):
        if path is None or (path.exists() and not path.is_file()):
            raise UsageError(
                "To go on where it was stopped takes a file that can be read again, and one that can be written on. "
                f"Received: --resume {f'without --{name} FILE' if path is None else f'--{name} {path}'}. Name a file."
            )
    if arguments.columns is not None and output.suffix == ".parquet":
        raise UsageError(
            "A Parquet file is whole or nothing, and cannot be gone on with. "
            f"Received: --resume, --output {output}. Make the table a .jsonl, or leave --resume out."
        )
    if output.exists() and not journal_of(output).exists():
        tell(f"{output} is there, and nothing beside it that was stopped: all is translated anew, and it is replaced.")
