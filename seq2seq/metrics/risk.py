"""Minimum Bayes risk: the text that is most like all others that a model would say."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from seq2seq.metrics.counts import sacrebleu_metric
from seq2seq.system.choices import need_choice

UTILITIES = ("chrf", "bleu")
"""What "like" is measured by: sacreBLEU's chrF, or its BLEU of single sentences (effective order)."""


def expected_utility(texts: Sequence[str], utility: Literal["chrf", "bleu"] = "chrf") -> list[float]:
    """Give how like each of several texts is to all of them, itself among them, in the mean.

    Args:
        texts: Candidates, and at the same time the references: samples of a model, or its n best. One that is there
            twice counts twice.
        utility: What it is measured by, one of :data:`UTILITIES`.

    Returns:
        A number from 0 to 100 for each text.

    Raises:
        ValueError: There is no such utility.

    Example:
        >>> texts = ["a red house", "a red horse", "the sea"]
        >>> found = expected_utility(texts)
        >>> found[2] < min(found[:2])
        True

    Source:
        Eikema and Aziz 2020, equation 4; Freitag et al. 2022.
    """
    need_choice("utility", utility, UTILITIES)
    metric = sacrebleu_metric(utility, lowercase=False, tokenize="13a")
    if utility == "bleu":
        metric.effective_order = True
    times = Counter(texts)
    found = {
        text: sum(count * metric.sentence_score(text, [other]).score for other, count in times.items()) / len(texts)
        for text in times
    }
    return [found[text] for text in texts]
