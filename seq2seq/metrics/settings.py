"""Settings of evaluation: by which metrics translations are measured; and the measuring by all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from seq2seq.metrics.scores import References, Score, score
from seq2seq.settings import SettingsError, check_settings

# The names of metrics are typed here and explained beside what they name; a test compares.
Metric = Literal[
    "bleu",
    "chrf",
    "ter",
    "exact_match",
    "sequence_error_rate",
    "word_error_rate",
    "phoneme_error_rate",
    "character_error_rate",
]


@dataclass(frozen=True)
class EvaluationSettings:
    """How translations are measured.

    Args:
        metrics: Names of metrics; the first one is told first.
        lowercase: Whether the metrics ignore case.
        tokenize: sacreBLEU's tokenizer for BLEU: "13a" for plain text, "none" for text that is tokenised already.
        several_references: Whether lines of equal source are one sentence with several right references, scored once.
    """

    section: ClassVar[str] = "evaluation"
    metrics: tuple[Metric, ...] = ("bleu", "chrf", "exact_match")
    lowercase: bool = False
    tokenize: str = "13a"
    several_references: bool = False

    def __post_init__(self) -> None:
        check_settings(self)
        if not self.metrics:
            raise SettingsError(
                "Translations are measured by one metric at least. Received: evaluation.metrics=[]. Name one, such as "
                "chrf."
            )


def measure(
    hypotheses: Sequence[str],
    references: References,
    settings: EvaluationSettings,
    sources: Sequence[str] | None = None,
) -> dict[str, Score]:
    """Score translations against their references by every metric of the settings.

    Args:
        hypotheses: One text per sentence.
        references: One text per hypothesis, or a list of texts per hypothesis.
        settings: Which metrics, and how.
        sources: One text per hypothesis; needed for ``several_references``: of equal sources the first translation is
            scored, against the references of all.

    Returns:
        For each name of a metric, in the order of the settings, the score and its signature.

    Raises:
        ValueError: The sources are needed and not given, and where a metric refuses.

    Example:
        >>> {name: score.value for name, score in measure(["a"], ["A"], EvaluationSettings(("exact_match",))).items()}
        {'exact_match': 0.0}
    """
    if settings.several_references:
        hypotheses, references = grouped(sources, hypotheses, references)
    return {
        name: score(name, hypotheses, references, lowercase=settings.lowercase, tokenize=settings.tokenize)
        for name in settings.metrics
    }


def grouped(
    sources: Sequence[str] | None, hypotheses: Sequence[str], references: References
) -> tuple[list[str], list[list[str]]]:
    """Put the references of equal sources together, beside the first of their translations.

    Raises:
        ValueError: There is not a source for each of them.
    """
    if sources is None or not len(sources) == len(hypotheses) == len(references):
        received = "none" if sources is None else len(sources)
        raise ValueError(
            "Several references of one source are found by the sources, in the order of the translations. Received: "
            f"evaluation.several_references=true, sources: {received}, hypotheses: {len(hypotheses)}, references: "
            f"{len(references)}."
        )
    said: dict[str, str] = {}
    right: dict[str, list[str]] = {}
    for source, hypothesis, allowed in zip(sources, hypotheses, references, strict=True):
        said.setdefault(source, hypothesis)
        right.setdefault(source, []).extend([allowed] if isinstance(allowed, str) else allowed)
    return list(said.values()), [list(dict.fromkeys(texts)) for texts in right.values()]


def right_for_each(sources: Sequence[str] | None, references: References) -> list[list[str]]:
    """Give each line the references of all lines of its source.

    Raises:
        ValueError: There is not a source for each of them.

    Example:
        >>> right_for_each(["read", "cat", "read"], ["r iy d", "k ae t", "r eh d"])
        [['r iy d', 'r eh d'], ['k ae t'], ['r iy d', 'r eh d']]
    """
    _, right = grouped(sources, [""] * len(references), references)
    of_source = dict(zip(dict.fromkeys(sources or ()), right, strict=True))
    return [of_source[source] for source in sources or ()]
