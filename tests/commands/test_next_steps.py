import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from seq2seq.commands import command, next_steps
from seq2seq.recipe.build import build_model
from tests.letters import RECIPE


def test_what_to_try_next_can_be_typed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here.parent.parent / "my letters.toml").write_text(RECIPE.to_toml())
    assert command.main(["train", "my letters.toml", "--resume-if-begun", "--out", "runs/letters"]) == 0
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
    arguments = [
        command.make_parser().parse_args(shlex.split(step.replace("-m seq2seq", ""))[1:]) for step in steps[2:]
    ]
    assert [one.out for one in arguments] == [Path("runs/letters-no-attention"), Path("runs/letters-seed-1")]
    assert [one.settings for one in arguments] == [["model.attention=none"], []] and arguments[1].seed == 1
    assert not any(one.resume or one.resume_if_begun for one in arguments)


@pytest.mark.parametrize(
    "settings",
    [
        ["model.input_feeding=true"],
        ["model.attention=none"],
        ["model.bridge=zero"],
        ["model.bridge=zero", "model.attention=additive"],
        ["model.bridge=[[]]"],
        ["model.tied=all", "model.attention=dot"],
        ["model.architecture=luong2015"],
    ],
    ids=" ".join,
)
def test_the_model_to_compare_with_can_be_built(settings: list[str]) -> None:
    name, options = next_steps._other_attention(RECIPE.override(settings))
    if settings == ["model.architecture=luong2015"]:
        assert options == []
        return
    other = RECIPE.override([*settings, *options[1::2]])
    assert other.model.attention != RECIPE.override(settings).model.attention and name
    build_model(other, 9, 9)


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
