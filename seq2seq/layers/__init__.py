"""Keras layers for recurrent sequence-to-sequence models."""

import seq2seq.system.backend  # noqa: F401  (first: refuses another Keras backend before anything of Keras is imported)
from seq2seq.layers.attention import ATTENTIONS, Attention
from seq2seq.layers.bridge import StateBridge
from seq2seq.layers.cells import (
    CELLS,
    Cell,
    CellWeights,
    CoupledLSTMCell,
    GRUCell,
    GRUState,
    LayerNormLSTMCell,
    LSTMCell,
    LSTMState,
    PeepholeLSTMCell,
    Prepared,
)
from seq2seq.layers.rnn import GRU, LSTM, RNN
from seq2seq.layers.stack import StackedLSTM, StackedRNN
from seq2seq.layers.state import Encoded, Memory
from seq2seq.layers.wire import Wire

__all__ = [
    "ATTENTIONS",
    "CELLS",
    "GRU",
    "LSTM",
    "RNN",
    "Attention",
    "Cell",
    "CellWeights",
    "CoupledLSTMCell",
    "Encoded",
    "GRUCell",
    "GRUState",
    "LSTMCell",
    "LSTMState",
    "LayerNormLSTMCell",
    "Memory",
    "PeepholeLSTMCell",
    "Prepared",
    "StackedLSTM",
    "StackedRNN",
    "StateBridge",
    "Wire",
]
