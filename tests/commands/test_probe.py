import json
from pathlib import Path

import pytest


def test_a_run_and_its_validation_text(seq2seq, here: Path, tmp_path: Path) -> None:
    status, out, err = seq2seq("probe", str(here), "--json", "--html", f"{tmp_path}/page.html")
    found = json.loads(out)
    assert status == 0 and (found["metric"], found["sentences"]) == ("exact_match", 3)
    assert {each["where"] for each in found["states"]} == {"layer 0", "layer 0, hidden", "layer 0, cell"}
    assert "Written: " in err and "What letters passes" in (tmp_path / "page.html").read_text("utf-8")


@pytest.mark.slow
def test_text_of_ones_own(seq2seq, here: Path, tmp_path: Path) -> None:
    for side, text in (("source", "ae\nbf\ncg\n"), ("target", "AE\nBF\nCG\n")):
        (tmp_path / side).write_text(text)
    given = "--source", f"{tmp_path}/source", "--target", f"{tmp_path}/target"
    status, out, _ = seq2seq("probe", f"{here}/model.s2s", *given, "--sentences", "2")
    assert status == 0 and "exact_match 0.00 on 2 sentences with greedy" in out.decode()
    assert "position" in out.decode() and "The length is not read" in out.decode()


def test_what_is_refused(seq2seq, here: Path, tmp_path: Path) -> None:
    model = f"{here}/model.s2s"
    for given, said in (
        ((model,), f"Received: {model}, and no text. Name --source and --target"),
        ((str(here), "--source", model), "Received: --source alone."),
        ((str(here), "--shortlist"), "nothing comes through from the source. Received: --shortlist."),
        ((str(here), "--mbr", "chrf"), "Received: --mbr chrf"),
        ((f"{tmp_path}/absent",), "There is no model file."),
    ):
        status, _, err = seq2seq("probe", *given)
        assert status == 2 and said in err
    (here / "validation.source.txt").unlink()
    status, _, err = seq2seq("probe", str(here))
    assert status == 2 and "without validation.source.txt. Name --source and --target; or" in err
