"""Runs side by side, without TensorFlow: how good each variant of a recipe is, how sure that is, what it costs."""

from seq2seq.analysis.comparison.comparison import (
    Classes,
    Comparison,
    MetricResult,
    Refused,
    VariantResult,
    compare_runs,
)
from seq2seq.analysis.comparison.statistics import Difference, difference, holm, resample

__all__ = [
    "Classes",
    "Comparison",
    "Difference",
    "MetricResult",
    "Refused",
    "VariantResult",
    "compare_runs",
    "difference",
    "holm",
    "resample",
]
