"""The page of an exported translator: a folder that any web server gives out, and that translates in the browser."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from html import escape
from pathlib import Path

from seq2seq.system.files import filling

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
"""What runs the graphs in a browser; under the MIT license."""

ENGINE: Mapping[str, str] = {
    "ort.wasm.bundle.min.mjs": "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""The files of it that a page needs, and the SHA-256 of each."""

PAGE = (
    "index.html", "page.css", "page.js", "worker.js", "translator.js", "search.js", "sentencepiece.js", "offline.js",
)  # fmt: skip
"""The files that are ours; they lie beside this module."""

FILES = "files.json"
"""The bytes of each file of the page, by name."""


def engine(given: Path | None = None) -> dict[str, bytes]:
    """Get onnxruntime-web, and know it by its checksums.

    Args:
        given: A folder that has it, such as `node_modules/onnxruntime-web`; None: npm brings it.

    Returns:
        The bytes of the files of `ENGINE`, by the names that they get in a page.

    Raises:
        FileNotFoundError: There is no npm, or the folder has not the files.
        ValueError: npm fails, or the files are those of another version.
    """
    if given is not None:
        return _read(given)
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError(
            f"A page needs {PACKAGE} {VERSION}, which npm brings. Received: a machine without npm. Install Node.js, or "
            f"name a folder that has it: --onnxruntime-web node_modules/{PACKAGE}."
        )
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", folder, "--silent"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode or not archives:
            raise ValueError(
                f"npm could not bring {PACKAGE} {VERSION}. It says: {done.stderr.strip()[-500:]} Look whether "
                f"`npm view {PACKAGE}` works, or name a folder that has it: --onnxruntime-web FOLDER."
            )
        with tarfile.open(archives[0]) as archive:
            archive.extractall(folder, filter="data")
        return _read(Path(folder) / "package")


def _read(folder: Path) -> dict[str, bytes]:
    found = {}
    for name, checksum in ENGINE.items():
        file = next((place for place in (folder / name, folder / "dist" / name) if place.is_file()), None)
        if file is None:
            raise FileNotFoundError(
                f"A page needs {', '.join(ENGINE)} of {PACKAGE} {VERSION}. Received: {folder}, without {name}. "
                f"Name the folder that `npm install {PACKAGE}@{VERSION}` makes: node_modules/{PACKAGE}."
            )
        data = file.read_bytes()
        if hashlib.sha256(data).hexdigest() != checksum:
            raise ValueError(
                f"A page needs {PACKAGE} {VERSION}, which it was tested with. Received: {file}, whose checksum is "
                f"another. Install that version: npm install {PACKAGE}@{VERSION}."
            )
        found[name.replace(".mjs", ".js")] = data  # many a server does not know the other ending for JavaScript
    return found


def add_page(folder: Path, name: str, engine: Mapping[str, bytes]) -> dict[str, int]:
    """Add the page to an exported translator.

    Args:
        folder: What `seq2seq.export.export` wrote.
        name: What the page calls it.
        engine: What `engine` gave.

    Returns:
        The bytes of each file that the page needs, by name: those of the translator too.
    """
    told = json.loads((folder / "translator.json").read_text("utf-8"))
    page = {file: (Path(__file__).parent / file).read_bytes() for file in PAGE}
    page["index.html"] = page["index.html"].replace(b"NAME", escape(name).encode())
    models = [file for file in ("translator.json", *told["checksums"]) if not file.endswith(".md")]
    whole = page | dict(engine) | {file: (folder / file).read_bytes() for file in models}
    edition = hashlib.sha256(b"".join(hashlib.sha256(data).digest() for data in whole.values())).hexdigest()
    page["offline.js"] = page["offline.js"].replace(b'"EDITION"', f'"{edition[:16]}"'.encode())
    sizes = {file: len((page | whole)[file]) for file in whole} | {"offline.js": len(page["offline.js"])}
    with filling(folder, FILES) as part:
        for file, data in (page | dict(engine) | {FILES: json.dumps(sizes, indent=1).encode()}).items():
            (part / file).write_bytes(data)
    return sizes
