"""Runs side by side, without TensorFlow: how good each variant of a recipe is, how sure that is, what it costs."""

from seq2seq.analysis.comparison.comparison import (
    Classes,
    Comparison,
    MetricResult,
    Refused,
    VariantResult,
    compare_runs,
)
from seq2seq.analysis.comparison.plan import Plan, PlannedVariant, plan_grid, plan_named
from seq2seq.analysis.comparison.statistics import Difference, difference, holm, resample
from seq2seq.analysis.comparison.study import Study, StudyResult

__all__ = [
    "Classes",
    "Comparison",
    "Difference",
    "MetricResult",
    "Plan",
    "PlannedVariant",
    "Refused",
    "Study",
    "StudyResult",
    "VariantResult",
    "compare_runs",
    "difference",
    "holm",
    "plan_grid",
    "plan_named",
    "resample",
]
