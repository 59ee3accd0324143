"""A run over a few letters, finished once, for the tests of what comes after one."""

import shutil
from pathlib import Path

import pytest

from seq2seq.recipe import (
    Data,
    DecoderSettings,
    DecodingSettings,
    EncoderSettings,
    EvaluationSettings,
    ModelSettings,
    Recipe,
    TokenizerSettings,
    TrainingSettings,
)
from seq2seq.runs import run
from seq2seq.search import Greedy

RECIPE = Recipe(
    name="letters",
    data=Data("corpus", "lower", "upper", hold_out=3, validation="", test=""),
    tokenizer=TokenizerSettings(kind="char"),
    # Few graphs: one direction, and one search for validation and test.
    model=ModelSettings(
        embedding=4, encoder=EncoderSettings((4,), bidirectional="never"), decoder=DecoderSettings((4,))
    ),
    training=TrainingSettings(epochs=1),
    decoding=DecodingSettings(Greedy()),
    evaluation=EvaluationSettings(metrics=("exact_match", "chrf")),
)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus and a finished run over it."""
    folder = tmp_path_factory.mktemp("finished")
    words = [f"{first}{second}" for first in "abcd" for second in "efgh"]
    (folder / "corpus").mkdir()
    for language, text in (("lower", words), ("upper", map(str.upper, words))):
        (folder / "corpus" / f"train.{language}").write_text("".join(f"{word}\n" for word in text))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run(RECIPE, progress="none")
    return folder


@pytest.fixture
def here(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs" / "letters"
