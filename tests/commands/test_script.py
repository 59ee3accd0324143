import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from seq2seq.commands import command as cli
from seq2seq.commands import script
from seq2seq.commands.script import main
from seq2seq.recipe import (
    Data,
    DecoderSettings,
    EncoderSettings,
    EvaluationSettings,
    ModelSettings,
    Recipe,
    TokenizerSettings,
    TrainingSettings,
)
from seq2seq.recipe.build import build_model
from seq2seq.runs.experiment import finished_run, run

RECIPE = Recipe(
    name="letters",
    data=Data("corpus", "lower", "upper", hold_out=3, validation="", test=""),
    tokenizer=TokenizerSettings(kind="char"),
    model=ModelSettings(embedding=4, encoder=EncoderSettings((4,)), decoder=DecoderSettings((8,))),
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


def unfinished(folder: Path) -> None:
    """Leave in a folder what a run leaves that is killed after its last epoch."""
    for name in ("result.json", "model.s2s", "validation.translations.txt", "test.translations.txt"):
        (folder / name).unlink()


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
    # Killed before the first checkpoint, and before anything.
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


def test_a_run_that_goes_on_tells_what_the_recipe_has_otherwise(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "run.json").write_text(
        json.dumps(json.loads((here / "run.json").read_text()) | {"changed_settings": {"decoding.beam_size": 5}})
    )
    edited = RECIPE.override([
        "training.epochs=3", "training.monitor=chrf", "evaluation.metrics=chrf,ter", "batches.size=2", "seed=9",
        "training.ema=0.5", "decoding.beam_size=1", "training.label_smoothing=0.3",
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


def test_what_to_try_next_can_be_typed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here.parent.parent / "my letters.toml").write_text(RECIPE.to_toml())
    assert cli.main(["train", "my letters.toml", "--resume-if-begun", "--out", "runs/letters"]) == 0
    steps = [line[2:] for line in capsys.readouterr().err.partition("What to try next:")[2].splitlines() if line]
    assert len(steps) == 4
    environment = os.environ | {"PATH": os.defpath}
    translated, drawn, *trained = (
        subprocess.run(["sh", "-c", step], capture_output=True, text=True, check=False, env=environment)
        for step in [*steps[:2], *(f"{step} --help" for step in steps[2:])]
    )
    assert (translated.returncode, translated.stdout.count("\n")) == (0, 1), translated.stderr
    assert drawn.returncode == 0 and Path("wiring.svg").exists()
    assert all(done.returncode == 0 and "--resume-if-begun" in done.stdout for done in trained)
    arguments = [cli.make_parser().parse_args(shlex.split(step.replace("-m seq2seq", ""))[1:]) for step in steps[2:]]
    assert [one.out for one in arguments] == [Path("runs/letters-no-attention"), Path("runs/letters-seed-1")]
    assert [one.settings for one in arguments] == [["model.attention.kind=none"], []] and arguments[1].seed == 1
    assert not any(one.resume or one.resume_if_begun for one in arguments)


@pytest.mark.parametrize(
    "settings",
    [
        ["model.attention.input_feeding=true"],
        ["model.attention.kind=none"],
        ["model.bridge.mode=zero"],
        ["model.bridge.mode=zero", "model.attention.kind=additive"],
        ["model.bridge.mode=[[]]"],
        ["model.tied=all", "model.attention.kind=dot"],
        ["model.architecture=luong2015", "model.width=0.01"],
    ],
    ids=" ".join,
)
def test_the_model_to_compare_with_can_be_built(settings: list[str]) -> None:
    name, options = script._other_attention(RECIPE.override(settings))
    other = RECIPE.override([*settings, *options[1::2]])
    assert other.model.attention != RECIPE.override(settings).model.attention and name
    build_model(other, 9, 9)


def test_programs_are_named_as_the_shell_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ".venv" / "bin"
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    assert script._program("seq2seq") == f"{folder}/python -m seq2seq" and script._program("python")[0] == "/"
    for name in ("python", "seq2seq"):
        (folder / name).touch(0o755)
        assert script._program(name) == f".venv/bin/{name}"
    monkeypatch.setenv("PATH", str(folder))
    assert script._program("seq2seq") == "seq2seq"
    monkeypatch.setenv("PATH", f"{tmp_path / 'elsewhere'}:{folder}")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "seq2seq").touch(0o755)
    assert script._program("seq2seq") == ".venv/bin/seq2seq"


def test_showing_a_finished_run_loads_no_tensorflow(here: Path) -> None:
    (here.parent.parent / "letters.toml").write_text(RECIPE.to_toml())
    code = (
        "import sys; from seq2seq.commands.command import main; status = main(['train', 'letters.toml']); "
        "sys.exit(status or 10 * ('tensorflow' in sys.modules or 'datasets' in sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert "exact_match" in shown.stdout
