"""One page about a run: what it scored, how it learnt, what it read, where it is good and bad; read without TensorFlow.

What only the model can tell (how sure it was, what it looked at, its wiring) is gathered once and kept in the folder.
"""

from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.analysis.report.insight import Insight, gather, read_insight
    from seq2seq.analysis.report.page import report_page, write_report

_WHERE = {
    "seq2seq.analysis.report.insight": ["Insight", "gather", "read_insight"],
    "seq2seq.analysis.report.page": ["report_page", "write_report"],
}

__all__ = ["Insight", "gather", "read_insight", "report_page", "write_report"]

__getattr__, __dir__ = lazily(__name__, _WHERE)
