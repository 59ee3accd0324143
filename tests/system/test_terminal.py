import os
import sys
from pathlib import Path

import pytest

from seq2seq.system.terminal import UsageError, exit_status, format_records, format_table, width


def test_columns_stand_below_each_other_whatever_the_script() -> None:
    table = format_table(["text", "n"], [["1979年5月3日", 1], ["3 mai", 12345]], numbers=[1])
    header, rule, first, second = table.splitlines()
    assert {width(line) for line in (header, rule, first, second)} == {width(rule)}
    assert second.endswith("12,345") and first.endswith("     1")


def test_a_table_is_its_columns_and_two_spaces_between() -> None:
    table = format_table(["a", "name"], [["\N{COMBINING ACUTE ACCENT}e", ""], ["1e5", "NaN"]], numbers=[0])
    assert table.split("\n") == ["  a  name", "---  ----", "  \N{COMBINING ACUTE ACCENT}e", "1e5  NaN"]
    assert format_table(["a", "b"], []) == "a  b\n-  -"


def test_long_records_are_wrapped_under_their_names() -> None:
    text = "word " * 30
    lines = format_records([[("source", text), ("translation", "short")]], 60).splitlines()
    assert max(map(len, lines)) <= 60
    assert "".join(line[13:] + " " for line in lines[:-1]).split() == text.split()
    assert lines[-1] == "translation  short"


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (UsageError("no such option"), 2, "seq2seq: error: no such option\n"),
        (ValueError("bad text"), 1, "seq2seq: error: bad text\n"),
        (
            ModuleNotFoundError("No module named 'tqdm'", name="tqdm"),
            1,
            "seq2seq: error: This takes tqdm, which is not installed. "
            "Install all that seq2seq needs: pip install seq2seq.\n",
        ),
        (ModuleNotFoundError("Install it.", name="tqdm"), 1, "seq2seq: error: Install it.\n"),
        (
            FileNotFoundError(2, "No such file", "x.de"),
            1,
            "seq2seq: error: x.de: No such file. Check the spelling, and where you are.\n",
        ),
        (RuntimeError("odd"), 1, "seq2seq: error: RuntimeError: odd (--debug shows where)\n"),
        (KeyboardInterrupt(), 130, "seq2seq: stopped by Ctrl-C\n"),
    ],
)
def test_what_goes_wrong_becomes_one_message_and_a_status(
    error: BaseException, status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def job() -> None:
        raise error

    assert exit_status(job) == status
    assert capsys.readouterr() == ("", message)


def test_debug_shows_where(capsys: pytest.CaptureFixture[str]) -> None:
    def job() -> None:
        raise ValueError("bad text")

    assert exit_status(job, debug=True) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_what_stdout_does_not_take_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop() -> None:
        print("a table")
        raise SystemExit(143)

    with Path("/dev/full").open("w") as full:  # closing it, as Python does at the end, is no second error
        monkeypatch.setattr(sys, "stdout", full)
        assert exit_status(lambda: print("a table")) == 1
        assert "error: stdout: No space left on device. Free some space" in capsys.readouterr().err
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(SystemExit) as stopped:
            exit_status(stop)
        assert stopped.value.code == 143
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nobody:
        monkeypatch.setattr(sys, "stdout", nobody)
        assert exit_status(lambda: print("a table")) == 1
        assert capsys.readouterr().err == ""
