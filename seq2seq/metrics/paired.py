"""Systems side by side on the same sentences: sacreBLEU's paired bootstrap, for every metric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from seq2seq.metrics.counts import References, count, paired, sacrebleu_metric, streams
from seq2seq.metrics.settings import EvaluationSettings

_SACREBLEU = ("bleu", "chrf", "ter")


class PairedScore(NamedTuple):
    """The score of a system, and what its difference from that of the first one is worth.

    Attributes:
        value: The score.
        mean: Mean score of the sets of sentences that were drawn anew.
        reach: Half of the interval that holds 95 % of these scores.
        difference: The score minus that of the first system; None for that one.
        p: Probability of so large a difference where there is none, of this pair alone; 1 where the scores are equal.
            None for the first system, for one that says the very same, and where a set that was drawn has no score.
    """

    value: float
    mean: float
    reach: float
    difference: float | None
    p: float | None


class PairedScores(NamedTuple):
    """Systems by one metric.

    Attributes:
        systems: In their order; the first is what the others are compared with.
        signature: Of the metric and of the test.
    """

    systems: list[PairedScore]
    signature: str

    def table(self) -> dict[str, Any]:
        """Give it as plain values, for JSON, which has no NaN."""
        systems = [{name: None if value != value else value for name, value in each._asdict().items()}
                   for each in self.systems]  # fmt: skip
        return {"signature": self.signature, "systems": systems}


def paired_bootstrap(
    name: str, systems: Sequence[Sequence[str]], references: References, settings: EvaluationSettings
) -> PairedScores:
    """Compare systems with the first one by sacreBLEU's paired bootstrap, on the same 1,000 sets of sentences.

    Args:
        name: A key of `METRICS`.
        systems: For each the hypotheses, one per sentence; at least two systems, and two sentences.
        references: One text per hypothesis, or a list of texts per hypothesis.
        settings: How they are measured.

    Returns:
        The scores with their differences.

    Raises:
        ValueError: There are too few of something, or the metric refuses.

    Example:
        >>> good, bad = ["a house", "the lake", "wood"], ["a mouse", "the lake", "food"]
        >>> found = paired_bootstrap("exact_match", [bad, good], good, EvaluationSettings())
        >>> [round(each.value, 1) for each in found.systems], found.signature
        ([33.3, 100.0], 'metric:exact_match|nrefs:1|case:mixed|version:1|bs:1000|seed:12345')

    Source:
        Koehn 2004; Post 2018. The draws depend on the environment variable `SACREBLEU_SEED`.
    """
    from sacrebleu.significance import PairedTest

    pairs = [paired(hypotheses, references) for hypotheses in systems]
    if len(pairs) < 2 or len(pairs[0]) < 2:
        raise ValueError(
            "A comparison needs two systems, and two sentences to draw from. "
            f"Received: {len(pairs)} systems, {len(pairs[0]) if pairs else 0} sentences."
        )
    metric: Any = _Counted(name, references, settings)
    if name in _SACREBLEU:
        metric = sacrebleu_metric(name, lowercase=settings.lowercase, tokenize=settings.tokenize)
        metric._force = True  # whoever compares has heard from the scores that a text looks tokenised
    # Under one name of ours: sacreBLEU keeps results by the name that a score has.
    named = [(str(number), [said for said, _ in each]) for number, each in enumerate(pairs)]
    signatures, scores = PairedTest(named, {name: metric}, streams(pairs[0]), "bs")()
    (signature,) = signatures.values()
    first, *others = next(found for key, found in scores.items() if key != "System")
    same = [said == named[0][1] for _, said in named[1:]]
    compared = [PairedScore(float(first.score), float(first.mean), float(first.ci), None, None)]
    for one, is_same in zip(others, same, strict=True):
        # sacreBLEU takes a difference of nothing for one beyond chance, and a score that is none too.
        none = is_same or one.mean != one.mean or first.mean != first.mean
        p = None if none else 1.0 if one.score == first.score else float(one.p_value)
        compared.append(
            PairedScore(float(one.score), float(one.mean), float(one.ci), float(one.score - first.score), p)
        )
    return PairedScores(compared, str(signature))


class _Counted:
    """A metric that is counted here, as sacreBLEU's test asks for one."""

    def __init__(self, name: str, references: References, settings: EvaluationSettings) -> None:
        self._name, self._references, self._settings = name, references, settings
        self._counts: Any = None

    def _extract_corpus_statistics(self, hypotheses: Sequence[str], _: Any) -> list[list[float]]:
        settings = self._settings
        self._counts = count(
            self._name, hypotheses, self._references, lowercase=settings.lowercase, tokenize=settings.tokenize
        )
        return self._counts.rows.tolist()

    def _aggregate_and_compute(self, rows: Sequence[Sequence[float]]) -> Any:
        return self._compute_score_from_stats([sum(column) for column in zip(*rows, strict=True)])

    def _compute_score_from_stats(self, sums: Sequence[float]) -> Any:
        from sacrebleu.metrics.base import Score

        return Score(self._name, self._counts.score(sums))

    def get_signature(self) -> _Signature:
        return _Signature(self._counts.signature)


class _Signature:
    """What a signature is to sacreBLEU: something that is updated."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._test: dict[str, Any] = {}

    def update(self, name: str, value: Any) -> None:
        self._test[name] = value

    def __str__(self) -> str:
        return "|".join([self._text, *(f"{name}:{self._test[name]}" for name in ("bs", "seed"))])
