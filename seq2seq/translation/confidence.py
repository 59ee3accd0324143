"""How good a translation probably is: what held-out text showed of translations with such log-probabilities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from seq2seq.metrics.counts import References, count
from seq2seq.metrics.settings import EvaluationSettings, grouped
from seq2seq.translation.hypothesis import Hypothesis

LEAST = 30
"""Translations that a calibration needs: of fewer, it says more of chance than of the model."""


@dataclass(frozen=True)
class Calibration:
    """From the mean log-probability of the tokens of a translation to the quality that is to be expected.

    Args:
        metric: What quality is: "chrf", that of the sentence, or "exact_match", whether it is right as a whole; 0 to 1.
        log_probabilities: Mean log-probability per token (nats), ascending.
        qualities: What is to be expected at each of them, never falling; between them a straight line, beyond them the
            value at the end.
        sentences: How many it was learnt from.

    Raises:
        ValueError: These are no such curve.

    Example:
        >>> curve = Calibration.learn("chrf", [-2.0, -1.0, -0.5, -0.1] * 10, [0.2, 0.6, 0.5, 0.9] * 10)
        >>> [round(curve.at(value), 3) for value in (-9, -2, -0.75, -0.1)]
        [0.2, 0.2, 0.55, 0.9]

    Source:
        Isotonic regression by pooling adjacent violators: Ayer et al. 1955; to calibrate: Zadrozny and Elkan 2002.
    """

    metric: str
    log_probabilities: tuple[float, ...]
    qualities: tuple[float, ...]
    sentences: int

    def __post_init__(self) -> None:
        curve = self.log_probabilities, self.qualities
        numbers = all(type(each) in (int, float) and math.isfinite(each) for side in curve for each in side)
        # `numbers` first: what is no number cannot be compared.
        if (
            not numbers
            or not len(curve[0]) == len(curve[1]) > 0
            or any(list(side) != sorted(side) for side in curve)
            or not 0 <= curve[1][0] <= curve[1][-1] <= 1
            or not isinstance(self.metric, str)
        ):
            raise ValueError(
                "A calibration is ascending log-probabilities and for each a quality from 0 to 1, never falling. "
                f"Received: {self!r:.200}. Learn it anew, with `seq2seq calibrate`."
            )

    @classmethod
    def learn(cls, metric: str, log_probabilities: Sequence[float], qualities: Sequence[float]) -> Calibration:
        """Learn from translations whose quality is known.

        Args:
            metric: What the quality is.
            log_probabilities: Of each translation, the mean log-probability of its tokens, nats.
            qualities: Of each, from 0 to 1.

        Raises:
            ValueError: There are fewer than 30.
        """
        if len(log_probabilities) < LEAST:
            raise ValueError(
                f"A calibration is learnt from {LEAST} translations or more. Received: {len(log_probabilities):,}. "
                "Give more held-out text."
            )
        # Equal ones are one point, or their order would decide.
        points, place, times = np.unique(np.asarray(log_probabilities, float), return_inverse=True, return_counts=True)
        means = np.bincount(place, weights=qualities) / times
        blocks: list[tuple[float, float, int]] = []  # log-probability, quality, sentences
        for point, mean, number in zip(points.tolist(), means.tolist(), times.tolist(), strict=True):
            blocks.append((point, mean, number))
            while len(blocks) > 1 and blocks[-2][1] >= blocks[-1][1]:
                pair, weights = blocks[-2:], [block[2] for block in blocks[-2:]]
                pooled = (np.average([block[axis] for block in pair], weights=weights) for axis in (0, 1))
                blocks[-2:] = [(*map(float, pooled), sum(weights))]  # type: ignore[list-item]
        values = tuple(round(value, 6) for value, _, _ in blocks)
        expected = tuple(round(min(max(quality, 0.0), 1.0), 6) for _, quality, _ in blocks)
        return cls(metric, values, expected, sentences=len(log_probabilities))

    def at(self, log_probability: float) -> float:
        """Give the quality that is to be expected of a translation with this mean log-probability per token."""
        return float(np.interp(log_probability, self.log_probabilities, self.qualities))

    def of(self, hypothesis: Hypothesis) -> float | None:
        """Give the quality that is to be expected of a translation; None of an empty text."""
        mean = hypothesis.mean_log_probability
        return None if mean is None else self.at(mean)

    def to_table(self) -> dict[str, Any]:
        """Give it as plain values."""
        curve = [list(pair) for pair in zip(self.log_probabilities, self.qualities, strict=True)]
        return {"metric": self.metric, "sentences": self.sentences, "curve": curve}

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Calibration:
        """Read it from plain values.

        Raises:
            ValueError: They are no calibration.
        """
        try:
            values, qualities = zip(*table["curve"], strict=True)
            return cls(table["metric"], tuple(values), tuple(qualities), int(table["sentences"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"A calibration is metric, sentences and curve. Received: {table!r:.200}.") from error


class Known(NamedTuple):
    """Translations whose quality is known.

    Attributes:
        metric: What the quality is: "chrf" or "exact_match".
        log_probabilities: Of each, the mean log-probability of its tokens, nats.
        qualities: Of each, from 0 to 1.
    """

    metric: str
    log_probabilities: list[float]
    qualities: list[float]


def known(
    found: Sequence[Sequence[Hypothesis]],
    references: References,
    settings: EvaluationSettings,
    sources: Sequence[str],
) -> Known:
    """Measure the best translations one by one, but for those of empty texts and what the model calls impossible.

    Args:
        found: The hypotheses of each text.
        references: One text per hypothesis, or a list of texts per hypothesis.
        settings: How such text is measured. Where the first metric is whether texts are right as a whole, so is the
            quality of a sentence; else it is its chrF.
        sources: The texts.

    Example:
        >>> best = Hypothesis("a", -0.1, log_probability=-0.2, length=2)
        >>> known([[best]], ["a"], EvaluationSettings(("exact_match",)), ["x"]).qualities
        [1.0]
    """
    texts: Sequence[str] = [best.text for best, *_ in found]
    means = [best.mean_log_probability for best, *_ in found]
    if settings.several_references:
        first = dict(zip(reversed(sources), reversed(means), strict=True))
        means = [first[source] for source in dict.fromkeys(sources)]
        texts, references = grouped(sources, texts, references)
    metric = "exact_match" if settings.metrics[:1] in (("exact_match",), ("sequence_error_rate",)) else "chrf"
    counts = count(metric, texts, references, lowercase=settings.lowercase)
    pairs = zip(means, (counts.score(row) / 100 for row in counts.rows), strict=True)
    kept = [(mean, quality) for mean, quality in pairs if mean is not None and math.isfinite(mean)]
    return Known(metric, [mean for mean, _ in kept], [quality for _, quality in kept])
