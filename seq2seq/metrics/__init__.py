"""Scores of whole sets of translations against their references; nothing here knows a model."""

from seq2seq.metrics.counts import Counts, References, count
from seq2seq.metrics.risk import expected_utility
from seq2seq.metrics.scores import (
    HIGHER_IS_BETTER,
    METRICS,
    Score,
    alike,
    bleu,
    character_error_rate,
    chrf,
    exact_match,
    phoneme_error_rate,
    score,
    sequence_error_rate,
    ter,
    word_error_rate,
)
from seq2seq.metrics.selection import Surest, surest
from seq2seq.metrics.settings import EvaluationSettings, measure

__all__ = [
    "HIGHER_IS_BETTER",
    "METRICS",
    "Counts",
    "EvaluationSettings",
    "References",
    "Score",
    "Surest",
    "alike",
    "bleu",
    "character_error_rate",
    "chrf",
    "count",
    "exact_match",
    "expected_utility",
    "measure",
    "phoneme_error_rate",
    "score",
    "sequence_error_rate",
    "surest",
    "ter",
    "word_error_rate",
]
