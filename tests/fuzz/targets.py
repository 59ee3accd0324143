"""What is fuzzed: bytes go in; a result that keeps its promises comes out, or the error that is meant for a person."""

import gzip
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from itertools import islice
from pathlib import Path

from seq2seq.recipe import Data, Recipe
from seq2seq.settings import SettingsError
from seq2seq.text.lines import read_lines
from seq2seq.text.pairs import CorpusError
from seq2seq.text.parallel import read_parallel
from seq2seq.text.tables import TABLES
from seq2seq.translation.model_file import MODEL, TranslatorFileError, check_model, read_members

_GOLDEN = Path(__file__).parent.parent / "golden" / "format-2.s2s"
_KINDS = (".txt", ".tsv", ".csv", ".jsonl", ".txt.gz", ".tsv.gz", ".csv.gz", ".jsonl.gz")
# Written out anew: what is read of the code would follow it when it lets more in.
_HARMLESS = {
    "DTypePolicy", "Dense", "Embedding", "Dropout", "LayerNormalization", "RMSNormalization", "Activation",
    "GlorotUniform", "GlorotNormal", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform", "Orthogonal", "Zeros",
    "Ones", "Constant", "RandomNormal", "RandomUniform", "VarianceScaling", "L1", "L2", "L1L2",
}  # fmt: skip
_TINY = Recipe("tiny", Data("corpus", "de", "en"))


def corpus(data: bytes) -> None:
    """Read parallel text and tables; the first byte says which kind."""
    kind = _KINDS[data[0] % len(_KINDS)] if data else _KINDS[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"train{kind}"
        path.write_bytes(data[1:])
        try:
            if kind.startswith(".txt"):
                rows = [*islice(zip(read_lines(path, nul=True), read_lines(path, nul=True), strict=True), 1000)]
                rows += read_parallel(path, path)
            else:
                rows = list(TABLES[kind.removesuffix(".gz")](path, "0" if data[0] >= 128 else "de", "1"))
        except CorpusError:
            return
    for row in rows:
        for text in row:
            text.encode()
            if kind.startswith((".txt", ".tsv")) and "\n" in text:
                raise AssertionError(f"a line with an end in it: {text!r}")


def recipe(data: bytes) -> None:
    """Read a recipe as a file and as a setting of the command line; one that is read can be written and read again."""
    text = data.decode("utf-8", "replace")
    for read in (lambda: Recipe.from_text(text, "r.toml"), lambda: _TINY.override([text])):
        try:
            found = read()
        except SettingsError:
            continue
        if Recipe.from_text(found.to_toml()) != found:
            raise AssertionError(f"another recipe comes back: {found}")


def model_file(data: bytes) -> None:
    """Read a model file, and where it passes look into Keras' file as loading does before it builds anything."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.s2s"
        path.write_bytes(data)
        try:
            members, about = read_members(path)
        except TranslatorFileError:
            return
        if about["format"] not in (1, 2):
            raise AssertionError(f"a format that is not known: {about}")
        keras_file(members[MODEL])


def keras_file(data: bytes) -> None:
    """Look into Keras' own file; whatever is raised becomes "damaged" where it is loaded."""
    try:
        check_model(data)
    except MemoryError:
        raise
    except Exception:
        return
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        json.loads(archive.read("config.json"), object_hook=need_harmless)


def keras_config(data: bytes) -> None:
    """Look into Keras' own file with another configuration in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(seeds("keras_file")[0])) as whole, zipfile.ZipFile(file, "w") as changed:
        for name in whole.namelist():
            changed.writestr(name, data if name == "config.json" else whole.read(name))
    keras_file(file.getvalue())


def need_harmless(part: dict) -> None:
    """Refuse a part of a configuration that names a class which may do more than compute."""
    name = str(part.get("class_name", "Dense"))
    if part.get("registered_name") != f"seq2seq>{name}" and name not in _HARMLESS:
        raise AssertionError(f"a class that may do more than compute: {part}")


@cache
def seeds(name: str) -> list[bytes]:
    """Give inputs that are right, to start from."""
    whole = _GOLDEN.read_bytes()
    table = [b"de\t1\neins\tone\n", b'de,1\n"eins, zwei","o""ne"\n', b'{"de": "eins", "1": {"x": null}}\n']
    texts = [b"eins\r\nzwei\n", *table]
    texts += [gzip.compress(text, mtime=0) for text in texts]
    with zipfile.ZipFile(io.BytesIO(read_members(_GOLDEN)[0][MODEL])) as archive:
        config = archive.read("config.json")
    return {
        "corpus": [bytes([kind]) + text for kind, text in enumerate(texts)],
        "recipe": [_TINY.to_toml().encode(), b"model.bridge.mode=[[0], [1, 2], []]", b"evaluation.metrics=bleu,chrf"],
        "model_file": [whole],
        "keras_file": [read_members(_GOLDEN)[0][MODEL]],
        "keras_config": [config],
    }[name]


TARGETS: dict[str, Callable[[bytes], None]] = {
    "corpus": corpus, "recipe": recipe, "model_file": model_file, "keras_file": keras_file,
    "keras_config": keras_config,
}  # fmt: skip
