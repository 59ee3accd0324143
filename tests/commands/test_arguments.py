"""Names of files on a command line, and models behind options."""

from pathlib import Path

import pytest

from seq2seq.commands.arguments import file_or_stream
from seq2seq.commands.command import make_parser


@pytest.mark.parametrize(
    "line",
    [
        ["train", "r.toml", "--out", ""],
        ["train", "r.toml", "--from", ""],
        ["train", "r.toml", "--data", ""],
        ["evaluate", "", "--source", "a", "--target", "b"],
        ["rerank", "m.s2s", "--source", "", "--n-best", "n"],
    ],
)
def test_an_empty_name_is_that_of_a_variable_that_is_not_set(line, capsys) -> None:
    with pytest.raises(SystemExit, match="2"):
        make_parser().parse_args(line)
    assert "needs a name. Received: an empty one, as of a variable that is not set" in capsys.readouterr().err


def test_a_name_that_no_record_could_hold_is_refused(capsys) -> None:
    with pytest.raises(SystemExit, match="2"):
        make_parser().parse_args(["train", "r.toml", "--data", "B\udcfccher"])
    assert r"needs a name in UTF-8, in which runs write it down. Received: b'B\xfccher'" in capsys.readouterr().err
    found = make_parser().parse_args(
        ["translate", "m.s2s", "--input", "B\udcfccher"]
    )  # of which nothing is written down
    assert found.input == Path("B\udcfccher")


def test_one_s_own_folder_is_read_in_every_option(monkeypatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    line = ["train", "~/r.toml", "--out=~/run", "--from=~/m.s2s", "--data=~/corpus"]
    found = make_parser().parse_args(line)
    assert (found.recipe, found.out) == (Path("/home/me/r.toml"), Path("/home/me/run"))
    assert (found.start_from, found.data) == ("/home/me/m.s2s", "/home/me/corpus")
    assert make_parser().parse_args(["train", "r.toml", "--from=hf://me/m"]).start_from == "hf://me/m"
    assert file_or_stream("~/a") == Path("/home/me/a") and file_or_stream("-") is None


@pytest.mark.parametrize(
    ("line", "dest"),
    [
        (["rerank", "a.s2s", "--source", "s", "--n-best", "n", "b.s2s"], "models"),
        (["evaluate", "a.s2s", "--source", "s", "--target", "t", "b.s2s"], "models"),
        (["report", "a.s2s", "--live", "b.s2s"], "runs"),
    ],
)
def test_what_stands_behind_options_is_of_its_kind_too(line, dest) -> None:
    assert getattr(make_parser().parse_args(line), dest) == [Path("a.s2s"), Path("b.s2s")]


def test_two_ways_of_going_on_are_one_too_many(capsys) -> None:
    with pytest.raises(SystemExit, match="2"):
        make_parser().parse_args(["train", "r.toml", "--resume", "--resume-if-begun"])
    assert "not allowed with argument --resume" in capsys.readouterr().err
