from pathlib import Path

from seq2seq import Tokenizer, Translator

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


def test_what_is_frozen(seq2seq, tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(f"{RECIPE}[training]\nfreeze = ['encoder.embedding', 'decoder.combine']\n")
    status, out, _ = seq2seq("describe", f"{tmp_path}/tiny.toml", "--set", "tokenizer.vocab_size=50")
    lines = out.decode().splitlines()
    parameters = next(line.split()[-1] for line in lines if line.split()[:1] == ["all"])
    frozen = 50 * 256 + (16 + 16) * 16
    assert status == 0
    assert lines[-1] == (
        f"Frozen: encoder.embedding, decoder.combine ({frozen:,} of {parameters} parameters do not learn)."
    )
    status, _, err = seq2seq("describe", f"{tmp_path}/tiny.toml", "--set", "training.freeze=encoder.embeding")
    assert status == 2 and "Did you mean 'encoder.embedding'" in err


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
    assert out.decode().splitlines()[:2] == [model, "longest translations: 2 n + 10 tokens for n of the source"]
    assert out.decode().splitlines()[2:4] == ["confidence: not known", f"fingerprint: {translator.fingerprint}"]
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


def test_the_vocabulary_of_a_tokenizer_that_is_given(seq2seq, tmp_path: Path) -> None:
    tokenizer = Tokenizer.train(["ein Haus", "am See"], kind="char")
    tokenizer.save(tmp_path / "own.model")
    given = f'model = "{tmp_path}/own.model"\n'
    own = f"[tokenizer]\njoint = false\n[tokenizer.source]\n{given}"
    for more, told in (
        ("", f"tiny ({tokenizer.vocab_size} and 8,000 pieces, as far as the text supports them)"),
        (f"[tokenizer.target]\n{given}", f"tiny ({tokenizer.vocab_size} pieces)"),
    ):
        (tmp_path / "tiny.toml").write_text(RECIPE + own + more)
        lines = seq2seq("describe", f"{tmp_path}/tiny.toml")[1].decode().splitlines()
        assert lines[0] == told
        assert next(row.split()[3] for row in lines if row.split()[1:2] == ["embedding"]) == str(tokenizer.vocab_size)
