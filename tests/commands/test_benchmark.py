import json
from pathlib import Path

import pytest


@pytest.mark.slow
def test_a_model_by_table_and_json(seq2seq, model: str, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("ein Haus\nam See\n")
    command = ("benchmark", model, "--input", "-", "--json", str(tmp_path / "figures.json"))
    status, out, err = seq2seq(*command, stdin=text.read_bytes())
    assert status == 0 and "Translating 2 sentences, beam 2 ..." in err
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["sentences"] == 2 and f"{figures['setting']['parameters']:,} parameters".encode() in out


def test_a_recipe_has_settings_and_no_input(seq2seq, tmp_path: Path) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text('name = "r"\n[data]\npath = "dates"\nsource = "a"\ntarget = "b"\n')
    status, _, err = seq2seq("benchmark", str(recipe), "--input", "x")
    assert status == 2 and "This option is for a model, not for a recipe. Received: --input" in err
    status, _, err = seq2seq("benchmark", str(recipe), "--set", "model.depth=2")
    assert status == 2 and "There is no setting model.depth" in err
