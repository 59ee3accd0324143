"""Text in, text out: the translator and its one file."""

import seq2seq.system.backend  # noqa: F401  (first: refuses another Keras backend before anything of Keras is imported)
from seq2seq.translation.hypothesis import Cuts, Hypothesis
from seq2seq.translation.loading import load
from seq2seq.translation.model_file import TranslatorFileError
from seq2seq.translation.scoring import TargetScore, perplexity
from seq2seq.translation.shortlist import Shortlist
from seq2seq.translation.starting import Growth, start_from
from seq2seq.translation.terms import Terms
from seq2seq.translation.translator import Translator, read_about

__all__ = [
    "Cuts",
    "Growth",
    "Hypothesis",
    "Shortlist",
    "TargetScore",
    "Terms",
    "Translator",
    "TranslatorFileError",
    "load",
    "perplexity",
    "read_about",
    "start_from",
]
