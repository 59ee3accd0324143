from pathlib import Path

from seq2seq import Translator


def test_learns_and_translates_with_it(seq2seq, model: str, tmp_path: Path) -> None:
    source, target, short = tmp_path / "a.de", tmp_path / "a.en", tmp_path / "short.s2s"
    source.write_text("ein Haus\nWald\n")
    target.write_text("der See\nam\n")
    status, out, err = seq2seq(
        "shortlist", model, "--source", str(source), "--target", str(target), "--output", str(short)
    )
    assert (status, err) == (0, "")
    assert f"Wrote {short}: " in out.decode()
    assert Translator.load(short).shortlist is not None
    status, out, _ = seq2seq("translate", str(short), "--shortlist", stdin=b"Wald\n")
    assert status == 0
    assert set(out.decode().strip()) <= set("der See am")


def test_a_translator_without_one(seq2seq, model: str) -> None:
    status, out, err = seq2seq("translate", model, "--shortlist", stdin=b"Wald\n")
    assert (status, out) == (1, b"")
    assert "This translator has no shortlist" in err


def test_unequal_files(seq2seq, model: str, tmp_path: Path) -> None:
    for name, text in (("a.de", "ein\nHaus\n"), ("a.en", "der\n")):
        (tmp_path / name).write_text(text)
    status, _, err = seq2seq("shortlist", model, "--source", str(tmp_path / "a.de"), "--target", str(tmp_path / "a.en"))
    assert status == 1
    assert "same number of lines" in err
