"""The gated recurrent unit."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from seq2seq.layers.bias import sum_rows
from seq2seq.layers.cells.cell import Cell, through_sigmoid, through_tanh


class GRUState(NamedTuple):
    """What a GRU layer carries from step to step, in one direction.

    Attributes:
        hidden: The output of the last step, `[batch, units]`.
    """

    hidden: tf.Tensor


@keras.saving.register_keras_serializable("seq2seq")
class GRUCell(Cell):
    """The gated recurrent unit, its kernels laid out as Keras has them with `reset_after`.

    With `x·kernel + bias` and `u = h·recurrent_kernel` each cut in three, and the recurrent bias `b`:

        z, r = σ(x_z + u_z), σ(x_r + u_r);  g = tanh(x_g + r·(u_g + b));  h' = z·h + (1 - z)·g

    Keras has recurrent biases of `z` and `r` too, which are added to the others; here they are one.

    Source:
        Cho et al. 2014; with the reset gate behind the product as in cuDNN (Chung et al. 2014 before it).
    """

    name = "gru"
    title = "GRU"
    State = GRUState
    gates = parts = 3
    joined = False
    saved = 5
    vectors = {"recurrent_bias": (1, "zeros")}  # noqa: RUF012
    kept_gates = {"update": 1, "reset": 2}  # noqa: RUF012
    remembering = "update"

    def forward(self, products: Sequence[tf.Tensor], state: Any, vectors: Sequence[tf.Tensor]) -> Any:  # noqa: D102
        x_z, x_r, x_g, u_z, u_r, u_g = products
        (bias,) = vectors
        before = tf.cast(state.hidden, x_z.dtype)
        z, r = tf.sigmoid(x_z + u_z), tf.sigmoid(x_r + u_r)
        reset = u_g + bias
        g = tf.tanh(x_g + r * reset)
        return GRUState(g + z * (before - g)), (before, z, r, g, reset)

    def backward(self, saved: Sequence[tf.Tensor], d_state: Any, vectors: Sequence[tf.Tensor]) -> Any:  # noqa: D102
        before, z, r, g, reset = saved
        (d_hidden,) = d_state
        d_through = d_hidden * z
        d_z = through_sigmoid(y=z, dy=d_hidden * (before - g))
        d_g = through_tanh(y=g, dy=d_hidden - d_through)
        d_r = through_sigmoid(y=r, dy=d_g * reset)
        d_reset = d_g * r
        return [d_z, d_r, d_g, d_z, d_r, d_reset], GRUState(d_through), [sum_rows(d_reset)]
