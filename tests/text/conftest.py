import bz2
import gzip
import lzma
import os
from functools import partial
from pathlib import Path

import pytest

from seq2seq.text.reading import read_corpus
from seq2seq.text.tokenizer import Tokenizer

PACK = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": partial(lzma.compress, preset=0)}


@pytest.fixture
def write(tmp_path):
    """Write a file of the test's folder, compressed as its name says; text becomes UTF-8."""

    def write_file(name, content):
        data = content.encode() if isinstance(content, str) else content
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PACK.get(path.suffix, bytes)(data))
        return path

    return write_file


@pytest.fixture(scope="session")
def data():
    """The folder of public data sets, beside the project."""
    folder = os.environ.get("SEQ2SEQ_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs the public data sets: set SEQ2SEQ_DATA to their folder")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def multi30k(data):
    """The training split of Multi30k, German to English, and a joint tokenizer of 8,000 pieces."""
    corpus = read_corpus(data / "multi30k" / "raw", "train", source="de", target="en")
    return corpus, Tokenizer.train(corpus.sources + corpus.targets, vocab_size=8000)
