"""Minimum Bayes risk against sacreBLEU, text by text."""

import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from seq2seq.metrics import expected_utility

TEXTS = ["a red house by the sea", "a red horse by the sea", "", "a red house by the sea", "two dogs", "a", "ü.\u2028x"]


@pytest.mark.parametrize(("utility", "metric"), [("chrf", CHRF()), ("bleu", BLEU(effective_order=True))])
def test_is_the_mean_over_all(utility, metric):
    expected = [sum(metric.sentence_score(text, [other]).score for other in TEXTS) / len(TEXTS) for text in TEXTS]
    assert expected_utility(TEXTS, utility) == pytest.approx(expected)
    assert expected_utility(["x"], utility) == pytest.approx([100.0])
    assert expected_utility([], utility) == []


def test_refuses_what_there_is_not():
    with pytest.raises(ValueError, match=r"bleu, chrf\. Received: utility='chr'\. Did you mean 'chrf'"):
        expected_utility(TEXTS, "chr")
