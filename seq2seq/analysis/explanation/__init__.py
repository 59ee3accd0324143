"""Why a translation is as it is: what the model looked at, what the search kept, what else was probable."""

from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.analysis.explanation.explaining import Chosen, Explanation, Node, Reference, explain
    from seq2seq.analysis.explanation.page import picture

_WHERE = {
    "seq2seq.analysis.explanation.explaining": ["Chosen", "Explanation", "Node", "Reference", "explain"],
    "seq2seq.analysis.explanation.page": ["picture"],
}

__all__ = ["Chosen", "Explanation", "Node", "Reference", "explain", "picture"]

__getattr__, __dir__ = lazily(__name__, _WHERE, keras=_WHERE)
