"""The systems and their environments: made when first needed, kept in a cache folder outside the repository."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
TORCH = "torch==2.13.0"


class System(NamedTuple):
    """A system to measure.

    Args:
        name: How tables call it.
        parts: What it takes part in.
        packages: What its environment holds; empty for the one that this program runs in.
    """

    name: str
    parts: tuple[str, ...]
    packages: tuple[str, ...] = ()


SYSTEMS = {
    "ours": System("seq2seq", ("layer", "cells", "training", "recipes", "decoding", "curves")),
    "exported": System("seq2seq, exported", ("decoding",)),
    "keras_layers": System("stock Keras", ("layer", "training")),
    "pytorch": System("PyTorch", ("layer", "training", "decoding"), (TORCH, "numpy")),
    # 2.3 knows only the sentencepiece of its time, and imports one package that it does not name.
    "joeynmt": System(
        "JoeyNMT 2.3", ("training", "decoding"), (TORCH, "joeynmt==2.3", "sentencepiece==0.2.0", "importlib_metadata")
    ),
    "eole": System("eole 0.6.4", ("training", "decoding"), (TORCH, "eole==0.6.4")),
}


def cache_folder() -> Path:
    """Where environments and texts are kept unless told otherwise."""
    chosen = os.environ.get("SEQ2SEQ_BENCHMARK_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(chosen) if chosen else base / "seq2seq-benchmark"


def python_of(system: str, cache: Path) -> Path:
    """Make the environment of a system, unless it is there, and give its Python.

    Args:
        system: A key of `SYSTEMS`.
        cache: The folder of the environments.

    Raises:
        RuntimeError: pip could not install it; the message ends with pip's words.
    """
    packages = SYSTEMS[system].packages
    if not packages:
        return Path(sys.executable)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    key = hashlib.sha256("\n".join((version, *packages)).encode()).hexdigest()[:8]
    folder = cache / f"{system}-{key}"
    if not (folder / "installed").exists():
        print(f"Making the environment of {SYSTEMS[system].name} in {folder} ...", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(_python(folder)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
        done = subprocess.run(pip, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"pip could not install {', '.join(packages)}:\n{done.stderr[-2000:]}")
        (folder / "installed").touch()
    return _python(folder)


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
