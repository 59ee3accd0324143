import gc
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from seq2seq.system import process, threads

if TYPE_CHECKING:
    from seq2seq import Tokenizer, Translator

process.prepare()  # as the command does: a test that starts Python hands it on
if "PYTEST_XDIST_WORKER" in os.environ:
    threads.one_core_per_operation()  # there is a test for each core

# The default run is the same every time and does not fail because a machine is slow; to look further:
# pytest --hypothesis-profile=explore
settings.register_profile("default", deadline=None, derandomize=True, database=None)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("default")


def pytest_collection_finish() -> None:
    """Leave what is imported out of the collector's rounds, which took a quarter of the time of the graphs' tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


@pytest.fixture(scope="module")
def saved(translator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the `translator` of a test module."""
    path = tmp_path_factory.mktemp("saved") / "model.s2s"
    translator.save(path)
    return path


@pytest.fixture
def file(saved: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may spoil."""
    shutil.copy(saved, tmp_path)
    return tmp_path / "model.s2s"


# What is exported, run without TensorFlow and served is one translator, made and exported once; where a module or a
# folder has a translator of its own, that is meant.


@pytest.fixture(scope="session")
def tokenizer() -> "Tokenizer":
    from seq2seq import Tokenizer
    from tests.export.models import WORDS

    return Tokenizer.train(WORDS, kind="char")


@pytest.fixture(scope="session")
def translator(tokenizer: "Tokenizer") -> "Translator":
    from seq2seq import Translator
    from tests.export.models import tiny

    model = tiny(tokenizer.vocab_size, {"bidirectional": "all"}, {"attention": "general", "input_feeding": True},
                 decoder_units=(12, 12))  # fmt: skip
    about = {"decoding": {"beam_size": 3, "batch_size": 4}, "metrics": {"bleu": 12.5}, "signatures": {"bleu": "v"}}
    return Translator(model, tokenizer, tokenizer, about=about)


@pytest.fixture(scope="session")
def exported(translator: "Translator", tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnx", reason="exporting needs onnx: pip install 'seq2seq[export]'")
    from seq2seq.export import export

    folder = tmp_path_factory.mktemp("exported")
    export(translator, folder, name="tiny")
    return folder
