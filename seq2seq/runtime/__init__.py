"""Translate without TensorFlow: exported models on onnxruntime, NumPy and SentencePiece alone."""

from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.runtime.folder import ExportedFolderError
    from seq2seq.runtime.translator import ExportedTranslator, Hypothesis, load

_WHERE = {
    "seq2seq.runtime.folder": ["ExportedFolderError"],
    "seq2seq.runtime.translator": ["ExportedTranslator", "Hypothesis", "load"],
}

__all__ = ["ExportedFolderError", "ExportedTranslator", "Hypothesis", "load"]

__getattr__, __dir__ = lazily(__name__, _WHERE)
