"""Greedy search, beam search and sampling over a bare step function: nothing here knows a model.

The settings load no TensorFlow; what searches is imported when it is first used.
"""

from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.search.constraints import Constraints
    from seq2seq.search.hypotheses import Hypotheses
    from seq2seq.search.searches import search
    from seq2seq.search.settings import Beam, DecodingSettings, Greedy, Sample, Search
    from seq2seq.search.task import Step

_WHERE = {
    "seq2seq.search.constraints": ["Constraints"],
    "seq2seq.search.hypotheses": ["Hypotheses"],
    "seq2seq.search.searches": ["search"],
    "seq2seq.search.settings": ["Beam", "DecodingSettings", "Greedy", "Sample", "Search"],
    "seq2seq.search.task": ["Step"],
}

__all__ = [
    "Beam",
    "Constraints",
    "DecodingSettings",
    "Greedy",
    "Hypotheses",
    "Sample",
    "Search",
    "Step",
    "search",
]

__getattr__, __dir__ = lazily(__name__, _WHERE)
