from pathlib import Path
from types import SimpleNamespace

import pytest


def test_one_sentence(seq2seq, model: str, tmp_path: Path) -> None:
    files = "--html", f"{tmp_path}/x.html", "--svg", f"{tmp_path}/x.svg"
    status, out, _ = seq2seq("explain", model, "ein Haus", "--beam-size", "2", "--reference", "See", *files)
    assert status == 0 and "place in the beam" in out.decode() and "reference" in out.decode()
    assert (tmp_path / "x.html").exists() and (tmp_path / "x.svg").read_text().startswith("<svg")


def test_options_that_say_nothing_here(seq2seq, model: str) -> None:
    status, _, err = seq2seq("explain", model, "ein Haus", "--shortlist", "--batch-size", "3")
    assert status == 2 and "nothing comes through from the source. Received: --shortlist --batch-size." in err


def test_what_chooses_otherwise_than_by_score(seq2seq, model: str) -> None:
    status, _, err = seq2seq("explain", model, "ein Haus", "--mbr", "chrf")
    assert status == 2 and "Received: --mbr chrf" in err


def test_an_alignment_of_a_model_without_attention_is_refused_before_the_work(
    seq2seq, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = SimpleNamespace(model=SimpleNamespace(decoder=SimpleNamespace(attention=None)))
    monkeypatch.setattr("seq2seq.commands.explain.named_translator", lambda path: without)
    status, out, err = seq2seq("explain", "model.s2s", "ae", "--svg", "x.svg")
    assert (status, out) == (2, b"") and "Received: --svg x.svg, for a model without." in err
