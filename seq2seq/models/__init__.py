"""Keras models: encoder, decoder, and both joined by a state bridge; their settings, and architectures by paper.

The names below are imported when they are first used: settings of models are read without TensorFlow.
"""

from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.models.architectures import ARCHITECTURES, bahdanau2014, gnmt2016, luong2015, sutskever2014
    from seq2seq.models.build import build_model
    from seq2seq.models.decoder import Decoder
    from seq2seq.models.embedding import start_embedding
    from seq2seq.models.encoder import Encoder
    from seq2seq.models.ensemble import Ensemble
    from seq2seq.models.forget_gates import start_forget_gates
    from seq2seq.models.generator import Generator
    from seq2seq.models.kernels import LayerKernel, SlowKernelError, layer_kernels
    from seq2seq.models.seq2seq import Seq2Seq
    from seq2seq.models.step import DecoderState, Step

_WHERE = {
    "seq2seq.models.architectures": ["ARCHITECTURES", "bahdanau2014", "gnmt2016", "luong2015", "sutskever2014"],
    "seq2seq.models.build": ["build_model"],
    "seq2seq.models.decoder": ["Decoder"],
    "seq2seq.models.embedding": ["start_embedding"],
    "seq2seq.models.encoder": ["Encoder"],
    "seq2seq.models.ensemble": ["Ensemble"],
    "seq2seq.models.forget_gates": ["start_forget_gates"],
    "seq2seq.models.generator": ["Generator"],
    "seq2seq.models.kernels": ["LayerKernel", "SlowKernelError", "layer_kernels"],
    "seq2seq.models.seq2seq": ["Seq2Seq"],
    "seq2seq.models.step": ["DecoderState", "Step"],
}

__all__ = [
    "ARCHITECTURES",
    "Decoder",
    "DecoderState",
    "Encoder",
    "Ensemble",
    "Generator",
    "LayerKernel",
    "Seq2Seq",
    "SlowKernelError",
    "Step",
    "bahdanau2014",
    "build_model",
    "gnmt2016",
    "layer_kernels",
    "luong2015",
    "start_embedding",
    "start_forget_gates",
    "sutskever2014",
]

__getattr__, __dir__ = lazily(__name__, _WHERE, keras=_WHERE.keys() - {"seq2seq.models.architectures"})
