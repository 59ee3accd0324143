from pathlib import Path

import pytest


def test_a_page_in_the_folder_of_the_run(seq2seq, here: Path) -> None:
    status, out, err = seq2seq("report", str(here))
    assert (status, out) == (0, b"") and f"Written: {here / 'report.html'}" in err
    assert "letters" in (here / "report.html").read_text()


def test_no_folder(seq2seq, tmp_path: Path) -> None:
    status, _, err = seq2seq("report", f"{tmp_path}/absent")
    assert status == 2 and "There is no such run folder." in err


def test_live_is_told_and_handed_on(seq2seq, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    monkeypatch.setattr(
        "seq2seq.analysis.report.write_report", lambda runs, path, *, live: given.append((runs, path, live)) or path
    )
    page = tmp_path / "report.html"
    for options in ([], ["--live"]):
        status, out, err = seq2seq("report", str(tmp_path), *options)
        assert (status, out) == (0, b"") and f"Written: {page}" in err
        assert (f"Writing {page} every 10 seconds" in err) == bool(options)
    assert given == [([tmp_path], page, False), ([tmp_path], page, True)]
