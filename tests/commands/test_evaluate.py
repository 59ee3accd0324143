import json
from pathlib import Path

from seq2seq import Translator


def test_translations_equal_to_the_references_are_perfect(
    seq2seq, model: str, translator: Translator, tmp_path: Path
) -> None:
    sources = ["ein Haus am See", "der Wald und der See", "Haus"]
    (tmp_path / "x.de").write_text("\n".join(sources))
    (tmp_path / "x.en").write_text("\n".join(translator.translate(sources)) + "\n")
    files = ["--source", f"{tmp_path}/x.de", "--target", f"{tmp_path}/x.en"]
    status, out, _ = seq2seq("evaluate", model, *files, "--json")
    result = json.loads(out)
    assert status == 0 and result["sentences"] == 3
    assert result["metrics"]["exact_match"] == 100
    assert list(result["metrics"]) == list(result["signatures"]) == ["exact_match", "bleu"]
    status, out, _ = seq2seq("evaluate", model, *files, "--metrics", "chrf,exact_match")
    rows = [line.split() for line in out.decode().splitlines()]
    assert status == 0 and rows[0] == ["metric", "value", "signature"]
    assert rows[2][:2] == ["chrf", "100.00"] and rows[3][:2] == ["exact_match", "100.00"]


def test_what_is_cut_is_counted(seq2seq, model: str, tmp_path: Path) -> None:
    (tmp_path / "x.de").write_text(f"Haus\n\n{'a' * 1001}\n")
    (tmp_path / "x.en").write_text("house\n\nx\n")
    files = ["--source", f"{tmp_path}/x.de", "--target", f"{tmp_path}/x.en"]
    status, out, err = seq2seq("evaluate", model, *files, "--max-length-factor", "0.01", "--json")
    told = json.loads(out)
    assert (status, told["sentences"], told["cut"], told["in_parts"]) == (0, 3, 2, 1)
    assert "warning: Cut at the limit of length: 2 of 3 translations" in err
    assert "in parts, as too long for one: 1 source." in err and err.count("\n") == 1


def test_unequal_files_are_a_failed_job(seq2seq, model: str, tmp_path: Path) -> None:
    (tmp_path / "x.de").write_text("Haus\nWald\n")
    (tmp_path / "x.en").write_text("house\n")
    status, out, err = seq2seq("evaluate", model, "--source", f"{tmp_path}/x.de", "--target", f"{tmp_path}/x.en")
    assert (status, out) == (1, b"")
    assert "x.de with 2" in err and "x.en with 1 lines" in err


def test_a_run_folder_stands_for_its_model(seq2seq, here: Path) -> None:
    files = ["--source", f"{here}/test.source.txt", "--target", f"{here}/test.reference.txt"]
    scores = json.loads((here / "result.json").read_text())["metrics"]["test"]
    assert json.loads(seq2seq("evaluate", str(here), *files, "--json")[1])["metrics"] == scores
    assert seq2seq("describe", str(here))[1].startswith(f"{here}/model.s2s\n".encode())


def test_several_references_are_one_sentence(seq2seq, model: str, translator: Translator, tmp_path: Path) -> None:
    sources = ["ein Haus", "Wald", "ein Haus"]
    right = translator.translate(sources)
    (tmp_path / "x.de").write_text("".join(f"{text}\n" for text in sources))
    (tmp_path / "x.en").write_text(f"other\nother\n{right[0]}\n")
    files = ["--source", f"{tmp_path}/x.de", "--target", f"{tmp_path}/x.en", "--metrics", "exact_match", "--json"]
    for option, sentences, score in (([], 3, 100 / 3), (["--several-references"], 2, 50)):
        told = json.loads(seq2seq("evaluate", model, *files, *option)[1])
        assert (told["sentences"], told["lines"]) == (sentences, 3)
        assert abs(told["metrics"]["exact_match"] - score) < 1e-9
