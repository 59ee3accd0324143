"""Keras layers for recurrent sequence-to-sequence models.

The names below are imported, all of them, when one of them is first used: settings know cells and attentions by name
without TensorFlow.
"""

from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.layers.attention import ATTENTIONS, Attention
    from seq2seq.layers.bridge import StateBridge
    from seq2seq.layers.cells import CELLS
    from seq2seq.layers.cells.cell import Cell, CellWeights, Prepared
    from seq2seq.layers.cells.coupled_lstm import CoupledLSTMCell
    from seq2seq.layers.cells.gru import GRUCell, GRUState
    from seq2seq.layers.cells.layer_norm_lstm import LayerNormLSTMCell
    from seq2seq.layers.cells.lstm import LSTMCell, LSTMState
    from seq2seq.layers.cells.peephole_lstm import PeepholeLSTMCell
    from seq2seq.layers.cells.simple_rnn import SimpleRNNCell, SimpleRNNState
    from seq2seq.layers.observed import Observed, observe
    from seq2seq.layers.rnn import GRU, LSTM, RNN
    from seq2seq.layers.scores import SCORES
    from seq2seq.layers.stack import StackedLSTM, StackedRNN
    from seq2seq.layers.state import Encoded, Memory
    from seq2seq.layers.wire import Wire

_WHERE = {
    "seq2seq.layers.attention": ["ATTENTIONS", "Attention"],
    "seq2seq.layers.bridge": ["StateBridge"],
    "seq2seq.layers.cells": ["CELLS"],
    "seq2seq.layers.cells.cell": ["Cell", "CellWeights", "Prepared"],
    "seq2seq.layers.cells.coupled_lstm": ["CoupledLSTMCell"],
    "seq2seq.layers.cells.gru": ["GRUCell", "GRUState"],
    "seq2seq.layers.cells.layer_norm_lstm": ["LayerNormLSTMCell"],
    "seq2seq.layers.cells.lstm": ["LSTMCell", "LSTMState"],
    "seq2seq.layers.cells.peephole_lstm": ["PeepholeLSTMCell"],
    "seq2seq.layers.cells.simple_rnn": ["SimpleRNNCell", "SimpleRNNState"],
    "seq2seq.layers.observed": ["Observed", "observe"],
    "seq2seq.layers.rnn": ["GRU", "LSTM", "RNN"],
    "seq2seq.layers.scores": ["SCORES"],
    "seq2seq.layers.stack": ["StackedLSTM", "StackedRNN"],
    "seq2seq.layers.state": ["Encoded", "Memory"],
    "seq2seq.layers.wire": ["Wire"],
}

__all__ = [
    "ATTENTIONS",
    "CELLS",
    "GRU",
    "LSTM",
    "RNN",
    "SCORES",
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
    "Observed",
    "PeepholeLSTMCell",
    "Prepared",
    "SimpleRNNCell",
    "SimpleRNNState",
    "StackedLSTM",
    "StackedRNN",
    "StateBridge",
    "Wire",
    "observe",
]

__getattr__, __dir__ = lazily(__name__, _WHERE, keras=_WHERE, together=True)
