"""Keras models: encoder, decoder, and both joined by a state bridge.

The names below are imported when they are first used: settings of models are read without TensorFlow.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seq2seq.models.decoder import Decoder
    from seq2seq.models.encoder import Encoder
    from seq2seq.models.seq2seq import Seq2Seq
    from seq2seq.models.step import DecoderState, Step

_WHERE = {
    "Decoder": "seq2seq.models.decoder",
    "DecoderState": "seq2seq.models.step",
    "Encoder": "seq2seq.models.encoder",
    "Seq2Seq": "seq2seq.models.seq2seq",
    "Step": "seq2seq.models.step",
}

__all__ = ["Decoder", "DecoderState", "Encoder", "Seq2Seq", "Step"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
