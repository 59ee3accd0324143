"""Recipes of version 0.1, whose sections did not nest, are read as what they meant."""

import tomllib
from pathlib import Path

import pytest

from seq2seq.models.architectures import ARCHITECTURES
from seq2seq.recipe import (
    AttentionSettings,
    BatchSettings,
    BridgeSettings,
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
from seq2seq.search import Beam
from seq2seq.settings import names

WRITTEN = Path(__file__).parent.parent / "golden" / "recipe-0.1.toml"
# The section as it was where everything was at its default, and an architecture had to leave it so.
IDLE = {
    "embedding": 256, "encoder": [256, 256], "decoder": [512, 512], "bidirectional": "all", "reverse": False,
    "bridge": "per_layer", "to": "all", "directions": "concat", "merge": "concat", "states": "both", "project": "auto",
    "activation": "auto", "align": "none", "attention": "general", "input_feeding": False, "residual_from": "none",
    "dropout": 0.2, "embedding_dropout": 0.2, "output_dropout": 0.2, "tied": "none", "architecture": "", "width": 1.0,
}  # fmt: skip
# Another value for each.
OTHER = {
    "encoder": "8", "decoder": "8", "bidirectional": "first", "reverse": "true", "bridge": "zero", "to": "first",
    "directions": "sum", "merge": "mean", "states": "cell", "project": "never", "activation": "relu", "align": "top",
    "attention": "dot", "input_feeding": "true", "output_dropout": "0.1",
}  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "_told", set())


def test_a_stored_recipe_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = Recipe.from_toml(WRITTEN)
    assert recipe.model == ModelSettings(
        embedding=24,
        dropout=0.3,
        embedding_dropout=0.1,
        residual_from=1,
        tied="target",
        encoder=EncoderSettings((8, 12), bidirectional=(True, False)),
        bridge=BridgeSettings(
            ((0,), (0, 1), (-1,)), directions="mean", merge="sum", states="hidden", project="always", activation="tanh"
        ),
        attention=AttentionSettings("additive", input_feeding=True),
        decoder=DecoderSettings((16, 12, 12), output_dropout=0.25),
    )
    told = capsys.readouterr().err
    assert told.startswith(f"{WRITTEN}: ") and told.count("\n") == 1
    for old, new in ModelSettings.renamed.items():
        assert f"model.{old} is now model.{new}" in told
    assert Recipe.from_text(recipe.to_toml()) == recipe
    assert not capsys.readouterr().err


def test_the_other_sections_are_as_they_were() -> None:
    recipe = Recipe.from_toml(WRITTEN)
    assert (recipe.name, recipe.seed) == ("golden", 7)
    assert recipe.data == Data("corpus", "de", "en", validation="", test="", hold_out=4)
    assert recipe.tokenizer == TokenizerSettings(kind="bpe", vocab_size=500, symbols=("<a>", 'ü"'))
    assert recipe.batches == BatchSettings(size=16, unit="tokens", pool=0)  # there were no pools
    assert recipe.training == TrainingSettings(schedule="plateau", schedule_patience=2, ema=0.9, monitor="chrf")
    assert recipe.decoding == DecodingSettings(Beam(3, length_penalty=0.6, max_length_factor=2.0))
    assert recipe.evaluation == EvaluationSettings(metrics=("chrf", "bleu"))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_stood_beside_an_architecture_did_nothing(name: str) -> None:
    table = tomllib.loads(WRITTEN.read_text(encoding="utf-8"))
    recipe = Recipe.from_table({**table, "model": IDLE | {"architecture": name, "width": 0.5}})
    assert recipe.model == ARCHITECTURES[name](0.5)
    assert Recipe.from_table({**table, "model": IDLE}).model == ModelSettings()


@pytest.mark.parametrize("old", ModelSettings.renamed)
def test_an_old_name_is_set_like_the_new_one(old: str, capsys: pytest.CaptureFixture[str]) -> None:
    recipe, new = Recipe("tiny", Data("corpus", "de", "en")), ModelSettings.renamed[old]
    changed = recipe.override([f"model.{old}={OTHER[old]}"])
    assert changed == recipe.override([f"model.{new}={OTHER[old]}"]) and [*recipe.changes(changed)] == [f"model.{new}"]
    assert capsys.readouterr().err == f"model.{old} is now model.{new}. The old name is read too.\n"
