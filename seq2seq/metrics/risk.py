"""Minimum Bayes risk: the text that is most like all others that a model would say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from seq2seq.metrics.counts import sacrebleu_metric
from seq2seq.system.choices import need_choice

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

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
    times = Counter(texts)
    if not times:
        return []
    import numpy as np

    likeness = {"chrf": _chrf, "bleu": _bleu}[utility](list(times))
    found = likeness @ np.fromiter(times.values(), float) / len(texts)
    return [float(found[place]) for place in map(list(times).index, texts)]


# sacreBLEU counts the n-grams of both texts for each pair anew; here those of each text are counted once.


def _chrf(texts: Sequence[str]) -> npt.NDArray[np.float64]:
    """Score each text against each other one, `[texts, texts]`, the second as the reference."""
    import numpy as np

    metric = sacrebleu_metric("chrf", lowercase=False, tokenize="")
    counted = [metric._extract_reference_info([metric._preprocess_segment(text)])["ref_ngrams"][0] for text in texts]
    statistics = []
    for counters in zip(*counted, strict=True):  # of each order
        overlap, number = _overlap(counters), np.array([sum(counter.values()) for counter in counters])
        there = np.array([bool(counter) for counter in counters])
        statistics += [number[:, np.newaxis] * there, np.broadcast_to(number, overlap.shape), overlap]
    return _each(statistics, metric._compute_f_score)


def _bleu(texts: Sequence[str]) -> npt.NDArray[np.float64]:
    """Score each text against each other one by the BLEU of a sentence."""
    import numpy as np

    metric = sacrebleu_metric("bleu", lowercase=False, tokenize="13a")
    metric.effective_order = True
    counted = [metric._extract_reference_info([metric._preprocess_segment(text)]) for text in texts]
    lengths = np.array([each["ref_lens"][0] for each in counted])
    every = (lengths.size, lengths.size)
    correct, total = [], []
    for order in range(1, metric.max_ngram_order + 1):
        counters = [
            {ngram: count for ngram, count in each["ref_ngrams"].items() if len(ngram) == order} for each in counted
        ]
        correct.append(_overlap(counters))
        total.append(np.broadcast_to([[sum(counter.values())] for counter in counters], every))
    statistics = [np.broadcast_to(lengths[:, np.newaxis], every), np.broadcast_to(lengths, every), *correct, *total]
    return _each(statistics, lambda numbers: metric._compute_score_from_stats(numbers).score)


def _overlap(counters: Sequence[Mapping[Any, int]]) -> npt.NDArray[np.int64]:
    """Count what each two of some texts have in common."""
    import numpy as np

    places: dict[Any, int] = {}
    for counter in counters:
        for ngram in counter:
            places.setdefault(ngram, len(places))
    counts = np.zeros((len(counters), len(places)), np.int32)
    for row, counter in zip(counts, counters, strict=True):
        row[[places[ngram] for ngram in counter]] = list(counter.values())
    return np.stack([np.minimum(row, counts).sum(axis=1) for row in counts])


def _each(statistics: Sequence[npt.NDArray[np.int64]], score: Callable[[list[int]], float]) -> npt.NDArray[np.float64]:
    import numpy as np

    return np.array([[score(numbers) for numbers in row] for row in np.stack(statistics, axis=2).tolist()])
