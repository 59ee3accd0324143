"""Choose among the n best translations anew: by what several models think of each, weighed on validation data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from seq2seq.metrics import HIGHER_IS_BETTER, EvaluationSettings, References, count
from seq2seq.metrics.settings import right_for_each
from seq2seq.settings import SettingsError
from seq2seq.translation.n_best import Candidate

if TYPE_CHECKING:
    from seq2seq.translation.translator import Translator

_SMALLEST = 1 / 64  # step of the search for weights, in standard deviations


@dataclass(frozen=True)
class Features:
    """What speaks for each translation of each list.

    Attributes:
        names: "score" (what the list says), "length" (characters), "forward 1" … and "backward 1" …: of each model the
            log-probability per token (nats), of the translation given the source or the other way round.
        values: For each list `[translations, features]`.
    """

    names: list[str]
    values: list[npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Weights:
    """How much each feature counts.

    Attributes:
        values: The weight of each feature by its name; a translation's value is the weighted sum of its features.
        models: The fingerprint of each model by the name of its feature: others need other weights.
        tuned: By which metric on how many sentences they were tuned: "metric", "signature", "sentences", "before" (the
            score of the first ones of all lists) and "after"; empty where they were not.
    """

    values: dict[str, float]
    models: dict[str, str]
    tuned: dict[str, Any] = field(default_factory=dict)

    def to_table(self) -> dict[str, Any]:
        """Give them as plain values, for JSON."""
        return {"weights": self.values, "models": self.models, "tuned": self.tuned}

    @classmethod
    def from_table(cls, table: Any) -> Weights:
        """Read what :meth:`to_table` gave.

        Raises:
            SettingsError: It is something else.
        """
        try:
            values = {str(name): float(value) for name, value in table["weights"].items()}
            if not np.isfinite(list(values.values())).all():
                raise ValueError
            return cls(values, dict(table["models"]), dict(table["tuned"]))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise SettingsError(
                f"Weights are what `seq2seq rerank --tune` writes. Received: {table!r:.80}. Tune them again."
            ) from None

    def check(self, names: Sequence[str], models: Mapping[str, str]) -> None:
        """Refuse other features, or other models, than the weights were tuned for.

        Raises:
            ValueError: They are others.
        """
        if list(self.values) != list(names):
            raise ValueError(
                f"Weights are those of what they were tuned for: {', '.join(self.values)}. "
                f"Received: {', '.join(names)}. Give as many models in the same order, and a list that says as much; "
                "or tune them again."
            )
        other = [name for name, fingerprint in models.items() if self.models.get(name) != fingerprint]
        if other:
            raise ValueError(
                "Weights are those of the models that they were tuned for. "
                f"Received: another model for {', '.join(other)}. Give the same ones in the same order, or tune again."
            )


def read_features(
    sources: Sequence[str],
    lists: Sequence[Sequence[Candidate]],
    forward: Sequence[Translator] = (),
    backward: Sequence[Translator] = (),
) -> Features:
    """Ask models what they think of the translations of some sources.

    Args:
        sources: The sources.
        lists: The translations of each; one at least.
        forward: Models that translate in the same direction.
        backward: Models of the other direction: how likely they find the source as a translation of the translation.
            One that is empty, which they cannot read, counts as the worst of its list.

    Raises:
        ValueError: There is not a list for each source, or an empty one.

    Source:
        Li and Jurafsky 2016 (both directions); Yee et al. 2019 (each normalised by its own length).
    """
    if len(sources) != len(lists):
        raise ValueError(
            f"Each source has its list of translations. Received: {len(sources):,} sources, {len(lists):,} lists."
        )
    if not all(lists):
        raise ValueError(f"A list has one translation at least. Received: none for source {lists.index([]) + 1}.")
    pairs = [(source, one.text) for source, candidates in zip(sources, lists, strict=True) for one in candidates]
    columns: dict[str, list[float]] = {}
    scores = [one.score for candidates in lists for one in candidates]
    if None not in scores:
        columns["score"] = [float(score or 0.0) for score in scores]
    columns["length"] = [float(len(text)) for _, text in pairs]
    for number, model in enumerate(forward, start=1):
        columns[f"forward {number}"] = _asked(model, pairs)
    for number, model in enumerate(backward, start=1):
        columns[f"backward {number}"] = _asked(model, [(text, source) for source, text in pairs])
    whole = np.array(list(columns.values())).T
    ends = np.cumsum([len(candidates) for candidates in lists])
    return Features(list(columns), [_finite(values) for values in np.split(whole, ends[:-1])])


def equal_weights(features: Features, models: Mapping[str, str]) -> Weights:
    """Give the weights of who knows nothing better: all alike, and none of the length."""
    return Weights({name: float(name != "length") for name in features.names}, dict(models))


def values_of(features: Features, weights: Weights) -> list[npt.NDArray[np.float64]]:
    """Give the value of each translation of each list; the highest is the one to take."""
    weighed = np.array([weights.values[name] for name in features.names])
    return [values @ weighed for values in features.values]


def tune_weights(
    features: Features,
    lists: Sequence[Sequence[Candidate]],
    references: References,
    models: Mapping[str, str],
    metric: str = "bleu",
    settings: EvaluationSettings | None = None,
    sources: Sequence[str] | None = None,
) -> Weights:
    """Find the weights whose choice scores best on validation data, by coordinate ascent on the score of the whole set.

    From equal weights and from each feature alone, one weight after the other is moved by a step, up or down, as long
    as the score rises; then the step is halved. Nothing is left to chance.

    Args:
        features: Of the translations.
        lists: The translations.
        references: The right translation of each source, or a list of them.
        models: The fingerprint of each model by the name of its feature.
        metric: A key of `seq2seq.metrics.METRICS`.
        settings: How texts are compared.
        sources: The source of each list; needed where several references of a source are found by it.

    Returns:
        The weight of each feature, the fingerprints of the models, and what was gained by which metric.

    Raises:
        ValueError: There is not a reference for each list, or the metric refuses.

    Source:
        Och 2003, section 5 (what is optimised: the metric itself, over the n best).
    """
    if len(references) != len(lists):
        raise ValueError(
            f"Each list has its right translation. Received: {len(lists):,} lists, {len(references):,} references."
        )
    settings = settings or EvaluationSettings()
    first = list(range(len(lists)))
    if settings.several_references:  # each source once, as `seq2seq.metrics.measure` counts it
        references = right_for_each(sources, references)
        first = sorted({source: row for row, source in reversed([*enumerate(sources or ())])}.values())
    counts = count(
        metric,
        [one.text for candidates in lists for one in candidates],
        [right for right, candidates in zip(references, lists, strict=True) for _ in candidates],
        lowercase=settings.lowercase,
        tokenize=settings.tokenize,
    )
    starts = np.cumsum([0, *(len(candidates) for candidates in lists[:-1])])
    spread = np.sqrt(np.mean(np.concatenate([(each - each.mean(0)) ** 2 for each in features.values]), axis=0))
    spread[spread == 0] = 1.0
    most = max(map(len, lists))
    scaled = np.zeros((len(lists), most, len(features.names)))
    absent = np.full((len(lists), most), -np.inf)
    for row, values in enumerate(features.values):
        scaled[row, : len(values)], absent[row, : len(values)] = values / spread, 0.0
    sign = 1.0 if HIGHER_IS_BETTER[metric] else -1.0

    def score(weights: npt.NDArray[np.float64]) -> float:
        chosen = np.argmax(scaled @ weights + absent, axis=1)
        found = sign * counts.score(counts.rows[(starts + chosen)[first]].sum(0))
        return -np.inf if np.isnan(found) else found

    equal = np.array([*equal_weights(features, models).values.values()])
    alone = np.eye(len(equal))[[name != "length" for name in features.names]]
    best = max((_ascend(score, start) for start in (equal * spread, *alone)), key=lambda found: found[0])
    tuned = {
        "metric": metric,
        "signature": counts.signature,
        "sentences": len(first),
        "before": counts.score(counts.rows[starts[first]].sum(0)),
        "after": sign * best[0],
    }
    return Weights(dict(zip(features.names, (best[1] / spread).tolist(), strict=True)), dict(models), tuned)


def _ascend(score: Any, weights: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
    """Climb from some weights as high as single steps lead."""
    best, step = score(weights), 1.0
    while step >= _SMALLEST:
        moved = False
        for move in (*np.eye(len(weights)), *-np.eye(len(weights))):
            while (found := score(trial := weights + step * move)) > best:
                best, weights, moved = found, trial, True
        step = step if moved else step / 2
    return best, weights


def _asked(model: Translator, pairs: Sequence[tuple[str, str]]) -> list[float]:
    """Give the log-probability per token of the second text of each pair given the first; NaN where that is empty."""
    each = list(dict.fromkeys(pairs))
    real = [
        pair
        for pair, ids in zip(each, model.source_tokenizer.encode_batch([one for one, _ in each]), strict=True)
        if ids
    ]
    scores = model.score([one for one, _ in real], [other for _, other in real]) if real else []
    found = {pair: score.log_prob / len(score.tokens) for pair, score in zip(real, scores, strict=True)}
    return [found.get(pair, float("nan")) for pair in pairs]


def _finite(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Put the worst of its list where a feature has no value."""
    known = np.where(np.isfinite(values), values, np.inf).min(0)
    return np.where(np.isfinite(values), values, np.where(np.isfinite(known), known, 0.0))
