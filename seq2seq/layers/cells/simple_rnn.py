"""The cell of the simple recurrent network, without gates."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from seq2seq.layers.cells.cell import Cell, through_tanh


class SimpleRNNState(NamedTuple):
    """What a simple recurrent layer carries from step to step, in one direction.

    Attributes:
        hidden: The output of the last step, `[batch, units]`.
    """

    hidden: tf.Tensor


@keras.saving.register_keras_serializable("seq2seq")
class SimpleRNNCell(Cell):
    """The simple recurrent network: no gate, so that all that was remembered goes through every step's product.

        h' = tanh(x·kernel + h·recurrent_kernel + bias)

    Source:
        Elman 1990.
    """

    name = "simple_rnn"
    title = "simple RNN"
    State = SimpleRNNState
    gates = parts = 1
    saved = 1

    def forward(self, products: Sequence[tf.Tensor], state: Any, vectors: Sequence[tf.Tensor]) -> Any:  # noqa: D102
        hidden = tf.tanh(products[0])
        return SimpleRNNState(hidden), (hidden,)

    def backward(self, saved: Sequence[tf.Tensor], d_state: Any, vectors: Sequence[tf.Tensor]) -> Any:  # noqa: D102
        return [through_tanh(y=saved[0], dy=d_state[0])], SimpleRNNState(None), []
