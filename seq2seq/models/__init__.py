"""Keras models: encoder, decoder, and both joined by a state bridge."""

from seq2seq.models.decoder import Decoder
from seq2seq.models.encoder import Encoder
from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.models.step import DecoderState, Step

__all__ = ["Decoder", "DecoderState", "Encoder", "Seq2Seq", "Step"]
