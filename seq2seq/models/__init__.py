"""Keras models: encoder, decoder, and both joined by a state bridge."""

from seq2seq.models.decoder import Decoder, DecoderState
from seq2seq.models.encoder import Encoder
from seq2seq.models.seq2seq import Seq2Seq

__all__ = ["Decoder", "DecoderState", "Encoder", "Seq2Seq"]
