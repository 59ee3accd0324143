import json
from pathlib import Path

import pytest

from seq2seq import Translator
from seq2seq.search import Beam

SOURCES = ["ein Haus", "", "Wald", "am See"]


@pytest.fixture
def files(translator: Translator, tmp_path: Path) -> Path:
    """Sources, their best translations with scores, and references."""
    (tmp_path / "x.de").write_text("".join(f"{text}\n" for text in SOURCES))
    found = translator.hypotheses(SOURCES, Beam(4, n_best=4))
    rows = [f"{n}\t{one.score:.4f}\t{one.text}\n" for n, each in enumerate(found, start=1) for one in reversed(each)]
    (tmp_path / "x.nbest").write_text("".join(rows))
    (tmp_path / "x.en").write_text("".join(f"{best.text}\n" for best, *_ in found))
    return tmp_path


@pytest.mark.slow
def test_the_likeliest_of_each_list(seq2seq, model: str, translator: Translator, files: Path) -> None:
    given = ["--source", f"{files}/x.de", "--n-best", f"{files}/x.nbest"]
    status, out, err = seq2seq("rerank", model, *given)
    # The search divides by the length in tokens as the model's mean does.
    assert (status, out.decode().splitlines()) == (0, (files / "x.en").read_text().splitlines())
    assert err == "Another translation than the first of its list: 3 of 4.\n"
    status, out, _ = seq2seq(
        "rerank", model, "--scores", *given[:2], "--n-best", "-", stdin=(files / "x.nbest").read_bytes()
    )
    value, text = out.decode().splitlines()[2].split("\t")
    mean = (one := translator.score(["Wald"], [text])[0]).log_prob / len(one.tokens)
    (listed,) = (
        row.split("\t")[1] for row in (files / "x.nbest").read_text().splitlines() if row.endswith(f"\t{text}")
    )
    assert float(value) == pytest.approx(float(listed) + mean, abs=1e-3)


@pytest.mark.slow
def test_tuned_weights_are_written_and_used_again(seq2seq, model: str, files: Path) -> None:
    given = ["--backward", model, "--source", f"{files}/x.de", "--n-best", f"{files}/x.nbest"]
    tuned = ["--tune", f"{files}/weights.json", "--target", f"{files}/x.en", "--metric", "chrf"]
    status, out, err = seq2seq("rerank", model, *given, *tuned)
    assert status == 0 and [line.split()[0] for line in out.decode().splitlines()[2:]] == [
        "score", "length", "forward", "backward",
    ]  # fmt: skip
    assert "chrf of what is chosen, on 4 sentences: " in err and "100.00 with these weights (nrefs:1|" in err
    written = json.loads((files / "weights.json").read_text())
    assert written["tuned"]["after"] == pytest.approx(100) and set(written["models"]) == {"forward 1", "backward 1"}
    (files / "other.en").write_text("other\n\n\n\n")
    assert "(nrefs:var|" in seq2seq("rerank", model, *given, *tuned, "--target", f"{files}/other.en")[2]
    status, out, _ = seq2seq("rerank", model, *given, "--weights", f"{files}/weights.json")
    assert (status, out.decode()) == (0, (files / "x.en").read_text())
    status, _, err = seq2seq("rerank", *given, "--weights", f"{files}/weights.json")
    assert status == 1 and "Received: score, length, backward 1" in err
    written["models"]["forward 1"] = "another"
    (files / "weights.json").write_text(json.dumps(written))
    status, _, err = seq2seq("rerank", model, *given, "--weights", f"{files}/weights.json")
    assert status == 1 and "another model for forward 1" in err


def test_what_cannot_be_is_refused(seq2seq, model: str, files: Path) -> None:
    given = ["--source", f"{files}/x.de", "--n-best", f"{files}/x.nbest"]
    for arguments, told in (
        ([], "Received: none. Name a MODEL"),
        (["absent.s2s"], "absent.s2s"),
        ([model, "--tune", "w.json"], "--tune without --target"),
        ([model, "--target", f"{files}/x.en"], "--target without --tune"),
        ([model, "--metric", "chrf"], "--metric chrf without --tune"),
        ([model, "--tune", "w", "--target", "t", "--scores"], "--tune and --scores"),
        ([model, "--weights", "absent.json"], "no such text file. Received: absent.json"),
    ):
        status, out, err = seq2seq("rerank", *arguments, *given)
        assert (status, out) == (2, b"") and told in err
    (files / "bad.json").write_text("[1")
    status, _, err = seq2seq("rerank", model, *given, "--weights", f"{files}/bad.json")
    assert status == 2 and "Weights are what `seq2seq rerank --tune` writes" in err
    (files / "x.de").write_text("ein Haus\n")
    status, _, err = seq2seq("rerank", model, *given)
    assert status == 1 and "x.de with 1, " in err and "x.nbest with 4" in err
