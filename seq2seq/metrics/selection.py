"""How good the surest translations are: what is left where the unsure ones are put aside for a person."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from seq2seq.metrics.counts import References
from seq2seq.metrics.scores import Score
from seq2seq.metrics.settings import EvaluationSettings, grouped, measure

SHARES = (100, 90, 80, 70, 60, 50, 40, 30, 20, 10)
"""How many of the translations are kept, in percent."""


class Surest(NamedTuple):
    """The surest translations of a set, and how good they are.

    Attributes:
        share: How many of all were kept, in percent.
        sentences: How many these are.
        least: How sure the least sure of them is.
        expected: The mean of what is to be expected of them; None where nobody said it.
        scores: What the metrics give for them.
    """

    share: int
    sentences: int
    least: float
    expected: float | None
    scores: dict[str, Score]


def surest(
    sureness: Sequence[float],
    hypotheses: Sequence[str],
    references: References,
    settings: EvaluationSettings,
    sources: Sequence[str] | None = None,
    expected: Sequence[float] | None = None,
) -> list[Surest]:
    """Measure the surest translations, all of them first and fewer and fewer then.

    Args:
        sureness: How sure each translation is, the more the surer; of equal ones the first is kept.
        hypotheses: One text per sentence.
        references: One text per hypothesis, or a list of texts per hypothesis.
        settings: Which metrics, and how.
        sources: One text per hypothesis; needed for several references, see `measure`.
        expected: What quality is to be expected of each translation.

    Returns:
        One entry for each share of `SHARES` that is a sentence or more, rounded down, each number of sentences once;
        none for a share that has no score, as an error rate where all of its references are empty.

    Example:
        >>> settings = EvaluationSettings(("exact_match",))
        >>> found = surest([-0.1, -0.9], ["a", "b"], ["a", "x"], settings)
        >>> [(each.share, each.sentences, each.scores["exact_match"].value) for each in found]
        [(100, 2, 50.0), (90, 1, 100.0)]
    """
    places = list(range(len(hypotheses)))
    if settings.several_references:
        first = {source: place for place, source in reversed(list(enumerate(sources or ())))}
        hypotheses, references = grouped(sources, hypotheses, references)
        places = [first[source] for source in dict.fromkeys(sources or ())]
        settings = dataclasses.replace(settings, several_references=False)
    order = sorted(range(len(places)), key=lambda each: -sureness[places[each]])
    found: dict[int, Surest] = {}
    for share in SHARES:
        number = len(order) * share // 100
        if number and number not in found:
            kept = order[:number]
            mean = None if expected is None else fmean(expected[places[each]] for each in kept)
            try:
                scores = measure([hypotheses[each] for each in kept], [references[each] for each in kept], settings)
            except ValueError:
                if number == len(order):
                    raise
                continue  # an error rate has to have something that may be wrong
            found[number] = Surest(share, number, sureness[places[kept[-1]]], mean, scores)
    return list(found.values())
