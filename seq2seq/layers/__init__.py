"""Keras layers for recurrent sequence-to-sequence models."""

import seq2seq.system.backend  # noqa: F401  (first: refuses another Keras backend before anything of Keras is imported)
from seq2seq.layers.attention import Attention
from seq2seq.layers.bridge import StateBridge
from seq2seq.layers.cells import CELLS, Cell, GRUState, LSTMState
from seq2seq.layers.rnn import GRU, LSTM, RNN
from seq2seq.layers.stack import StackedLSTM, StackedRNN
from seq2seq.layers.state import Encoded, Memory
from seq2seq.layers.wire import Wire

__all__ = [
    "CELLS",
    "GRU",
    "LSTM",
    "RNN",
    "Attention",
    "Cell",
    "Encoded",
    "GRUState",
    "LSTMState",
    "Memory",
    "StackedLSTM",
    "StackedRNN",
    "StateBridge",
    "Wire",
]
