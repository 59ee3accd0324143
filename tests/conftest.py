import gc
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from seq2seq.system import process

process.prepare()  # as the command does: a test that starts Python hands it on

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
