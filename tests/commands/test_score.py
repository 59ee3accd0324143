import json
from pathlib import Path

import pytest

from seq2seq import Translator
from seq2seq.translation import perplexity

SOURCES, TARGETS = ["ein Haus am See", "der Wald"], ["Haus am See", ""]


@pytest.fixture
def files(tmp_path: Path):
    def write(sources: str, targets: str) -> list[str]:
        (tmp_path / "x.de").write_text(sources)
        (tmp_path / "x.en").write_text(targets)
        return ["--source", f"{tmp_path}/x.de", "--target", f"{tmp_path}/x.en"]

    return write


def test_a_row_for_each_line_and_the_sums(seq2seq, model: str, translator: Translator, files) -> None:
    scores = translator.score(SOURCES, TARGETS)
    status, out, err = seq2seq("score", model, *files("\n".join(SOURCES), "\n".join([*TARGETS, ""])))
    header, _, *rows = (line.split() for line in out.decode().splitlines())
    assert (status, header) == (0, ["line", "translation", "log-probability", "tokens", "perplexity"])
    for number, (row, score) in enumerate(zip(rows, scores, strict=True), start=1):
        assert row[:2] + row[3:4] == [str(number), "1", str(len(score.tokens))]
        assert [float(row[2]), float(row[4])] == pytest.approx([score.log_prob, score.perplexity], abs=1e-4)
    told = dict(each.split(": ") for each in err.strip().split(", "))
    assert float(told.pop("log prob")) == pytest.approx(sum(score.log_prob for score in scores), rel=1e-4)
    assert float(told.pop("perplexity")) == pytest.approx(perplexity(scores), rel=1e-4)
    tokens = sum(len(score.tokens) for score in scores)
    assert told == {"sentences": "2", "tokens": str(tokens), "unknown tokens": "0"}


def test_the_right_one_of_several(seq2seq, model: str, translator: Translator, files) -> None:
    likely, unlikely = sorted(
        ["See", "der Wald am See"], key=lambda text: -translator.score(["Haus"], [text])[0].log_prob
    )
    lines = f"{likely}\t{unlikely}\n{unlikely}\tam\t{likely}\n{likely}\t{unlikely}\n"
    status, out, err = seq2seq("score", model, *files("Haus\n" * 3, lines), "--contrastive", "--json")
    told = json.loads(out)
    assert (status, err) == (0, "")
    assert told["contrastive_accuracy"] == pytest.approx(200 / 3)
    assert [len(targets) for targets in told["scores"]] == [2, 3, 2]
    right = translator.score(["Haus"] * 3, [likely, unlikely, likely])
    assert told["perplexity"] == pytest.approx(perplexity(right), rel=1e-5)
    assert told["log_prob"] == pytest.approx(sum(score.log_prob for score in right), rel=1e-5)
    second = told["scores"][1][0]
    assert second["tokens"] == list(right[1].tokens)
    assert second["token_log_probs"] == pytest.approx(right[1].token_log_probs, abs=1e-4)


def test_a_tab_is_text_like_any_other_and_what_is_unknown_is_counted(seq2seq, model: str, files) -> None:
    status, out, _ = seq2seq("score", model, *files("Haus\n", "See\tXY\n"), "--json")
    told = json.loads(out)
    assert status == 0 and told["sentences"] == len(told["scores"][0]) == 1
    assert told["unknown_tokens"] == told["scores"][0][0]["tokens"].count("<unk>") > 0


@pytest.mark.parametrize(
    ("sources", "targets", "options", "message"),
    [
        ("", "", [], r"nothing to score. Received: "),
        ("Haus\nSee\n", "house\n", [], "x.en with 1 lines"),
        ("Haus\n \n", "house\nlake\n", [], "x.de, line 2 without text. Leave the pair out"),
        ("Haus\nSee\n", "house\tlake\nlake\n", ["--contrastive"], "x.en, line 2 without a tab"),
        # of which normalization leaves nothing; the line of the file, not of all its translations
        ("Haus\n\u200b\n", "a\tb\tc\na\tb\n", ["--contrastive"], "x.de, line 2 without text. Leave the pair out"),
    ],
)
def test_what_is_refused(
    seq2seq, model: str, files, sources: str, targets: str, options: list[str], message: str
) -> None:
    status, out, err = seq2seq("score", model, *files(sources, targets), *options)
    assert (status, out) == (1, b"") and message in err


def test_standard_input_has_its_name_in_what_is_refused(seq2seq, model: str, files) -> None:
    _, _, *target = files("", "house\n")
    status, out, err = seq2seq("score", model, "--source", "-", *target, stdin=b" \n")
    assert (status, out) == (1, b"") and "Received: stdin, line 1 without text" in err
