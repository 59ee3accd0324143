import random
from collections.abc import Iterator

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


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recipe]:
    chance = random.Random(1)
    lines = [[chance.choice(list(NUMBERS)) for _ in range(chance.randint(1, 5))] for _ in range(60)]
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "train.de").write_text("".join(" ".join(line) + "\n" for line in lines))
    (folder / "train.en").write_text("".join(" ".join(NUMBERS[word] for word in line) + "\n" for line in lines))
    made = Recipe(
        name="counting",
        data=Data("$COUNTING", "de", "en", hold_out=4, validation="", test=""),
        tokenizer=TokenizerSettings(kind="word", joint=False),
        batches=BatchSettings(size=16),
        model=ModelSettings(
            embedding=8, encoder=EncoderSettings((8,), bidirectional="never"), decoder=DecoderSettings((8,))
        ),
        decoding=DecodingSettings(Beam(2)),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COUNTING", str(folder))
        yield made
