"""The gated recurrent unit."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from seq2seq.layers.cells.cell import Cell, through_sigmoid, through_tanh


class GRUState(NamedTuple):
    """What a GRU layer carries from step to step, in one direction.

    Attributes:
        hidden: The output of the last step, `[batch, units]`.
    """

    hidden: tf.Tensor


@keras.saving.register_keras_serializable("seq2seq")
class GRUCell(Cell):
    """The gated recurrent unit, its weights laid out as Keras has them with `reset_after`.

    With `x·kernel + bias` and `h·recurrent_kernel + recurrent bias` each cut in three:

        z, r = σ(x_z + h_z), σ(x_r + h_r);  g = tanh(x_g + r·h_g);  h' = z·h + (1 - z)·g

    Source:
        Cho et al. 2014; with the reset gate behind the product as in cuDNN (Chung et al. 2014 before it).
    """

    name = "gru"
    title = "GRU"
    State = GRUState
    gates = parts = 3
    joined = False
    biases = 2
    saved = 5

    def forward(self, products: Sequence[tf.Tensor], state: Any, vectors: Sequence[tf.Tensor]) -> Any:  # noqa: D102
        x_z, x_r, x_g, h_z, h_r, h_g = products
        before = tf.cast(state.hidden, x_z.dtype)
        z, r = tf.sigmoid(x_z + h_z), tf.sigmoid(x_r + h_r)
        g = tf.tanh(x_g + r * h_g)
        return GRUState(g + z * (before - g)), (before, z, r, g, h_g)

    def backward(self, saved: Sequence[tf.Tensor], d_state: Any, vectors: Sequence[tf.Tensor]) -> Any:  # noqa: D102
        before, z, r, g, h_g = saved
        (d_hidden,) = d_state
        d_through = d_hidden * z
        d_z = through_sigmoid(y=z, dy=d_hidden * (before - g))
        d_g = through_tanh(y=g, dy=d_hidden - d_through)
        d_r = through_sigmoid(y=r, dy=d_g * h_g)
        return [d_z, d_r, d_g, d_z, d_r, d_g * r], GRUState(d_through), []
