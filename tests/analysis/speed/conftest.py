import random
from pathlib import Path

import pytest

from seq2seq.analysis.speed import training
from seq2seq.recipe import (
    BatchSettings,
    Data,
    DecoderSettings,
    DecodingSettings,
    EncoderSettings,
    ModelSettings,
    Recipe,
    TokenizerSettings,
)
from seq2seq.search import Beam

NUMBERS = {"eins": "one", "zwei": "two", "drei": "three", "vier": "four", "fünf": "five"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_PRODUCT_SECONDS", 0.0)


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    chance = random.Random(1)
    lines = [[chance.choice(list(NUMBERS)) for _ in range(chance.randint(1, 5))] for _ in range(60)]
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "train.de").write_text("".join(" ".join(line) + "\n" for line in lines))
    (folder / "train.en").write_text("".join(" ".join(NUMBERS[word] for word in line) + "\n" for line in lines))
    return Recipe(
        name="counting",
        data=Data(str(folder), "de", "en", hold_out=4, validation="", test=""),
        tokenizer=TokenizerSettings(kind="word", joint=False),
        batches=BatchSettings(size=16),
        model=ModelSettings(
            embedding=8, encoder=EncoderSettings((8,), bidirectional="never"), decoder=DecoderSettings((8,))
        ),
        decoding=DecodingSettings(Beam(2)),
    )
