"""Translate without TensorFlow: exported models on onnxruntime, NumPy and SentencePiece alone."""

from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.runtime.folder import ExportedFolderError
    from seq2seq.runtime.translator import ExportedTranslator, load
    from seq2seq.translation.hypothesis import Hypothesis, Translation

_WHERE = {
    "seq2seq.runtime.folder": ["ExportedFolderError"],
    "seq2seq.runtime.translator": ["ExportedTranslator", "load"],
    "seq2seq.translation.hypothesis": ["Hypothesis", "Translation"],
}

__all__ = ["ExportedFolderError", "ExportedTranslator", "Hypothesis", "Translation", "load"]

__getattr__, __dir__ = lazily(__name__, _WHERE)
