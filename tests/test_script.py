import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from seq2seq import script
from seq2seq.experiment import finished_run, run
from seq2seq.recipe import Data, EvaluationSettings, ModelSettings, Recipe, TokenizerSettings, TrainingSettings
from seq2seq.script import main

RECIPE = Recipe(
    name="letters",
    data=Data("corpus", "lower", "upper", hold_out=3, validation="", test=""),
    tokenizer=TokenizerSettings(kind="char"),
    model=ModelSettings(embedding=4, encoder=(4,), decoder=(8,)),
    training=TrainingSettings(epochs=1),
    evaluation=EvaluationSettings(metrics=("exact_match", "chrf")),
)


@pytest.fixture(scope="module")
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


def test_a_finished_run_is_read_as_it_was_given(here: Path) -> None:
    shutil.rmtree(here)
    given = run(RECIPE, progress="none")
    found = finished_run(RECIPE, given.folder)
    assert found is not None
    assert replace(found, minutes=given.minutes) == given
    assert found.minutes == pytest.approx(given.minutes, abs=0.005)  # written with two digits


def test_a_finished_command_is_safe_to_repeat(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.stat().st_mtime_ns for path in here.rglob("*")}
    monkeypatch.setattr(script, "run", None)
    main(RECIPE, [])
    out, err = capsys.readouterr()
    written = json.loads((here / "result.json").read_text())
    assert len(written["examples"]) == 3
    for example in written["examples"]:
        assert example["source"] in out and example["reference"] in out
    for name, value in written["metrics"]["test"].items():
        assert name in out and f"{value:.2f}" in out and written["signatures"][name] in out
    assert "runs/letters/model.s2s" in out
    assert "finished before" in err and "--out" in err and "What to try next" in err
    assert {path: path.stat().st_mtime_ns for path in here.rglob("*")} == before


@pytest.mark.parametrize(
    "arguments",
    [["--seed", "1"], ["--set", "training.epochs=2"], ["--data", "corpus"], ["--set", "decoding.beam_size=1"]],
    ids=" ".join,
)
def test_another_run_is_not_taken_for_the_finished_one(
    here: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit:
        main(RECIPE, arguments)
    assert exit.value.code == 1
    assert "holds a run already" in capsys.readouterr().err


def test_a_run_that_was_taken_up_again_and_stopped_is_not_finished(here: Path) -> None:
    longer = RECIPE.override(["training.epochs=2"])
    (here / "recipe.toml").write_text(longer.to_toml())
    assert finished_run(longer, here) is None
    (here / "model.s2s").unlink()
    assert finished_run(RECIPE, here) is None


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("evaluation.metrics=blue", 'one of "bleu"'),
        ("training.monitor=loss2", "what is not measured cannot decide"),
        ("evaluation.metrics=bleu evaluation.tokenize=13b", "Received: tokenize='13b'"),
    ],
)
def test_what_cannot_be_measured_is_told_before_anything_is_trained(
    here: Path, setting: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(RECIPE, ["--out", "new", *(part for text in setting.split() for part in ("--set", text))])
    assert message in capsys.readouterr().err
    assert not Path("new").exists()


def test_showing_a_finished_run_loads_no_tensorflow(here: Path) -> None:
    (here.parent.parent / "letters.toml").write_text(RECIPE.to_toml())
    code = (
        "import sys; from seq2seq.cli import main; status = main(['train', 'letters.toml']); "
        "sys.exit(status or 10 * ('tensorflow' in sys.modules or 'datasets' in sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert "exact_match" in shown.stdout
