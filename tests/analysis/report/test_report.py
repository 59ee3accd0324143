import json
import os
import platform
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from seq2seq.analysis.comparison.measured import Texts, read_measured
from seq2seq.analysis.report import gather, page, read_insight, report_page, write_report
from seq2seq.analysis.report.insight import Insight
from seq2seq.analysis.report.page import _languages, _sentences, _wiring, try_report
from seq2seq.analysis.report.sentences import faults, picks, qualities
from seq2seq.layers import StateBridge
from seq2seq.recipe import Data, EvaluationSettings, Recipe
from seq2seq.system.files import fingerprint
from tests.analysis.comparison.fabricated import SOURCES, finished_folder, make_corpus
from tests.letters import RECIPE


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that never was; its model file holds nothing."""
    monkeypatch.chdir(tmp_path)
    make_corpus(tmp_path)
    return finished_folder(tmp_path / "run<", "training.epochs=2")


def test_a_page_says_what_it_cannot_draw_and_draws_the_rest(folder: Path) -> None:
    html = report_page([folder])
    assert "The model could not be asked." in html  # the file is empty
    assert "The training text cannot be read here." in html  # no tokenizer lies there
    assert re.search(r"chrf on test<b>[0-9.]+</b><span>\[[0-9.]+ … [0-9.]+\]", html)
    assert "exact_match on validation, by real decoding" in html and "F1 of words of the reference" in html
    assert "target tokens per second" not in html  # its epochs have no steps
    assert "run&lt;" in html and "run<" not in html
    assert not re.search(r'(src|href)="(?!data:)|url\(|@import', html)


def test_two_runs_on_one_page(folder: Path) -> None:
    other = finished_folder(folder.with_name("other"), "name=second", "training.learning_rate=0.5", seed=1)
    html = report_page([folder, other])
    assert html.count("<h1>") == 2 and "<title>Report: letters, second</title>" in html
    assert "<td>training.learning_rate</td><td>0.5</td>" in html


def test_a_run_without_its_texts(folder: Path) -> None:
    (folder / "test.source.txt").unlink()
    html = report_page([folder])
    assert "Texts are missing: test.source.txt." in html and "--resume" in html


def test_a_run_that_goes_on(folder: Path) -> None:
    (folder / "result.json").unlink()
    html = report_page([folder], refresh=10)
    assert "No result yet. Epoch 2 of at most 2" in html and 'http-equiv="refresh"' in html
    (folder / "log.jsonl").unlink()
    assert "Training has not begun." in report_page([folder])


def refuse(path: Path, values: object) -> None:
    raise PermissionError(13, "Permission denied", str(path))


def go_on(folder: Path, *events: dict) -> str:
    """Take the run up again, and give the page about it."""
    with (folder / "log.jsonl").open("a") as log:
        log.writelines(f"{json.dumps(event)}\n" for event in ({"event": "resume"}, *events))
    return report_page([folder])


def test_a_run_that_was_taken_up_again_after_its_result(folder: Path) -> None:
    html = go_on(folder, {"event": "epoch", "epoch": 1, "update": 30, "loss": 1.0})
    assert (
        "Training has gone on since this result. No result yet. Epoch 1 of at most 2" in html and "chrf on test" in html
    )
    assert "loss, nats per token, with label smoothing of 0.1" in html
    minutes = json.loads((folder / "result.json").read_text())["minutes"]
    assert "Training has gone on" not in go_on(folder, {"event": "end", "stopped": "finished", "minutes": minutes})


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"event": "end", "stopped": "SIGINT", "minutes": 1.0}, "stopped by SIGINT. To go on: seq2seq train "),
        ({"event": "not_finite", "message": "Loss is NaN."}, "Training broke off. Loss is NaN."),
    ],
)
def test_a_run_that_was_stopped_is_not_waited_for(folder: Path, event: dict, said: str) -> None:
    (folder / "result.json").unlink()
    assert said in go_on(folder, event)
    assert said in write_report([folder], folder / "live.html", live=True).read_text()
    assert "No result yet." in go_on(folder)


def test_columns_without_names_are_called_columns() -> None:
    assert _languages(Recipe("words", Data("words.tsv", "0", "phones"))) == ("column 0", "phones")


def test_live_until_the_run_has_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result, path, seen = folder / "result.json", folder / "live.html", []
    later = result.read_text()
    result.unlink()
    assert "refresh" not in write_report([folder], path, live=True).read_text()  # nobody is at work
    (folder / "lock").write_text(json.dumps({"process": os.getpid(), "machine": platform.node()}))

    def sleep(seconds: float) -> None:
        seen.append('http-equiv="refresh"' in path.read_text())
        if len(seen) == 2:
            result.write_text(later)

    monkeypatch.setattr("seq2seq.analysis.report.page.time.sleep", sleep)
    write_report([folder], path, live=True)
    assert seen == [True, True] and 'http-equiv="refresh"' not in path.read_text()


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"There is no run to report on\. Received: "):
        report_page([tmp_path])


def test_a_training_never_fails_by_its_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try_report(tmp_path)
    assert "no report was written: There is no run" in capsys.readouterr().err


def test_what_another_version_gathered_or_is_damaged_is_gathered_anew(folder: Path) -> None:
    told = Insight(fingerprint(folder / "model.s2s"), "<svg/>", [-0.5], {})
    right, file = json.dumps(vars(told)), folder / "insight.json"
    file.write_text(right)
    assert read_insight(folder) == told
    less = {name: value for name, value in vars(told).items() if name != "wiring"}
    for written in (json.dumps({**vars(told), "picture": ""}), json.dumps(less), f"[{right}]", right[:-1], ""):
        file.write_text(written)
        assert read_insight(folder) is None
    file.write_text(right)
    (folder / "model.s2s").write_text("another")
    assert read_insight(folder) is None


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ({"source": "a\n"}, "stand line by line beside each other. Received: "),
        (dict.fromkeys(("source", "reference", "translations"), ""), "There is no sentence in the files of test."),
    ],
)
def test_texts_that_tell_nothing_do_not_spoil_the_rest(folder: Path, lines: dict[str, str], said: str) -> None:
    for name, text in lines.items():
        (folder / f"test.{name}.txt").write_text(text)
    html = report_page([folder])
    assert said in html and "exact_match on validation, by real decoding" in html and "To repeat it" in html


def silently(build_for):
    """Build a bridge, and forget how it is wired."""

    def build(bridge, *given):
        build_for(bridge, *given)
        bridge.wires = []

    return build


@pytest.mark.slow
def test_what_only_the_model_can_tell(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = read_measured(here).texts("test")
    found = gather(here, texts)
    assert found.wiring.startswith("<svg")
    assert len(found.confidence) == len(texts.sources) and all(value < 0 for value in found.confidence)
    for seen in found.alignments.values():
        assert len(seen["weights"]) == len(seen["target"]) and all(abs(sum(row) - 1) < 0.01 for row in seen["weights"])
    assert read_insight(here) == found
    html = report_page([here])
    assert "data:image/svg+xml;base64," in html and "<h2>How good the surest are</h2>" in html
    with monkeypatch.context() as patch:  # a folder that may only be read
        patch.setattr("seq2seq.analysis.report.insight.write_object", refuse)
        assert gather(here, texts) == found
    assert gather(here, None) == replace(found, confidence=[], alignments={}) and read_insight(here) == found
    with monkeypatch.context() as patch:  # a bridge of one's own need not say how it is wired
        patch.setattr("seq2seq.layers.bridge.StateBridge.build_for", silently(StateBridge.build_for))
        silent = gather(here, None)
        assert silent == replace(found, wiring="", confidence=[], alignments={})
        assert "has no wires" in "".join(_wiring(silent, ""))
    for kind, said in (("general", "no translation whose alignment"), ("none", "A model without attention")):
        recipe = RECIPE.override([f"model.attention.kind={kind}"])
        assert said in "".join(_sentences(recipe, texts, replace(found, alignments={}), "", None))
    shutil.copy(here / "result.json", here / "model.s2s")  # of another model it is not told
    assert read_insight(here) is None


def test_the_surest_are_drawn_where_the_model_has_told_it() -> None:
    recipe = Recipe("a", Data("b", "de", "en"), evaluation=EvaluationSettings(("exact_match", "chrf")))
    texts = Texts([*"abcdef"], ["x"] * 6, [*"xxyyxx"])
    told = Insight("", "", [-0.1, -0.2, -0.9, -0.8, -0.3, None], {})
    title, drawn = page._surest(recipe, texts, told)
    assert title == "<h2>How good the surest are</h2>" and "exact_match of the surest" in drawn
    # Of the 5 that are known: all, then 4, 3, 2 and 1; score and share.
    assert re.findall(r'text-anchor="middle">([^<]+)<', drawn) == [
        "60", "100", "75", "90", "100", "70", "100", "50", "100", "30",
    ]  # fmt: skip
    assert page._surest(recipe, texts, None) == []


def test_sentences_to_look_at_are_chosen_once() -> None:
    texts = Texts(["a", "b", "c", "d"], ["x"] * 4, ["x", "y", "z", ""])
    found = picks(texts, [100.0, 0.0, 50.0, 0.0], [-0.1, -0.2, -9.0, None], each=1)
    assert found == [("best", 0), ("worst", 1), ("most uncertain", 2)]


def test_faults_of_single_words_go_by_characters() -> None:
    found = faults(Texts(SOURCES[:2], ["abcdef", "abc"], ["ab", "abc abc abc abc"]))
    assert (found.short, found.long, found.repeated) == ([0], [1], [1])


def test_the_page_of_the_command(here: Path) -> None:
    (here / "insight.json").write_text(json.dumps({"model": "", "wiring": "", "confidence": [], "alignments": {}}))
    path = write_report([here], here / "r.html")
    html = path.read_text()
    assert "<title>Report: letters</title>" in html and html.count("<h1>") == 1 and html.endswith("</html>\n")
    assert "data:image/svg+xml;base64," in html and read_insight(here).model == fingerprint(here / "model.s2s")
    assert path.stat().st_size < 1_500_000


def test_a_translation_is_as_good_as_the_best_that_is_right_for_its_source() -> None:
    texts = Texts(["read", "read", "cat"], ["R IY D", "R EH D", "K AE T"], ["r eh d", "R EH D", "K AE"])
    several = EvaluationSettings(("exact_match",), several_references=True, lowercase=True)
    assert qualities(texts, several)[:2] == [100, 100] > qualities(texts, several)[2:]
    assert qualities(texts, EvaluationSettings(("exact_match",)))[0] < 50
