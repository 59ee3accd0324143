"""The LSTM cell."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from seq2seq.layers.cells.cell import Cell, through_sigmoid, through_tanh


class LSTMState(NamedTuple):
    """What an LSTM layer carries from step to step, in one direction.

    Attributes:
        hidden: The output of the last step, `[batch, units]`.
        cell: The memory cell after the last step, `[batch, units]`.
    """

    hidden: tf.Tensor
    cell: tf.Tensor


@keras.saving.register_keras_serializable("seq2seq")
class LSTMCell(Cell):
    """The LSTM with a forget gate, its weights laid out as Keras has them.

    With `σ` the logistic function and `z = x·kernel + h·recurrent_kernel + bias` cut in four:

        i, f, o = σ(z_i), σ(z_f), σ(z_o);  g = tanh(z_g);  c' = f·c + i·g;  h' = o·tanh(c')

    Source:
        Hochreiter and Schmidhuber 1997; Gers et al. 2000 (forget gate); Jozefowicz et al. 2015 (its bias of one).
    """

    name = "lstm"
    title = "LSTM"
    State = LSTMState
    gates = parts = 4
    saved = 6
    kept_gates = {"input": 1, "forget": 2, "output": 4}  # noqa: RUF012
    remembering = "forget"
    forget_gate = 1

    def forward(self, products: Sequence[tf.Tensor], state: Any, vectors: Sequence[tf.Tensor]) -> Any:  # noqa: D102
        i, f, g, o = products
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        cell = f * state.cell + i * g
        squashed = tf.tanh(cell)
        return LSTMState(o * squashed, cell), (state.cell, i, f, g, o, squashed)

    def backward(self, saved: Sequence[tf.Tensor], d_state: Any, vectors: Sequence[tf.Tensor]) -> Any:  # noqa: D102
        before, i, f, g, o, squashed = saved
        d_hidden, d_cell = d_state
        d_cell += through_tanh(y=squashed, dy=d_hidden * o)
        gates = [
            through_sigmoid(y=i, dy=d_cell * g),
            through_sigmoid(y=f, dy=d_cell * before),
            through_tanh(y=g, dy=d_cell * i),
            through_sigmoid(y=o, dy=d_hidden * squashed),
        ]
        return gates, LSTMState(None, d_cell * f), []
