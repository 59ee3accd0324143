"""The LSTM cell whose gates look at the memory cell."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from seq2seq.layers.bias import sum_rows
from seq2seq.layers.cells.cell import Cell, through_sigmoid, through_tanh
from seq2seq.layers.cells.lstm import LSTMState


@keras.saving.register_keras_serializable("seq2seq")
class PeepholeLSTMCell(Cell):
    """The LSTM with peepholes: each gate reads its own place of the memory cell through a weight, `p`.

    With `z = x·kernel + h·recurrent_kernel + bias` cut in four:

        i, f = σ(z_i + p_i·c), σ(z_f + p_f·c);  g = tanh(z_g);  c' = f·c + i·g;  o = σ(z_o + p_o·c');  h' = o·tanh(c')

    The peepholes start closed, which is the LSTM.

    Source:
        Graves 2013, "Generating Sequences With Recurrent Neural Networks", equations 7 to 11; Gers et al. 2002.
    """

    name = "peephole_lstm"
    title = "LSTM with peepholes"
    State = LSTMState
    gates = parts = 4
    saved = 7
    vectors = {"peephole_i": (1, "zeros"), "peephole_f": (1, "zeros"), "peephole_o": (1, "zeros")}  # noqa: RUF012
    kept_gates = {"input": 2, "forget": 3, "output": 5}  # noqa: RUF012
    remembering = "forget"
    forget_gate = 1

    def forward(self, products: Sequence[tf.Tensor], state: Any, vectors: Sequence[tf.Tensor]) -> Any:  # noqa: D102
        i, f, g, o = products
        p_i, p_f, p_o = vectors
        i, f, g = tf.sigmoid(i + p_i * state.cell), tf.sigmoid(f + p_f * state.cell), tf.tanh(g)
        cell = f * state.cell + i * g
        o = tf.sigmoid(o + p_o * cell)
        squashed = tf.tanh(cell)
        return LSTMState(o * squashed, cell), (state.cell, cell, i, f, g, o, squashed)

    def backward(self, saved: Sequence[tf.Tensor], d_state: Any, vectors: Sequence[tf.Tensor]) -> Any:  # noqa: D102
        before, cell, i, f, g, o, squashed = saved
        p_i, p_f, p_o = vectors
        d_hidden, d_cell = d_state
        d_o = through_sigmoid(y=o, dy=d_hidden * squashed)
        d_cell = tf.add_n([d_cell, through_tanh(y=squashed, dy=d_hidden * o), d_o * p_o])
        d_i = through_sigmoid(y=i, dy=d_cell * g)
        d_f = through_sigmoid(y=f, dy=d_cell * before)
        d_g = through_tanh(y=g, dy=d_cell * i)
        d_before = tf.add_n([d_cell * f, d_i * p_i, d_f * p_f])
        d_vectors = [sum_rows(d_i * before), sum_rows(d_f * before), sum_rows(d_o * cell)]
        return [d_i, d_f, d_g, d_o], LSTMState(None, d_before), d_vectors
