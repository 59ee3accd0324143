import math

import pytest

from seq2seq.metrics import METRICS, EvaluationSettings, paired_bootstrap, score

RIGHT = [f"the house number {number} by the lake" for number in range(12)]
BAD = [text.replace("house", "mouse") if place % 3 else text for place, text in enumerate(RIGHT)]
WORSE = ["a " + text.replace("the lake", "my sea") for text in RIGHT]


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_is_compared_by_one_test(metric):
    found = paired_bootstrap(metric, [BAD, RIGHT, WORSE, BAD], RIGHT, EvaluationSettings())
    assert [one.value for one in found.systems] == pytest.approx(
        [score(metric, said, RIGHT).value for said in (BAD, RIGHT, WORSE, BAD)], rel=1e-6
    )
    first, *others = found.systems
    assert (first.difference, first.p, others[2].difference, others[2].p) == (None, None, 0, None)
    assert all(one.difference == pytest.approx(one.value - first.value) for one in others)
    assert all(0 < one.p <= 1 for one in others[:2]) and others[0].p < 0.05
    assert "bs:1000" in found.signature and "seed:12345" in found.signature
    assert score(metric, BAD, RIGHT).signature.split("|")[0] in found.signature


def test_it_is_what_sacrebleu_itself_says():
    from sacrebleu.metrics import BLEU
    from sacrebleu.significance import PairedTest

    signatures, scores = PairedTest([("a", BAD), ("b", WORSE)], {"BLEU": BLEU()}, [RIGHT], "bs")()
    found = paired_bootstrap("bleu", [BAD, WORSE], RIGHT, EvaluationSettings())
    _, second = scores["BLEU"]
    assert (found.systems[1].value, found.systems[1].p) == (second.score, second.p_value)
    assert found.signature == str(signatures["BLEU"])


def test_equal_scores_are_no_difference_beyond_chance():
    # Wrong in the same sentences, each in its own way.
    other = [text.replace("mouse", "moose") for text in BAD]
    found = paired_bootstrap("exact_match", [BAD, other], RIGHT, EvaluationSettings())
    assert (found.systems[1].difference, found.systems[1].p) == (0, 1)


def test_several_references_and_lower_case():
    settings = EvaluationSettings(lowercase=True)
    right = [[text.upper(), "nothing"] if place % 2 else [text.upper()] for place, text in enumerate(RIGHT)]
    for metric in ("chrf", "exact_match"):
        found = paired_bootstrap(metric, [BAD, RIGHT], right, settings)
        assert found.systems[1].value == 100 and "case:lc" in found.signature and "nrefs:var" in found.signature


def test_too_little_to_draw_from_is_told_and_no_score_has_no_probability():
    with pytest.raises(ValueError, match="1 systems, 2 sentences"):
        paired_bootstrap("bleu", [["a", "b"]], ["a", "b"], EvaluationSettings())
    with pytest.raises(ValueError, match="2 systems, 1 sentences"):
        paired_bootstrap("bleu", [["a"], ["b"]], ["a"], EvaluationSettings())
    found = paired_bootstrap("word_error_rate", [["a", ""], ["b", ""]], ["a", ""], EvaluationSettings())
    assert found.systems[1].difference == 100 and found.systems[1].p is None
    assert math.isnan(found.systems[1].mean) and found.table()["systems"][1]["mean"] is None
