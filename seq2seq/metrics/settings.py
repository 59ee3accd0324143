"""Settings of evaluation: by which metrics translations are measured; and the measuring by all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from seq2seq.metrics.scores import References, Score, score
from seq2seq.settings import check_settings

# The names of metrics are typed here and explained beside what they name; a test compares.
Metric = Literal["bleu", "chrf", "ter", "exact_match", "word_error_rate", "phoneme_error_rate", "character_error_rate"]


@dataclass(frozen=True)
class EvaluationSettings:
    """How translations are measured.

    Args:
        metrics: Names of metrics; the first one is told first.
        lowercase: Whether the metrics ignore case.
        tokenize: sacreBLEU's tokenizer for BLEU: "13a" for plain text, "none" for text that is tokenised already.
    """

    section: ClassVar[str] = "evaluation"
    metrics: tuple[Metric, ...] = ("bleu", "chrf", "exact_match")
    lowercase: bool = False
    tokenize: str = "13a"

    def __post_init__(self) -> None:
        check_settings(self)


def measure(hypotheses: Sequence[str], references: References, settings: EvaluationSettings) -> dict[str, Score]:
    """Score translations against their references by every metric of the settings.

    Example:
        >>> {name: score.value for name, score in measure(["a"], ["A"], EvaluationSettings(("exact_match",))).items()}
        {'exact_match': 0.0}
    """
    return {
        name: score(name, hypotheses, references, lowercase=settings.lowercase, tokenize=settings.tokenize)
        for name in settings.metrics
    }
