from pathlib import Path


def test_a_page_in_the_folder_of_the_run(seq2seq, here: Path) -> None:
    status, out, err = seq2seq("report", str(here))
    assert (status, out) == (0, b"") and f"Written: {here / 'report.html'}" in err
    assert "letters" in (here / "report.html").read_text()


def test_no_folder(seq2seq, tmp_path: Path) -> None:
    status, _, err = seq2seq("report", f"{tmp_path}/absent")
    assert status == 2 and "There is no such run folder." in err
