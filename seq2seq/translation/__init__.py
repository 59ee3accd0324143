"""Text in, text out: the translator and its one file."""

from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.translation.confidence import Calibration
    from seq2seq.translation.hypothesis import Cuts, Hypothesis, Translation
    from seq2seq.translation.loading import load
    from seq2seq.translation.model_file import TranslatorFileError
    from seq2seq.translation.scoring import TargetScore, perplexity
    from seq2seq.translation.shortlist import Shortlist
    from seq2seq.translation.starting import Growth, start_from
    from seq2seq.translation.terms import Terms
    from seq2seq.translation.translator import Translator, read_about

_KERAS = {
    "seq2seq.translation.loading": ["load"],
    "seq2seq.translation.model_file": ["TranslatorFileError"],
    "seq2seq.translation.scoring": ["TargetScore", "perplexity"],
    "seq2seq.translation.shortlist": ["Shortlist"],
    "seq2seq.translation.starting": ["Growth", "start_from"],
    "seq2seq.translation.terms": ["Terms"],
    "seq2seq.translation.translator": ["Translator", "read_about"],
}
_WHERE = {
    "seq2seq.translation.confidence": ["Calibration"],
    "seq2seq.translation.hypothesis": ["Cuts", "Hypothesis", "Translation"],
    **_KERAS,
}

__all__ = [
    "Calibration",
    "Cuts",
    "Growth",
    "Hypothesis",
    "Shortlist",
    "TargetScore",
    "Terms",
    "Translation",
    "Translator",
    "TranslatorFileError",
    "load",
    "perplexity",
    "read_about",
    "start_from",
]

__getattr__, __dir__ = lazily(__name__, _WHERE, keras=_KERAS)
