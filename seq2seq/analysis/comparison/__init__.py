"""Runs side by side, without TensorFlow: how good each variant of a recipe is, how sure that is, what it costs."""

from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.analysis.comparison.comparison import (
        Comparison,
        MetricResult,
        Refused,
        VariantResult,
        compare_runs,
    )
    from seq2seq.analysis.comparison.lengths import Classes
    from seq2seq.analysis.comparison.plan import Plan, PlannedVariant, plan_grid, plan_named
    from seq2seq.analysis.comparison.search import SearchResult, SettingsSearch, Trial
    from seq2seq.analysis.comparison.statistics import Difference, difference, holm, resample
    from seq2seq.analysis.comparison.study import Study, StudyResult

_WHERE = {
    "seq2seq.analysis.comparison.comparison": [
        "Comparison",
        "MetricResult",
        "Refused",
        "VariantResult",
        "compare_runs",
    ],
    "seq2seq.analysis.comparison.lengths": ["Classes"],
    "seq2seq.analysis.comparison.plan": ["Plan", "PlannedVariant", "plan_grid", "plan_named"],
    "seq2seq.analysis.comparison.search": ["SettingsSearch", "SearchResult", "Trial"],
    "seq2seq.analysis.comparison.statistics": ["Difference", "difference", "holm", "resample"],
    "seq2seq.analysis.comparison.study": ["Study", "StudyResult"],
}

__all__ = [
    "Classes",
    "Comparison",
    "Difference",
    "MetricResult",
    "Plan",
    "PlannedVariant",
    "Refused",
    "SearchResult",
    "SettingsSearch",
    "Study",
    "StudyResult",
    "Trial",
    "VariantResult",
    "compare_runs",
    "difference",
    "holm",
    "plan_grid",
    "plan_named",
    "resample",
]

__getattr__, __dir__ = lazily(__name__, _WHERE)
