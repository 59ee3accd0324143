import io
import sys
import zipfile
from pathlib import Path

import pytest

from seq2seq.commands.command import COMMANDS, main


def test_output_over_the_input_is_refused(seq2seq, model: str, tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("ein Haus\n")
    status, _, err = seq2seq(
        "translate", model, "--input", str(path), "--output", f"{tmp_path}/../{tmp_path.name}/text"
    )
    assert status == 2 and "would overwrite the input" in err
    assert path.read_text() == "ein Haus\n"


def test_a_file_that_is_no_translator_ends_with_status_1(seq2seq, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "foreign.s2s", "w") as archive:
        archive.writestr("notes.txt", "")
    for command in ("translate", "describe"):
        status, out, err = seq2seq(command, str(tmp_path / "foreign.s2s"))
        assert (status, out) == (1, b"")
        assert "A translator file holds" in err and "Traceback" not in err


# What a command needs that writes to stdout; launch leaves that to its workers, report writes a file, serve a log.
TAKES = {
    "train": ["r.toml"],
    "translate": ["MODEL", "Haus"],
    "evaluate": ["MODEL", "--source", "a", "--target", "b"],
    "score": ["MODEL", "--source", "a", "--target", "b"],
    "rerank": ["MODEL", "--source", "a", "--n-best", "b"],
    "explain": ["MODEL", "Haus"],
    "compare": ["RUN", "OTHER"],
    "calibrate": ["MODEL", "--source", "a", "--target", "b"],
    "shortlist": ["MODEL", "--source", "a", "--target", "b"],
    "export": ["MODEL", "--to", "out"],
    "diagnose": ["RECIPE"],
    "probe": ["MODEL"],
    "describe": ["RECIPE"],
    "average": ["RUN", "--last", "2"],
    "benchmark": ["RECIPE"],
    "verify-resume": ["RECIPE", "--steps", "2", "--kill-at", "1"],
}


def test_a_closed_stdout_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.toml").write_text('name = "r"\n[data]\npath = "c"\nsource = "a"\ntarget = "b"\n')
    monkeypatch.setattr(sys, "stdout", None)
    assert {"launch", "report", "serve", *TAKES} == {
        each.__name__.rpartition(".")[2].replace("_", "-") for each in COMMANDS
    }
    for command, arguments in TAKES.items():
        assert main([command, *arguments]) == 2
        assert "error: Standard output is closed" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_help_that_is_not_taken_is_a_failure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    for arguments in (["--help"], ["--version"], ["describe", "--help"]):
        with Path("/dev/full").open("w") as full, pytest.raises(SystemExit) as exit:
            monkeypatch.setattr(sys, "stdout", full)
            main(arguments)
        assert exit.value.code == 1
        assert "error: stdout: No space left on device" in capsys.readouterr().err


class Gone(io.StringIO):
    """Standard output whose reader has gone: `| head`."""

    def write(self, _: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        (["compare", "RUN", "--out", "FILE"], "comparison.json"),
        (["describe", "RUN", "--svg", "FILE"], ""),
        (["probe", "RUN", "--html", "FILE"], ""),
        (["explain", "MODEL", "ein Haus", "--html", "FILE"], ""),
        (["benchmark", "MODEL", "--input", "TEXT", "--json", "FILE"], ""),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_file_is_written_before_anything_is_printed(
    arguments: list[str], file: str, here: Path, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"RUN": str(here), "MODEL": model, "FILE": str(tmp_path / "file"), "TEXT": str(tmp_path / "text")}
    (tmp_path / "text").write_text("ein Haus\n")
    monkeypatch.setattr(sys, "stdout", Gone())
    main([names.get(word, word) for word in arguments])
    assert (tmp_path / "file" / file).is_file()
