"""Commands that write a model file where none is named: calibrate and shortlist replace the one that they read."""

import shutil
from pathlib import Path

import pytest

from seq2seq import Translator
from tests.commands.conftest import WORDS


@pytest.mark.slow
@pytest.mark.parametrize("command", ["calibrate", "shortlist"])
def test_the_model_of_a_run_is_replaced_and_translates_as_before(
    seq2seq, model: str, translator: Translator, tmp_path: Path, command: str
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(model, folder / "model.s2s")
    (folder / "recipe.toml").touch()
    sources = [f"{one} {other}" for one in WORDS[:6] for other in WORDS[:6]]
    before = translator.translate(sources)
    right = [text if place % 3 else "x" for place, text in enumerate(before)]
    for name, lines in (("x.de", sources), ("x.en", right)):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    status, out, _ = seq2seq(command, str(folder), "--source", f"{tmp_path}/x.de", "--target", f"{tmp_path}/x.en")
    assert status == 0 and out.decode().startswith(f"Wrote {folder}/model.s2s: ")
    after = Translator.load(folder / "model.s2s")
    made = {"calibrate": after.calibration, "shortlist": after.shortlist}
    assert [name for name, part in made.items() if part is not None] == [command]
    assert after.translate(sources) == before
    left = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert left.pop(folder / "model.s2s") != files.pop(folder / "model.s2s")
    assert left == files
