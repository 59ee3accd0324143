import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from seq2seq.commands import command, next_steps
from seq2seq.recipe.build import build_model
from seq2seq.runs.record import finished_run
from tests.letters import RECIPE


@pytest.mark.slow
def test_what_to_try_next_can_be_typed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here.parent.parent / "my letters.toml").write_text(RECIPE.to_toml())
    arguments = ["train", "my letters.toml", "--resume-if-begun", "--out", "runs/letters"]

    def told() -> list[str]:
        assert command.main(arguments) == 0
        return [line[2:] for line in capsys.readouterr().err.partition("What to try next:")[2].splitlines() if line]

    stored = told()
    (here / "result.json").unlink()
    steps = told()
    # Whether another model can be built is known with TensorFlow only, which a stored result does without.
    assert len(steps) == 4 and stored == [*steps[:2], steps[3]]
    environment = os.environ | {"PATH": os.defpath}
    translated, drawn, *trained = (
        subprocess.run(["sh", "-c", step], capture_output=True, text=True, check=False, env=environment)
        for step in [*steps[:2], *(f"{step} --help" for step in steps[2:])]
    )
    assert (translated.returncode, translated.stdout.count("\n")) == (0, 1), translated.stderr
    assert drawn.returncode == 0 and Path("wiring.svg").exists()
    assert all(done.returncode == 0 and "--resume-if-begun" in done.stdout for done in trained)
    parsed = [command.make_parser().parse_args(shlex.split(step.replace("-m seq2seq", ""))[1:]) for step in steps[2:]]
    assert [one.out for one in parsed] == [Path("runs/letters-no-attention"), Path("runs/letters-seed-1")]
    assert [one.settings for one in parsed] == [["model.attention.kind=none"], []] and parsed[1].seed == 1
    assert not any(one.resume or one.resume_if_begun for one in parsed)


@pytest.mark.parametrize(
    ("settings", "name", "changes"),
    [
        ([], "no-attention", ["model.attention.kind=none"]),
        (
            ["model.attention.input_feeding=true"],
            "no-attention",
            ["model.attention.kind=none", "model.attention.input_feeding=false"],
        ),
        (["model.attention.kind=none"], "general-attention", ["model.attention.kind=general"]),
        # Without the state of the encoder the source is seen by attention only.
        (["model.bridge.mode=zero"], "additive-attention", ["model.attention.kind=additive"]),
        (["model.bridge.mode=learned"], "additive-attention", ["model.attention.kind=additive"]),
        (
            ["model.bridge.mode=learned", "model.attention.kind=dot"],
            "general-attention",
            ["model.attention.kind=general"],
        ),
        (
            ["model.bridge.mode=zero", "model.attention.kind=additive"],
            "general-attention",
            ["model.attention.kind=general"],
        ),
        (["start_from=model.s2s"], "", []),
        (["model.bridge.mode=[[]]"], "additive-attention", ["model.attention.kind=additive"]),
        (["model.tied=all", "model.attention.kind=dot"], "no-attention", ["model.attention.kind=none"]),
        (
            ["model.architecture=luong2015", "model.width=0.01"],
            "no-attention",
            ["model.attention.kind=none", "model.attention.input_feeding=false"],
        ),
    ],
    ids=" ".join,
)
def test_the_model_to_compare_with_can_be_built(settings: list[str], name: str, changes: list[str]) -> None:
    recipe = RECIPE.override(settings)
    assert next_steps._other_model(recipe) == (name, changes)
    if changes:
        build_model(recipe.override(changes), 9, 9)


def test_the_last_seed_has_none_after_it(here: Path) -> None:
    recipe = RECIPE.override([f"seed={2**32 - 1}"])
    result = finished_run(RECIPE, here)
    assert result is not None
    told = next_steps.next_steps(result, recipe, "seq2seq train r.toml", compare=False)
    assert "--seed" not in told and len(told.splitlines()) == 4
    told = next_steps.next_steps(result, RECIPE, "seq2seq train r.toml --seed 0 --set=a.b=1 --seed=0", compare=False)
    assert "train r.toml --set=a.b=1 --out" in told and told.endswith("letters-seed-1 --seed 1")
    assert "train" not in next_steps.next_steps(result, RECIPE, "", compare=False)


def test_workers_are_started_again_by_what_started_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(next_steps, "_program", lambda name: name)
    monkeypatch.setenv("SEQ2SEQ_LAUNCHED", "2")
    told = next_steps.again("seq2seq train r.toml --strategy multiworker", "--seed", "1")
    assert told == "seq2seq launch --workers 2 -- seq2seq train r.toml --strategy multiworker --seed 1"


def test_programs_are_named_as_the_shell_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ".venv" / "bin"
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    assert next_steps._program("seq2seq") == f"{folder}/python -m seq2seq" and next_steps._program("python")[0] == "/"
    for name in ("python", "seq2seq"):
        (folder / name).touch(0o755)
        assert next_steps._program(name) == f".venv/bin/{name}"
    monkeypatch.setenv("PATH", str(folder))
    assert next_steps._program("seq2seq") == "seq2seq"
    monkeypatch.setenv("PATH", f"{tmp_path / 'elsewhere'}:{folder}")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "seq2seq").touch(0o755)
    assert next_steps._program("seq2seq") == ".venv/bin/seq2seq"


@pytest.mark.parametrize(
    ("command", "gone", "expected"),
    [
        ("seq2seq train a.toml", (), "seq2seq train a.toml --set training.epochs=3"),
        ("seq2seq train 'a b.toml' --set=training.epochs=2", (), "seq2seq train 'a b.toml' --set training.epochs=3"),
        ("s --set a.b=1 --set c.d=2", ("a.b",), "s --set c.d=2 --set training.epochs=3"),
        ("cd x && python run.py > log", (), "cd x && python run.py > log"),  # of someone's own
        ("it's mine", (), "it's mine"),
    ],
)
def test_a_command_with_other_settings(command: str, gone: tuple[str, ...], expected: str) -> None:
    assert next_steps.with_settings(command, {"training.epochs": 3}, gone) == expected


@pytest.mark.parametrize("given", ["", " --data /old", " --data=/old"])
def test_a_command_with_another_place_of_the_text(given: str) -> None:
    command = f"seq2seq train a.toml{given} --seed 1"
    assert next_steps.with_settings(command, {}, data="/new") == "seq2seq train a.toml --seed 1 --data /new"
    assert next_steps.with_settings(command, {}) == command
