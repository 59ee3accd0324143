import json
from pathlib import Path

import pytest


def test_a_run_at_its_newest_checkpoint(seq2seq, here: Path) -> None:
    status, out, _ = seq2seq("diagnose", str(here), "--json")
    found = json.loads(out)
    assert status == 0 and found["signs"]["updates"] > 0 and found["signs"]["learning_rate"] == pytest.approx(1e-3)
    assert {part["name"] for part in found["signs"]["parts"]} >= {"encoder layer 0", "decoder layer 0", "logits"}


@pytest.mark.slow
def test_a_model_file_of_another_epoch_is_told(seq2seq, here: Path) -> None:
    path, older = here / "result.json", "model.s2s has the weights of epoch 0.5 of 2, the best ones"
    result = json.loads(path.read_text())
    for best, told in ((0.5, True), (2, False)):
        path.write_text(json.dumps({**result, "best_epoch": best, "epochs": 2}))
        assert (older in seq2seq("diagnose", str(here))[1].decode()) == told


@pytest.mark.slow
def test_a_recipe_before_training(seq2seq, here: Path) -> None:
    status, out, err = seq2seq("diagnose", str(here / "recipe.toml"), "--set", "model.embedding=1")
    said = out.decode()
    assert status == 0 and said.startswith("letters, before training: a batch of 10 pairs")
    assert (
        "! embedding too small, encoder embedding: It has a width of 1 for" in said and "tensorflow" not in err.lower()
    )


@pytest.mark.slow
def test_a_model_file(seq2seq, here: Path) -> None:
    status, out, _ = seq2seq("diagnose", str(here / "model.s2s"))
    assert status == 0 and out.decode().startswith(str(here / "model.s2s"))
    status, _, err = seq2seq("diagnose", str(here / "model.s2s"), "--data", "absent")
    assert status == 2 and "Name the place of the text with --data." in err


def test_what_cannot_be_examined(seq2seq, here: Path, tmp_path: Path) -> None:
    assert seq2seq("diagnose", f"{tmp_path}/absent.toml")[0] == 2
    (tmp_path / "empty").mkdir()
    status, _, err = seq2seq("diagnose", f"{tmp_path}/empty")
    assert status == 2 and "There is no run in this folder." in err
    status, _, err = seq2seq("diagnose", str(here), "--set", "model.dropout=0")
    assert status == 2 and f"Received: --set with {here}." in err
    for path in [*(here / "last").iterdir(), here / "model.s2s"]:
        path.unlink()
    status, _, err = seq2seq("diagnose", str(here))
    assert status == 2 and "The run in this folder has no checkpoint yet." in err
