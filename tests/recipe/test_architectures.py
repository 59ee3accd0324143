"""Architectures as what a recipe starts from."""

from dataclasses import replace
from pathlib import Path

import pytest

from seq2seq.models.architectures import ARCHITECTURES, gnmt2016, luong2015
from seq2seq.recipe import AttentionSettings, Data, DecoderSettings, EncoderSettings, ModelSettings, Recipe
from seq2seq.settings import SettingsError

HEAD = 'name = "tiny"\n[data]\npath = "corpus"\nsource = "de"\ntarget = "en"\n'
TINY = Recipe("tiny", Data("corpus", "de", "en"))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_name_brings_the_settings_of_its_paper(name: str) -> None:
    for width in (1.0, 0.5):
        expected = replace(TINY, model=ARCHITECTURES[name](width))
        assert Recipe.from_text(f'{HEAD}[model]\narchitecture = "{name}"\nwidth = {width}\n') == expected
        assert TINY.override([f"model.width={width}", f"model.architecture={name}"]) == expected
        assert Recipe.from_text(expected.to_toml()) == expected


def test_what_is_written_is_changed_on_top(tmp_path: Path) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(
        f'{HEAD}[model]\nembedding = 8\narchitecture = "gnmt2016"\nwidth = 0.5\n[model.encoder]\ndropout = 0.1\n'
    )
    recipe = Recipe.from_toml(path)
    start = gnmt2016(0.5)
    assert recipe.model == replace(start, embedding=8, encoder=replace(start.encoder, dropout=0.1))
    assert Recipe.from_text(recipe.to_toml()) == recipe
    assert recipe.override(["model.attention.kind=dot"]).model == replace(
        recipe.model, attention=AttentionSettings("dot", input_feeding=True)
    )


def test_another_width_keeps_what_was_changed_and_another_name_does_not() -> None:
    recipe = TINY.override(["model.dropout=0.4", "model.encoder.cell=gru", "model.architecture=luong2015"])
    start = luong2015()
    assert recipe.model == replace(start, dropout=0.4, encoder=replace(start.encoder, cell="gru"))
    half = luong2015(0.5)
    assert recipe.override(["model.width=0.5"]).model == replace(
        half, dropout=0.4, encoder=replace(half.encoder, cell="gru")
    )
    assert recipe.override(["model.architecture=gnmt2016"]).model == gnmt2016()
    assert recipe.override(["model.architecture="]).model == ModelSettings()
    assert recipe.override(["model.architecture=luong2015", "seed=1"]).model == recipe.model


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["model.architecture=luong"], r'Received: model\.architecture="luong"\. Did you mean "luong2015"\?'),
        (["model.architecture=luong2015", "model.width=0"], r"model\.width must be a number above 0"),
        (["model.width=2"], r'Received: model\.width=2\.0, model\.architecture=""\. Leave it out'),
        (["model.architecture=luong2015", "model.encoder.units=[]"], r"at least one layer"),
    ],
)
def test_what_is_refused(assignments: list[str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        TINY.override(assignments)


def test_the_name_alone_is_refused_where_it_brings_nothing() -> None:
    with pytest.raises(SettingsError, match=r'architecture="luong2015"\)\. Write luong2015\(width=0\.5\) of'):
        ModelSettings(architecture="luong2015", width=0.5)
    with pytest.raises(SettingsError, match=r"the layers are as by default"):
        ModelSettings(architecture="luong2015", dropout=0.3)


def test_a_value_for_both_sides_is_written_once() -> None:
    model = ModelSettings(
        embedding=16,
        dropout=0.3,
        cell="gru",
        encoder=EncoderSettings(dropout=0.1),
        decoder=DecoderSettings(cell="lstm"),
    ).resolved()
    assert (model.encoder.embedding, model.encoder.dropout, model.encoder.cell) == (16, 0.1, "gru")
    assert (model.decoder.embedding, model.decoder.dropout, model.decoder.cell) == (16, 0.3, "lstm")
    assert model.encoder.residual_from == model.decoder.residual_from == "none"
    assert model.resolved() == model
