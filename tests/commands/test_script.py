import argparse
import json
import os
import shlex
import shutil
from pathlib import Path

import pytest

from seq2seq.commands import main, script
from seq2seq.recipe import Recipe
from tests.letters import RECIPE


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
    [["--seed", "1"], ["--set", "training.epochs=2"], ["--data", "corpus"], ["--set", "decoding.search.min_length=2"]],
    ids=" ".join,
)
def test_another_run_is_not_taken_for_the_finished_one(
    here: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit:
        main(RECIPE, arguments)
    assert exit.value.code == 1
    assert "holds a run already" in capsys.readouterr().err


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


def unfinished(folder: Path) -> None:
    """Leave in a folder what a run leaves that is killed after its last epoch."""
    for name in ("result.json", "model.s2s", "validation.translations.txt", "test.translations.txt"):
        (folder / name).unlink()


@pytest.mark.slow
def test_a_stopped_run_goes_on_by_itself_where_that_is_asked_for(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = json.loads((here / "result.json").read_text())
    unfinished(here)
    with pytest.raises(SystemExit):
        main(RECIPE, [])
    assert "holds a run already" in capsys.readouterr().err
    main(RECIPE, ["--resume-if-begun"])
    assert "Going on with the run that was stopped in runs/letters" in capsys.readouterr().err
    assert json.loads((here / "result.json").read_text())["metrics"] == first["metrics"]
    main(RECIPE, ["--resume-if-begun"])
    assert "finished before" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_killed_before_its_first_checkpoint_begins_again(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = json.loads((here / "result.json").read_text())
    unfinished(here)
    shutil.rmtree(here / "last")
    (here / "best.weights.h5").unlink()
    main(RECIPE, ["--resume-if-begun"])
    assert "starting from the beginning" in capsys.readouterr().err
    assert json.loads((here / "result.json").read_text())["metrics"] == first["metrics"]
    shutil.rmtree(here)
    main(RECIPE, ["--resume-if-begun"])
    assert (here / "result.json").exists()


@pytest.mark.parametrize(
    ("arguments", "difference"),
    [
        (["--set", "training.epochs=2"], "training.epochs was 1 and is now 2"),
        (["--set", "model.attention.kind=dot", "--seed", "4"], 'model.attention.kind was "general" and is now "dot"'),
        (["--data", "corpus"], "the text was corpus and is now corpus"),
        ([], "cannot be read any more"),
    ],
)
def test_the_stopped_run_of_another_recipe_is_left_alone(
    here: Path, arguments: list[str], difference: str, capsys: pytest.CaptureFixture[str]
) -> None:
    unfinished(here)
    if not arguments:
        with (here / "recipe.toml").open("a") as file:
            file.write("olden = 1\n")
    before = {path: path.stat().st_mtime_ns for path in here.rglob("*")}
    with pytest.raises(SystemExit) as exit:
        main(RECIPE, ["--resume-if-begun", *arguments])
    assert exit.value.code == 1
    message = capsys.readouterr().err
    assert difference in message
    assert "rm -r runs/letters." in message
    assert message.rstrip().endswith(" ".join([*arguments, "--out runs/letters-2"]))
    assert "--resume" not in message
    assert {path: path.stat().st_mtime_ns for path in here.rglob("*")} == before


@pytest.mark.slow
def test_a_run_that_goes_on_tells_what_the_recipe_has_otherwise(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "run.json").write_text(
        json.dumps(
            json.loads((here / "run.json").read_text()) | {"changed_settings": {"decoding.search.min_length": 2}}
        )
    )
    edited = RECIPE.override([
        "training.epochs=3", "training.monitor=chrf", "evaluation.metrics=chrf,ter", "batches.size=2", "seed=9",
        "training.ema=0.5", "decoding.search.min_length=3", "training.label_smoothing=0.3",
    ])  # fmt: skip
    main(edited, ["--resume", "--set", "training.label_smoothing=0.3"])
    err = capsys.readouterr().err
    options = err.partition("To have them: ")[2].partition("\n")[0]
    assert "another batches.size, training.ema: that needs a new run" in err
    words = shlex.split(options)
    assert words[::2] == ["--set"] * 3
    wished = RECIPE.override(words[1::2])
    assert RECIPE.changes(wished) == {
        "training.epochs": 3, "training.monitor": "chrf", "evaluation.metrics": ["chrf", "ter"]
    }  # fmt: skip
    main(RECIPE, ["--resume"])
    assert "The recipe that was given" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        ([], "letters"),
        (["--set", "name=capitals"], "capitals"),
        (["--source", "upper", "--target", "lower"], "letters-upper-lower"),
        (["--source", "lower"], "letters"),
        (["--set", "data.target=some column/b"], "letters-lower-some_column_b"),
        (["--target", "upper", "--out", "elsewhere"], "../elsewhere"),
    ],
)
def test_the_folder_is_named_by_what_is_run(
    here: Path, arguments: list[str], folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FolderFound(Exception):
        pass

    def found(recipe: Recipe, folder: Path, **_: object) -> None:
        raise FolderFound(folder)

    monkeypatch.setattr(script, "finished_run", found)
    parser = argparse.ArgumentParser()
    script.add_arguments(parser)
    with pytest.raises(FolderFound) as told:
        script.run_with_arguments(RECIPE, parser.parse_args(arguments))
    assert Path(str(told.value)) == Path(os.path.normpath(Path("runs", folder)))
