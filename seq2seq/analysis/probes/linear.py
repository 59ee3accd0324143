"""What a linear function can read from a state: ridge regression, scored on sentences that it has not seen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seq2seq.analysis.comparison import resample
from seq2seq.analysis.comparison.words import cut_of
from seq2seq.metrics import Counts

ASKED = ("length", "first word", "last word")
"""What is read from states."""

_MOST = 2000  # sentences; the time of the closed form grows with their cube
_HELD_OUT = 0.3  # share of them
_LEAST = 10  # sentences that a word to be told must begin or end
_MOST_WORDS = 30
_FEWEST = 40  # sentences, or nothing is read
_STRENGTHS = np.logspace(-4, 4, 9)  # of the penalty, in mean eigenvalues
_WORD = re.compile(r"\w+(?:['’-]\w+)*")


@dataclass(frozen=True)
class LinearProbe:
    """How well a linear function of a state tells something of the source, on sentences that it was not fitted to.

    Attributes:
        where: The state, as in "layer 0, hidden".
        what: What is told: "length", "first word" or "last word".
        score: Percent: of the length (tokens), the share of its variance that is explained; of a word, how often it is
            right.
        low: Lower end of its interval of 95 %, by bootstrap over the sentences held out.
        high: Upper end.
        shuffled: The score of a function that was fitted to labels of other sentences.
        constant: The score of always saying the same: 0 for the length, else the share of the most frequent word.
    """

    where: str
    what: str
    score: float
    low: float
    high: float
    shuffled: float
    constant: float


@dataclass(frozen=True)
class Property:
    """Something of a source that a state may tell.

    Attributes:
        what: Its name.
        places: The sentences of which it is known.
        targets: What is regressed on, `[sentences, numbers]`: the number itself, or a column for each word.
        fitted: How many of the sentences, the first ones, a function is fitted to; the others are held out.
    """

    what: str
    places: np.ndarray
    targets: np.ndarray
    fitted: int

    def counts(self, predicted: np.ndarray) -> Counts:
        """Count in each sentence held out what the score is made of."""
        seen, truth = self.targets[: self.fitted], self.targets[self.fitted :]
        if truth.shape[1] > 1:
            right = predicted.argmax(1) == truth.argmax(1)
            return Counts(np.stack([right, np.ones(len(truth))], axis=1), lambda sums: 100 * sums[0] / sums[1])
        errors = np.concatenate([(predicted - truth) ** 2, (seen.mean(0) - truth) ** 2], axis=1)
        return Counts(errors, lambda sums: 100 * (1 - sums[0] / sums[1]) if sums[1] else 0.0)


class Ridge:
    """Linear regression with a penalty, in closed form; its strength errs least on each sentence left out in turn.

    Args:
        features: `[sentences, features]`.

    Source:
        Hoerl and Kennard 1970; Allen 1974 (the errors of each sentence left out).
    """

    def __init__(self, features: np.ndarray) -> None:
        self._mean, spread = features.mean(0), features.std(0)
        self._spread = np.where(spread > 0, spread, 1.0)
        self._features = self._scaled(features)
        values, self._vectors = np.linalg.eigh(self._features @ self._features.T)
        self._values = np.maximum(values, 0.0)

    def predict(self, targets: np.ndarray, features: np.ndarray) -> np.ndarray:
        """Fit to targets `[sentences, numbers]`, and predict those of other sentences from their features."""
        mean = targets.mean(0)
        along = self._vectors.T @ (targets - mean)
        scale = self._values.mean() or 1.0

        def error(strength: float) -> float:
            kept = self._values / (self._values + strength)
            misses = targets - mean - self._vectors @ (kept[:, None] * along)
            leverage = self._vectors**2 @ kept + 1 / len(targets)
            return float(((misses / (1 - leverage)[:, None]) ** 2).sum())

        strength = min((float(each) * scale for each in _STRENGTHS), key=error)
        dual = self._vectors @ (along / (self._values + strength)[:, None])
        return mean + self._scaled(features) @ (self._features.T @ dual)

    def _scaled(self, features: np.ndarray) -> np.ndarray:
        return (features - self._mean) / self._spread


def properties(sources: Sequence[str], lengths: Sequence[int], seed: int) -> tuple[list[Property], list[str]]:
    """Find what can be asked of the states of some sentences, and say why something cannot.

    Args:
        sources: The sentences; one that stands there several times counts once, and is not both seen and held out.
        lengths: Tokens of each.
        seed: Of which sentences are held out.
    """
    _, first = np.unique(np.asarray(sources, object), return_index=True)
    order = np.random.default_rng(seed).permutation(np.sort(first))[:_MOST]
    _, cut = cut_of(sources)
    words = [_WORD.findall(source) if cut is str.split else cut(source) for source in sources]
    asked = {ASKED[0]: (order, np.asarray(lengths, float)[order, None])}
    for what, end in zip(ASKED[1:], (0, -1), strict=True):
        labels = {place: words[place][end] for place in order.tolist() if words[place]}
        often = [word for word, number in Counter(labels.values()).most_common(_MOST_WORDS) if number >= _LEAST]
        known = [place for place, word in labels.items() if word in often]
        columns = [[labels[place] == word for word in often] for place in known]
        asked[what] = np.array(known, int), np.array(columns, float).reshape(len(known), len(often))
    found, notes = [], []
    for what, (known_places, targets) in asked.items():
        kinds = len(np.unique(targets, axis=0))
        if len(known_places) < _FEWEST or kinds < 2:
            kind = "lengths" if what == ASKED[0] else f"words that {_LEAST} sentences or more have there"
            notes.append(
                f"The {what} is not read from states: that takes {_FEWEST} different sentences with two or more "
                f"{kind}. There are {len(known_places):,} with {kinds:,}."
            )
            continue
        found.append(Property(what, known_places, targets, round((1 - _HELD_OUT) * len(known_places))))
    return found, notes


def read_off(where: str, states: np.ndarray, asked: Property, seed: int) -> LinearProbe:
    """Fit a linear function to some states, and score it on others.

    Args:
        where: What the states are.
        states: Those of all sentences, `[sentences, units]`.
        asked: What is to be told.
        seed: Of what is shuffled.
    """
    features = states[asked.places]
    seen, held_out = features[: asked.fitted], features[asked.fitted :]
    targets, ridge = asked.targets[: asked.fitted], Ridge(seen)
    mixed = np.random.default_rng(seed).permutation(targets)
    counts, shuffled = (asked.counts(ridge.predict(each, held_out)) for each in (targets, mixed))
    constant = asked.counts(np.broadcast_to(targets.mean(0), (len(held_out), targets.shape[1])))
    low, high = np.quantile(resample([counts], resamples=1000)[:, 0], (0.025, 0.975))
    score, *controls = (each.score(each.rows.sum(0)) for each in (counts, shuffled, constant))
    return LinearProbe(where, asked.what, float(score), float(low), float(high), *map(float, controls))
