import pytest

from seq2seq.metrics import EvaluationSettings, surest

EXACT = EvaluationSettings(("exact_match",))


def test_the_surest_are_measured_alone() -> None:
    sureness = [-0.5, -0.1, -0.9, -0.2, -0.3, -0.7, -0.6, -0.4, -0.8, -1.0]
    right = [place in (1, 3, 4, 7) for place in range(10)]
    found = surest(sureness, ["a"] * 10, ["a" if each else "b" for each in right], EXACT, expected=sureness)
    assert [each.scores["exact_match"].value for each in found] == pytest.approx(
        [40, 400 / 9, 50, 400 / 7, 400 / 6, 80, 100, 100, 100, 100]
    )
    assert (found[-2].least, found[-2].expected, found[0].least) == (-0.2, pytest.approx(-0.15), -1.0)


def test_few_sentences_are_measured_once_each() -> None:
    found = surest([0.0] * 3, ["a"] * 3, ["a"] * 3, EXACT)
    assert [(each.share, each.sentences) for each in found] == [(100, 3), (90, 2), (60, 1)]


def test_several_references_stay_together() -> None:
    several = EvaluationSettings(("exact_match",), several_references=True)
    found = surest([-1.0, -0.5, -1.0], ["a", "b", "a"], ["x", "b", "a"], several, sources=["1", "2", "1"])
    assert [(each.sentences, each.least, each.scores["exact_match"].value) for each in found] == [
        (2, -1.0, 100.0), (1, -0.5, 100.0)
    ]  # fmt: skip


def test_of_equally_sure_ones_the_first_is_kept() -> None:
    found = surest([-0.5, -0.5], ["a", "x"], ["a", "a"], EXACT)
    assert [each.scores["exact_match"].value for each in found] == [50, 100]


def test_a_source_is_as_sure_as_the_translation_of_it_that_is_scored() -> None:
    several = EvaluationSettings(("exact_match",), several_references=True)
    found = surest([-1.0, -0.5, -0.1], ["a", "b", "c"], ["a", "x", "c"], several, sources=["1", "2", "1"])
    assert [(each.least, each.scores["exact_match"].value) for each in found] == [(-1.0, 50.0), (-0.5, 0.0)]


def test_a_share_that_has_no_score_is_left_out() -> None:
    references = ["", *"abcdefghi"]
    settings = EvaluationSettings(("character_error_rate",))
    found = surest([-0.1 * place for place in range(10)], ["", *"abcdefghi"], references, settings)
    assert [each.share for each in found] == [100, 90, 80, 70, 60, 50, 40, 30, 20]
    with pytest.raises(ValueError, match="reference"):
        surest([0.0], ["a"], [""], settings)
