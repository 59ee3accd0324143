"""Text in, text out: the translator and its one file."""

from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.translation.confidence import Calibration
    from seq2seq.translation.hypothesis import Cuts, Hypothesis, Translation
    from seq2seq.translation.loading import load
    from seq2seq.translation.model_file import TranslatorFileError, read_about
    from seq2seq.translation.n_best import Candidate, read_n_best
    from seq2seq.translation.reranking import (
        Features,
        Weights,
        equal_weights,
        read_features,
        tune_weights,
        values_of,
    )
    from seq2seq.translation.scoring import TargetScore, perplexity
    from seq2seq.translation.shortlist import Shortlist
    from seq2seq.translation.starting import Growth, start_from
    from seq2seq.translation.terms import Terms
    from seq2seq.translation.translator import Translator

_KERAS = {
    "seq2seq.translation.loading": ["load"],
    "seq2seq.translation.model_file": ["TranslatorFileError", "read_about"],
    "seq2seq.translation.scoring": ["TargetScore", "perplexity"],
    "seq2seq.translation.shortlist": ["Shortlist"],
    "seq2seq.translation.starting": ["Growth", "start_from"],
    "seq2seq.translation.translator": ["Translator"],
}
_WHERE = {
    "seq2seq.translation.confidence": ["Calibration"],
    "seq2seq.translation.hypothesis": ["Cuts", "Hypothesis", "Translation"],
    "seq2seq.translation.n_best": ["Candidate", "read_n_best"],
    "seq2seq.translation.reranking": [
        "Features",
        "Weights",
        "equal_weights",
        "read_features",
        "tune_weights",
        "values_of",
    ],
    "seq2seq.translation.terms": ["Terms"],
    **_KERAS,
}

__all__ = [
    "Calibration",
    "Candidate",
    "Cuts",
    "Features",
    "Growth",
    "Hypothesis",
    "Shortlist",
    "TargetScore",
    "Terms",
    "Translation",
    "Translator",
    "TranslatorFileError",
    "Weights",
    "equal_weights",
    "load",
    "perplexity",
    "read_about",
    "read_features",
    "read_n_best",
    "start_from",
    "tune_weights",
    "values_of",
]

__getattr__, __dir__ = lazily(__name__, _WHERE, keras=_KERAS)
