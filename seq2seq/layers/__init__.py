"""Keras layers for recurrent sequence-to-sequence models."""

from seq2seq.layers.attention import Attention
from seq2seq.layers.bridge import StateBridge
from seq2seq.layers.lstm import LSTM
from seq2seq.layers.stack import StackedLSTM
from seq2seq.layers.state import Encoded, GRUState, LSTMState, Memory
from seq2seq.layers.wire import Wire
from seq2seq.system import backend as _backend  # noqa: F401  (refuses another Keras backend before anything is built)

__all__ = ["LSTM", "Attention", "Encoded", "GRUState", "LSTMState", "Memory", "StackedLSTM", "StateBridge", "Wire"]
