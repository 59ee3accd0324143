"""Recurrent cells: what a layer does at each step, one file each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from seq2seq.system.exports import LazyTable, lazily

if TYPE_CHECKING:
    from seq2seq.layers.cells.cell import Cell, CellWeights, Prepared
    from seq2seq.layers.cells.named import cell_config, cell_named

CELLS: Mapping[str, type[Cell]] = LazyTable(
    {
        "lstm": "seq2seq.layers.cells.lstm:LSTMCell",
        "gru": "seq2seq.layers.cells.gru:GRUCell",
        "layer_norm_lstm": "seq2seq.layers.cells.layer_norm_lstm:LayerNormLSTMCell",
        "peephole_lstm": "seq2seq.layers.cells.peephole_lstm:PeepholeLSTMCell",
        "coupled_lstm": "seq2seq.layers.cells.coupled_lstm:CoupledLSTMCell",
        "simple_rnn": "seq2seq.layers.cells.simple_rnn:SimpleRNNCell",
    }
)
"""The cells by name."""

_WHERE = {
    "seq2seq.layers.cells.cell": ["Cell", "CellWeights", "Prepared"],
    "seq2seq.layers.cells.named": ["cell_config", "cell_named"],
}

__all__ = ["CELLS", "Cell", "CellWeights", "Prepared", "cell_config", "cell_named"]

__getattr__, __dir__ = lazily(__name__, _WHERE, keras=_WHERE)
