import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from seq2seq.analysis.comparison import Comparison, Difference, compare_runs
from seq2seq.analysis.comparison.page import page
from seq2seq.analysis.comparison.pictures import draw_differences, draw_scores
from seq2seq.analysis.pages.charts import draw_curves
from tests.analysis.comparison.fabricated import finished_folder, make_corpus, spoilt

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def comparison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Comparison:
    monkeypatch.chdir(tmp_path)
    make_corpus(tmp_path)
    for name, share in (("a<b", 0.4), ("c", 0.01)):
        for seed in range(2):
            settings = [f"name={name[0]}", f"training.learning_rate={0.001 if share > 0.1 else 0.002}"]
            finished_folder(tmp_path / f"{name}-{seed}", *settings, seed=seed, translations=spoilt(share, seed))
    return compare_runs(["a<b-0", "a<b-1", "c-0", "c-1"])


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def circles(svg: str) -> list[float]:
    return [float(each.get("cx")) for each in drawn(svg).iter(f"{SVG}circle")]


def test_a_page_needs_nothing_else(comparison: Comparison) -> None:
    html = page(comparison)
    assert not re.search(r"(src|href)=|url\(|@import", html)
    assert re.findall(r"https?://\S+", html) == ['http://www.w3.org/2000/svg">'] * 5  # 2 metrics of 2, and the curves
    assert "prefers-color-scheme: dark" in html
    for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL):
        assert drawn(svg).tag == f"{SVG}svg"
    ElementTree.fromstring(
        html.removeprefix("<!doctype html>\n").replace('"utf-8">', '"utf-8"/>').replace('=1">', '=1"/>')
    )
    assert "95 % interval" in html and "<td>better</td>" in html


def test_every_colour_that_is_used_is_there_in_light_and_dark(comparison: Comparison) -> None:
    html = page(comparison)
    light, dark = re.findall(r":root \{([^}]*)\}", html)
    named = set(re.findall(r"var\((--\w+)\)", html)) - {"--c"}
    for colours in (light, dark):
        assert named <= set(re.findall(r"(--\w+):", colours))


def test_scores_stand_where_they_belong() -> None:
    places = circles(draw_scores(["a", "b"], [[10, 20], [30]], "bleu"))
    assert places[1] - places[0] == pytest.approx(places[2] - places[1], abs=0.2)
    assert len(set(circles(draw_scores(["a"], [[5.0, 5.0]], "bleu")))) == 1


def test_what_is_no_number_is_left_out_of_the_picture() -> None:
    nan = float("nan")
    assert circles(draw_scores(["a", "b"], [[nan, 20], [10, 30]], "wer")) == circles(
        draw_scores(["a", "b"], [[20], [10, nan, 30]], "wer")
    )
    assert circles(draw_scores(["a"], [[nan, nan]], "wer")) == []


def test_what_was_not_detected_is_hollow() -> None:
    found = [Difference(1, 0.5, 1.5, 0.01, 0.02, 0.9, True), Difference(0, -0.5, 0.5, 1, 1, 0.9, True)]
    svg = draw_differences(["b", "c"], found, "difference")
    assert [("hollow" in each.get("class")) for each in drawn(svg).iter(f"{SVG}circle")] == [False, True]


def test_curves_leave_out_what_is_not_finite_and_long_names_are_cut() -> None:
    svg = draw_curves(["x" * 90, "b"], [[[(0, 1.0), (5, float("nan")), (10, 3.0)], []], [[(10, 2.0)]]], "loss")
    assert "nan" not in svg
    assert "x" * 43 + "…" in "".join(drawn(svg).itertext())
    assert len([each for each in drawn(svg).iter(f"{SVG}path") if each.get("class") == "curve c0"]) == 1
