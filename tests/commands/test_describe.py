from pathlib import Path

from seq2seq import Translator

RECIPE = 'name = "tiny"\n[data]\npath = "c"\nsource = "de"\ntarget = "en"\n[model]\nencoder = [8]\ndecoder = [16]\n'


def test_a_recipe_before_anything_trains(seq2seq, tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(RECIPE)
    status, out, _ = seq2seq(
        "describe", f"{tmp_path}/tiny.toml", "--set", "model.bridge.mode=[[]]", "--svg", f"{tmp_path}/w.svg",
        "--set", "training.teacher_forcing.own_predictions=sentences",
    )  # fmt: skip
    lines = out.decode().splitlines()
    assert status == 0 and lines[0].startswith("tiny (8,000 pieces")
    assert any(line.split()[:2] == ["0", "zeros"] for line in lines)
    assert lines[-1] == "Training feeds own predictions in a share of the sentences of 0.5."
    assert "state bridge: [[]]" in (tmp_path / "w.svg").read_text()


def test_a_tokenizer_per_side(seq2seq, tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(f"{RECIPE}[tokenizer]\njoint = false\n[tokenizer.target]\nvocab_size = 90\n")
    status, out, _ = seq2seq("describe", f"{tmp_path}/tiny.toml")
    assert status == 0 and out.decode().startswith("tiny (8,000 and 90 pieces")
    rows = [line.split() for line in out.decode().splitlines()]
    assert [row[3] for row in rows if row[1:2] == ["embedding"]] == ["8,000", "90"]


def test_a_trained_model(seq2seq, model: str, translator: Translator) -> None:
    status, out, _ = seq2seq("describe", model)
    assert status == 0
    assert f"{translator.model.count_params():,}" in out.decode()
    assert "encoder layer 0" in out.decode()
    assert out.decode().splitlines()[-1] == "Training feeds the right tokens (teacher forcing)."


def test_settings_that_contradict_each_other(seq2seq, tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(RECIPE)
    for setting, message in [
        ("model.depth=2", "There is no setting model.depth"),
        ("model.encoder.units=8,8", "per_layer passes encoder layer i to decoder layer i"),
        ("model.architecture=luong", 'Did you mean "luong2015"?'),
    ]:
        status, out, err = seq2seq("describe", f"{tmp_path}/tiny.toml", "--set", setting)
        assert status == 2 and out == b"" and message in err
