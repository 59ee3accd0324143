"""How sure a difference between two systems is, over the sentences of a test set and over the seeds of training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from seq2seq.analysis.comparison.student import quantile, two_sided

if TYPE_CHECKING:
    import numpy as np

    from seq2seq.metrics.counts import Counts

RESAMPLES = 2000
"""How often the sentences are drawn anew."""

CONFIDENCE, POWER = 0.95, 0.80
"""The share of intervals that hold the truth, and of true differences as large as `smallest` that are detected."""

_AT_ONCE = 1 << 24  # counts of drawn sentences in memory


@dataclass(frozen=True)
class Difference:
    """How far the mean score of one system is from that of another.

    Attributes:
        value: The difference of the means over seeds.
        low: Lower end of its interval of 95 %.
        high: Upper end.
        p: Probability of a difference as large where there is none.
        corrected: The same for all comparisons of the table together (Holm); from 0.05 on nothing was detected.
        smallest: About the smallest true difference that the design would have detected in four of five repetitions, by
            the strictest step of Holm's correction. Of three seeds it is itself known to a factor of two, and of two
            seeds three of five repetitions are nearer to the truth.
        seeds_known: Whether the interval holds the chance of training: both systems have several seeds. Else it
            and the probabilities are those of the sentences, and of the seeds of the system that has several.
    """

    value: float
    low: float
    high: float
    p: float
    corrected: float
    smallest: float
    seeds_known: bool

    @property
    def beyond_chance(self) -> bool:
        """Whether the corrected probability is below 5 %, of whatever the interval holds."""
        return self.corrected < 1 - CONFIDENCE

    @property
    def detected(self) -> bool:
        """Whether the difference is more than chance, by the corrected probability; never of one seed."""
        return self.seeds_known and self.beyond_chance

    @property
    def interval(self) -> str:
        """Its interval as tables and pictures show it."""
        return f"{self.low:+z.2f} … {self.high:+z.2f}"


def drawn_together(counts: Counts, sources: Sequence[str]) -> Counts:
    """Sum what is counted in sentences of one source: they are drawn together, since they say the same.

    Args:
        counts: What the metric counts in each sentence.
        sources: The source of each.

    Returns:
        A row for each source, in the order in which they come first.

    Example:
        >>> import numpy as np
        >>> from seq2seq.metrics import Counts
        >>> drawn_together(Counts(np.array([[1.0], [2.0], [4.0]]), sum), ["a", "b", "a"]).rows.tolist()
        [[5.0], [2.0]]
    """
    import numpy as np

    number = {source: place for place, source in enumerate(dict.fromkeys(sources))}
    rows = np.zeros((len(number), counts.rows.shape[1]), counts.rows.dtype)
    np.add.at(rows, [number[source] for source in sources], counts.rows)
    return counts._replace(rows=rows)


def resample(counts: Sequence[Counts], *, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Score sets of sentences drawn anew from a test set, the same sets for all runs.

    Args:
        counts: What the metric counts in each sentence, for each run.
        resamples: How many sets to draw, each as large as the test set.
        seed: Of the draws.

    Returns:
        `[resamples, runs]` scores.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    sentences, numbers = counts[0].rows.shape
    rows = np.concatenate([each.rows for each in counts], axis=1)
    even, scores = np.full(sentences, 1 / sentences), []
    for start in range(0, resamples, step := max(_AT_ONCE // sentences, 1)):
        drawn = generator.multinomial(sentences, even, size=min(step, resamples - start))
        sums = (drawn.astype(rows.dtype) @ rows).reshape(-1, len(counts), numbers)
        scores += [[each.score(sum_) for each, sum_ in zip(counts, runs, strict=True)] for runs in sums]
    return np.asarray(scores)


def difference(
    first: Sequence[float],
    second: Sequence[float],
    resampled_first: np.ndarray,
    resampled_second: np.ndarray,
    *,
    sentences: int,
    comparisons: int = 1,
) -> Difference:
    """Compare the scores of two systems, trained with several seeds each.

    Two things are left to chance: which sentences are in the test set, and the seeds. What the sentences do to the
    difference is seen in scores of sets drawn anew (paired bootstrap); what the seeds do, in the spread of the scores.
    A run scored on other sentences *and* trained with another seed moves by both, so the part of the sentences that
    the spread over seeds holds already is not counted again. Of few seeds a spread is known badly: the interval is
    Student's, with the degrees of freedom of Welch and Satterthwaite. Drawing three seeds anew instead would give
    intervals that are too short.

    Args:
        first: Scores of the system that is compared with, one for each seed.
        second: Scores of the other one.
        resampled_first: `[resamples, seeds]`, scores of the first system from :func:`resample`.
        resampled_second: The same of the second one, over the same sets.
        sentences: How many there are in the test set.
        comparisons: How many are made in one table; for ``smallest``.

    Returns:
        The difference, not corrected yet for other comparisons: that is :func:`holm`.

    Source:
        Koehn 2004 (paired bootstrap); Welch 1947; Satterthwaite 1946.
    """
    import numpy as np

    # What is left of sums of the same numbers in other order is no difference.
    nothing = 1e-9 * max(1.0, *map(abs, first), *map(abs, second))
    value = float(np.mean(second) - np.mean(first))
    value = value if abs(value) > nothing else 0.0
    spreads = [_seed_spread(scores, drawn) for scores, drawn in ((first, resampled_first), (second, resampled_second))]
    of_sentences = float(np.var(resampled_second.mean(1) - resampled_first.mean(1), ddof=1))
    inside = max(of_sentences - sum(spread.held for spread in spreads), 0.0)
    parts = [(inside, sentences - 1), *((spread.variance, spread.degrees) for spread in spreads if spread.degrees)]
    variance = sum(part for part, _ in parts)
    variance = variance if variance > nothing**2 else 0.0
    error = math.sqrt(variance)
    degrees = variance**2 / sum(part**2 / count for part, count in parts) if variance else sentences - 1
    if any(spread.degrees == 1 for spread in spreads):
        # Where both spreads of two seeds are small by luck, the many degrees of the sentences would hide it.
        degrees = min(degrees, 2 * sum(spread.degrees for spread in spreads))
    reach = quantile((1 + CONFIDENCE) / 2, degrees) * error
    p = two_sided(value / error, degrees) if error else float(value == 0)
    strictest = quantile(1 - (1 - CONFIDENCE) / (2 * comparisons), degrees)
    return Difference(
        value,
        value - reach,
        value + reach,
        p,
        p,
        (strictest + quantile(POWER, degrees)) * error / _median_of_spread(degrees),
        all(spread.degrees for spread in spreads),
    )


def _median_of_spread(degrees: float) -> float:
    """Give the median of an estimated standard deviation, as a share of the true one: of few seeds it is too small.

    Source:
        Wilson and Hilferty 1931 (chi-squared, by its cube root).
    """
    return float((1 - 2 / (9 * degrees)) ** 1.5)


def holm(differences: Sequence[Difference]) -> list[Difference]:
    """Correct the probabilities of several comparisons for their number.

    The smallest is multiplied by their number, the next by one less, and so on; none gets below one before it. Among
    all tables made so, about one in twenty, or fewer, has a difference where there is none.

    Source:
        Holm 1979.
    """
    ranked = sorted(range(len(differences)), key=lambda place: differences[place].p)
    corrected, so_far = list(differences), 0.0
    for done, place in enumerate(ranked):
        so_far = max(so_far, min((len(ranked) - done) * differences[place].p, 1.0))
        corrected[place] = replace(differences[place], corrected=so_far)
    return corrected


@dataclass(frozen=True)
class _Spread:
    """What the seeds do to the mean score of a system: its variance, and what of it is the sentences' doing."""

    variance: float
    held: float
    degrees: int


def _seed_spread(scores: Sequence[float], resampled: np.ndarray) -> _Spread:
    import numpy as np

    seeds = len(scores)
    if seeds < 2:
        return _Spread(0.0, 0.0, 0)
    # What the runs of one system do alike when other sentences are drawn moves them all; only the rest spreads them.
    together = np.cov(resampled, rowvar=False)
    alike = (together.sum() - together.trace()) / (seeds * (seeds - 1))
    apart = max(float(together.trace() / seeds - alike), 0.0)
    return _Spread(float(np.var(scores, ddof=1)) / seeds, apart / seeds, seeds - 1)
