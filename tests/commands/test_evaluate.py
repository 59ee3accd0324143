import json
from pathlib import Path

import pytest
from sacrebleu.metrics.bleu import BLEU

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


@pytest.mark.slow
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


def test_several_files_of_references_are_several_references_of_each_line(
    seq2seq, model: str, translator: Translator, tmp_path: Path
) -> None:
    sources = ["ein Haus am See", "der Wald und der See", "Haus", "am See"]
    said = translator.translate(sources)
    first, second = ["other words", said[1], "one", ""], [said[0], "another one here", "", ""]
    for name, texts in (("x.de", sources), ("x.en", first), ("y.en", second)):
        (tmp_path / name).write_text("".join(f"{text}\n" for text in texts))
    files = ["--source", f"{tmp_path}/x.de", "--target", f"{tmp_path}/x.en", "--target", f"{tmp_path}/y.en"]
    options = ["--metrics", "exact_match,bleu", "--by-length", "--worst", "9", "--surest", "--json"]
    told = json.loads(seq2seq("evaluate", model, model, *files, *options)[1])
    # As sacreBLEU has them; an empty line is no reference where there is another.
    streams = [first, [said[0], "another one here", None, None]]
    right = BLEU().corpus_score(said, streams)
    for each in (*told["models"], told["models"][0]["surest"][0]):
        scores = each.get("metrics", each.get("scores"))
        assert scores["bleu"] == pytest.approx(right.score) and scores["exact_match"] == 50
    assert "nrefs:var" in told["signatures"]["bleu"]
    assert [each["value"] for each in told["compared"]["bleu"]["systems"]] == pytest.approx([right.score] * 2)
    sizes, scores = told["by_length"]["sizes"], told["by_length"]["scores"][model]
    assert sum(size * score for size, score in zip(sizes, scores, strict=True)) == pytest.approx(100 * 2)
    references = {one["source"]: one["references"] for one in told["models"][0]["worst"]}
    assert references["ein Haus am See"] == ["other words", said[0]]
    assert (references["Haus"], references["am See"]) == (["one"], [""])
    table = seq2seq("evaluate", model, *files, "--metrics", "exact_match")[1].decode()
    assert "50.00" in table and "nrefs:var" in table
    (tmp_path / "y.en").write_text("one line\n")
    status, out, err = seq2seq("evaluate", model, *files)
    assert (status, out) == (1, b"") and "x.en with 4" in err and "y.en with 1 lines" in err
    status, out, err = seq2seq("evaluate", model, *files[:4], "--target", "-", "--target", "-")
    assert (status, out) == (2, b"") and "Standard input is one text" in err


def test_empty_lines_say_nothing_of_the_others(seq2seq, model: str, translator: Translator, tmp_path: Path) -> None:
    sources = ["", "ein Haus am See", "", "Haus"]
    right = ["", translator.translate(["ein Haus am See"])[0], "", "zzz"]
    for name, texts in (("x.de", sources), ("x.en", right)):
        (tmp_path / name).write_text("".join(f"{text}\n" for text in texts))
    options = ["--metrics", "character_error_rate", "--surest", "--worst", "9", "--json"]
    told = json.loads(
        seq2seq("evaluate", model, "--source", f"{tmp_path}/x.de", "--target", f"{tmp_path}/x.en", *options)[1]
    )
    assert [each["sentences"] for each in told["surest"]] == [2, 1]
    assert [each["line"] for each in told["worst"]] == [4, 2]


