"""The run folder: where everything that a run makes lies, and the rule that no run is overwritten."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path

from seq2seq.system.files import replacing
from seq2seq.system.lock import locked
from seq2seq.system.versions import installed_versions

_MARKS = ("log.jsonl", "last", "best.weights.h5", "recipe.toml", "result.json", "tensorboard")
"""What tells that there is a run in a folder."""
_BEGINNING = ("run.json", "source.model", "target.model")
"""What a run that was killed as it began may leave, the first of them before the others."""
_WRITTEN = (
    *_MARKS, *_BEGINNING, "versions.json", "model.s2s", "report.html", "insight.json",
    *(f"{part}.{what}.txt" for part in ("validation", "test") for what in ("source", "reference", "translations")),
)  # fmt: skip
"""All that a run writes into its folder."""


class RunFolderError(ValueError):
    """A folder cannot be used for this run."""


class RunFolder:
    """Names the files of a run; get one from :func:`open_run_folder`.

    Args:
        path: The folder.
        resume: Whether the run is to go on from its last checkpoint.
    """

    def __init__(self, path: str | Path, *, resume: bool = False) -> None:
        self.path = Path(path)
        self.resume = resume
        self._locked = False
        self._made: list[Path] = []

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out while the block runs; inside such a block of the same object nothing happens.

        Raises:
            LockedError: Another process is at work in the folder.
        """
        if self._locked:
            yield
            return
        try:
            with locked(self.lock):
                self._locked = True
                try:
                    yield
                finally:
                    self._locked = False
        except BaseException:
            # Of a run that failed before it wrote anything, nothing stays: what is empty can be deleted.
            with suppress(OSError):
                for folder in self._made:
                    folder.rmdir()
            raise

    @property
    def lock(self) -> Path:
        """There while a process works in the folder; it says which."""
        return self.path / "lock"

    def make(self) -> None:
        """Make the folder, and those it lies in, where they are not there."""
        self._made = list(takewhile(lambda folder: not folder.exists(), (self.path, *self.path.parents)))
        self.path.mkdir(parents=True, exist_ok=True)

    @property
    def recipe(self) -> Path:
        """The recipe, as TOML."""
        return self.path / "recipe.toml"

    @property
    def source_tokenizer(self) -> Path:
        """The SentencePiece model of the source, or of both sides where it is joint."""
        return self.path / "source.model"

    @property
    def target_tokenizer(self) -> Path:
        """The SentencePiece model of the target; absent where it is joint."""
        return self.path / "target.model"

    @property
    def best(self) -> Path:
        """The weights with the best score so far (averages, where the optimizer keeps averages)."""
        return self.path / "best.weights.h5"

    @property
    def last(self) -> Path:
        """The folder of the checkpoints that a resume starts from."""
        return self.path / "last"

    @property
    def log(self) -> Path:
        """The log: one JSON object per line and event."""
        return self.path / "log.jsonl"

    @property
    def versions(self) -> Path:
        """Versions of Python and of the packages that matter."""
        return self.path / "versions.json"

    @property
    def tensorboard(self) -> Path:
        """The folder of the TensorBoard log."""
        return self.path / "tensorboard"

    @property
    def result(self) -> Path:
        """The result of the finished run, as JSON."""
        return self.path / "result.json"

    def write_versions(self) -> None:
        """Write ``versions.json``."""
        with replacing(self.versions) as path:
            path.write_text(json.dumps(installed_versions(), indent=2) + "\n", encoding="utf-8")


def open_run_folder(path: str | Path, *, resume: bool = False) -> RunFolder:
    """Make the folder of a new run, or take up that of a stopped one.

    Args:
        path: The folder; it and its parents are made where they do not exist.
        resume: Whether a run in it is to go on. Without, a folder that already holds a run is refused: nothing is
            overwritten.

    Returns:
        The folder.

    Raises:
        RunFolderError: ``resume`` is false, and there is a run in the folder, or a file that a run would replace.
        FileNotFoundError: There is no such folder and ``resume`` is true.
        NotADirectoryError: The path is a file.
    """
    folder = RunFolder(path, resume=resume)
    if folder.path.exists() and not folder.path.is_dir():
        raise NotADirectoryError(
            f"A run needs a folder. Received: folder={str(folder.path)!r}, which is a file. Name another folder."
        )
    if resume:
        if not folder.path.exists():
            raise FileNotFoundError(
                f"There is no run to continue. Received: folder={str(folder.path)!r}, which does not exist. "
                "Start it without resume."
            )
        if any((folder.path / name).exists() for name in (*_MARKS, _BEGINNING[0])):
            return folder
        # There is no run: one would begin here, which may replace nothing either.
    taken = [name for name in _WRITTEN if (folder.path / name).exists()]
    if _BEGINNING[0] in taken and set(taken) <= set(_BEGINNING):
        taken = []
    if taken and set(taken).isdisjoint(_MARKS):
        raise RunFolderError(
            f"A run needs a folder of its own: in this one it would replace files that are no run's. Received: "
            f"folder={str(folder.path)!r}, with {', '.join(taken)} in it. Name another folder."
        )
    if taken:
        raise RunFolderError(
            f"The folder holds a run already, and a run is never overwritten. Received: folder={str(folder.path)!r}, "
            f"with {', '.join(taken)} in it. Continue that run with resume (--resume), name another folder, or delete "
            "this one."
        )
    folder.make()
    return folder
