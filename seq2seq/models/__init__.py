"""Keras models: encoder, decoder, and both joined by a state bridge."""

import seq2seq.system.backend  # noqa: F401  (first: refuses another Keras backend before anything of Keras is imported)
from seq2seq.models.decoder import Decoder
from seq2seq.models.encoder import Encoder
from seq2seq.models.generator import Generator
from seq2seq.models.kernels import LayerKernel, SlowKernelError, layer_kernels
from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.models.step import DecoderState, Step

__all__ = [
    "Decoder",
    "DecoderState",
    "Encoder",
    "Generator",
    "LayerKernel",
    "Seq2Seq",
    "SlowKernelError",
    "Step",
    "layer_kernels",
]
