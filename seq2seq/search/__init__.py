"""Greedy search, beam search and sampling over a bare step function: nothing here knows a model.

The settings load no TensorFlow; what searches is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from seq2seq.search.settings import Beam, DecodingSettings, Greedy, Sample, Search

if TYPE_CHECKING:
    from seq2seq.search.hypotheses import Hypotheses
    from seq2seq.search.searches import search
    from seq2seq.search.task import Step

_WHERE = {
    "Hypotheses": "seq2seq.search.hypotheses",
    "Step": "seq2seq.search.task",
    "search": "seq2seq.search.searches",
}

__all__ = ["Beam", "DecodingSettings", "Greedy", "Hypotheses", "Sample", "Search", "Step", "search"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