class TestSideBySide:
    SOURCES = ("ein Haus am See", "der Wald und der See", "Haus", "am See", "ein Wald")

    @pytest.fixture
    def files(self, translator: Translator, tmp_path: Path) -> list[str]:
        (tmp_path / "x.de").write_text("".join(f"{text}\n" for text in self.SOURCES))
        right = translator.translate(self.SOURCES)
        (tmp_path / "x.en").write_text("".join(f"{text}\n" for text in [*right[:3], "other", "another"]))
        return ["--source", f"{tmp_path}/x.de", "--target", f"{tmp_path}/x.en"]

    @pytest.fixture
    def other(self, translator: Translator, tmp_path: Path) -> str:
        """A model that searches otherwise."""
        about = translator.about | {"decoding": {"search": {"kind": "greedy", "max_length_factor": 0.01}}}
        path = tmp_path / "other.s2s"
        Translator(translator.model, *[translator.source_tokenizer] * 2, about=about).save(path)
        return str(path)

    @pytest.mark.slow
    def test_several_models_are_compared_with_the_first(
        self, seq2seq, model: str, other: str, files: list[str]
    ) -> None:
        status, out, err = seq2seq("evaluate", model, other, model, *files, "--metrics", "exact_match,chrf", "--json")
        told = json.loads(out)
        assert status == 0 and [each["model"] for each in told["models"]] == [model, other, model]
        assert [each["metrics"]["exact_match"] for each in told["models"]] == [60, 0, 60]
        first, second, same = told["compared"]["exact_match"]["systems"]
        assert (first["difference"], second["difference"], same["difference"]) == (None, -60, 0)
        assert 0 < second["p"] < 0.2 and first["p"] is None and same["p"] is None
        assert "bs:1000|seed:12345" in told["compared"]["chrf"]["signature"]
        assert (
            told["signatures"]["chrf"].replace("nrefs:1|", "nrefs:1|bs:1000|seed:12345|")
            == (told["compared"]["chrf"]["signature"])
        )
        assert f"warning: {other}: Cut at the limit of length" in err
        status, out, _ = seq2seq("evaluate", model, other, *files, "--metrics", "exact_match")
        rows = [line.split() for line in out.decode().splitlines()]
        assert rows[0] == ["metric", "model", "value", "mean", "±", "95", "%", "difference", "p"]
        assert rows[2][:3] == ["exact_match", model, "60.00"] and rows[3][-2] == "-60.00"
        assert out.decode().splitlines()[-1].startswith("exact_match: metric:exact_match|")

    @pytest.mark.slow
    def test_by_length_by_frequency_and_the_worst(
        self, seq2seq, model: str, translator: Translator, files: list[str], tmp_path: Path
    ) -> None:
        (tmp_path / "train.en").write_text("another\n" * 20)
        options = ["--by-length", "--by-frequency", f"{tmp_path}/train.en", "--worst", "2"]
        told = json.loads(seq2seq("evaluate", model, *files, *options, "--json")[1])
        assert told["by_length"]["what"] == "exact_match by words in the source"
        assert told["by_length"]["names"] == ["1", "2", "4–5"] and told["by_length"]["sizes"] == [1, 2, 2]
        assert told["by_length"]["scores"] == {model: [100, 0, 100]}
        assert sum(told["by_frequency"]["sizes"]) > 0 and "10–99" in told["by_frequency"]["names"]
        bad = told["worst"]
        assert {one["line"] for one in bad} == {4, 5} and bad[0]["chrf"] <= bad[1]["chrf"] < 100
        assert {one["source"]: one["references"] for one in bad} == {"am See": ["other"], "ein Wald": ["another"]}
        (best,) = translator.hypotheses([bad[0]["source"]])[0]
        assert (bad[0]["translation"], round(bad[0]["score"], 4)) == (best.text, round(best.score, 4))
        text = seq2seq("evaluate", model, *files, *options)[1].decode()
        for part in (
            "exact_match by words in the source\n",
            "by their number in the training text\n",
            "\nline 4: chrF ",
        ):
            assert part in text

    @pytest.mark.slow
    def test_lines_of_one_source_are_one_sentence_in_all_of_it(
        self, seq2seq, model: str, other: str, translator: Translator, tmp_path: Path
    ) -> None:
        sources = ["Haus", "Wald", "Haus"]
        (tmp_path / "x.de").write_text("".join(f"{text}\n" for text in sources))
        (tmp_path / "x.en").write_text(f"one\ntwo\n{translator.translate(['Haus'])[0]}\n")
        files = ["--source", f"{tmp_path}/x.de", "--target", f"{tmp_path}/x.en", "--several-references"]
        options = ["--metrics", "exact_match", "--by-length", "--worst", "9", "--json"]
        told = json.loads(seq2seq("evaluate", model, other, *files, *options)[1])
        assert told["sentences"] == 2 and told["by_length"]["sizes"] == [2]
        assert [one["line"] for one in told["models"][0]["worst"]] == [2, 1]
        assert told["models"][0]["worst"][1]["references"] == ["one", translator.translate(["Haus"])[0]]
        assert told["compared"]["exact_match"]["systems"][0]["value"] == told["models"][0]["metrics"]["exact_match"]

    def test_what_cannot_be_is_refused_before_a_model_is_loaded(self, seq2seq, model: str, files: list[str]) -> None:
        for arguments, told in (
            ([model, "absent.s2s"], "absent.s2s"),
            ([model, model, "--ensemble", model], "2 models and --ensemble"),
            ([model, "--by-frequency", "absent.en"], "absent.en"),
        ):
            status, out, err = seq2seq("evaluate", *arguments, *files)
            assert (status, out) == (2, b"") and told in err
