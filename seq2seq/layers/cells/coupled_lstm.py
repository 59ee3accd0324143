"""The LSTM cell whose input gate is what its forget gate leaves."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from seq2seq.layers.cells.cell import Cell, through_sigmoid, through_tanh
from seq2seq.layers.cells.lstm import LSTMState


@keras.saving.register_keras_serializable("seq2seq")
class CoupledLSTMCell(Cell):
    """The LSTM with coupled input and forget gates (CIFG): what is written is what was forgotten.

    With `z = x·kernel + h·recurrent_kernel + bias` cut in three:

        f, o = σ(z_f), σ(z_o);  g = tanh(z_g);  c' = f·c + (1 - f)·g;  h' = o·tanh(c')

    Source:
        Greff et al. 2017, "LSTM: A Search Space Odyssey" (their variant CIFG).
    """

    name = "coupled_lstm"
    title = "LSTM with coupled gates"
    State = LSTMState
    gates = parts = 3
    saved = 5
    kept_gates = {"forget": 1, "output": 3}  # noqa: RUF012
    remembering = "forget"
    forget_gate = 0

    def forward(self, products: Sequence[tf.Tensor], state: Any, vectors: Sequence[tf.Tensor]) -> Any:  # noqa: D102
        f, g, o = products
        f, g, o = tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        apart = state.cell - g
        cell = g + f * apart
        squashed = tf.tanh(cell)
        return LSTMState(o * squashed, cell), (apart, f, g, o, squashed)

    def backward(self, saved: Sequence[tf.Tensor], d_state: Any, vectors: Sequence[tf.Tensor]) -> Any:  # noqa: D102
        apart, f, g, o, squashed = saved
        d_hidden, d_cell = d_state
        d_cell += through_tanh(y=squashed, dy=d_hidden * o)
        d_before = d_cell * f
        gates = [
            through_sigmoid(y=f, dy=d_cell * apart),
            through_tanh(y=g, dy=d_cell - d_before),
            through_sigmoid(y=o, dy=d_hidden * squashed),
        ]
        return gates, LSTMState(None, d_before), []
