"""The LSTM cell with layer normalisation."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from seq2seq.layers.cells.cell import Cell, CellWeights, open_gate, through_rsqrt, through_sigmoid, through_tanh
from seq2seq.layers.cells.lstm import LSTMState

EPSILON = 1e-5
"""Added to variances, as in the authors' own code."""


def _open_forget_gate(shape: Sequence[int], dtype: Any) -> tf.Tensor:
    return tf.cast(open_gate(1, 4, shape[0] // 4), dtype)


@keras.saving.register_keras_serializable("seq2seq")
class LayerNormLSTMCell(Cell):
    """The LSTM with both products and the memory cell normalised over their width.

    With `LN(v) = (v - mean of v) / √(variance of v + ε)`, the gains `a` and the biases `b`, and
    `z = a_x·LN(x·kernel) + a_h·LN(h·recurrent_kernel) + b` cut in four:

        i, f, o = σ(z_i), σ(z_f), σ(z_o);  g = tanh(z_g);  c' = f·c + i·g;  h' = o·tanh(a_c·LN(c') + b_c)

    The paper adds three biases to one another in `z`; here they are one. The kernels are centred once per sequence, so
    that their products have a mean of zero.

    Source:
        Ba, Kiros and Hinton 2016, "Layer Normalization", equations 20 to 22 (supplement).
    """

    name = "layer_norm_lstm"
    title = "LSTM with layer normalisation"
    State = LSTMState
    gates = 4
    parts = 1
    joined = False
    biased = False
    saved = 12
    vectors = {  # noqa: RUF012
        "gain_inputs": (4, "ones"),
        "gain_hidden": (4, "ones"),
        "bias": (4, _open_forget_gate),
        "gain_cell": (1, "ones"),
        "bias_cell": (1, "zeros"),
    }

    def fold(self, weights: CellWeights) -> CellWeights:  # noqa: D102
        return weights._replace(kernel=_centred(weights.kernel), recurrent_kernel=_centred(weights.recurrent_kernel))

    def forward(self, products: Sequence[tf.Tensor], state: Any, vectors: Sequence[tf.Tensor]) -> Any:  # noqa: D102
        x, h = products
        gain_x, gain_h, bias, gain_c, bias_c = vectors
        scale_x, scale_h = _scale(x), _scale(h)
        z = tf.nn.bias_add(x * _outer(scale_x, gain_x) + h * _outer(scale_h, gain_h), bias)
        i, f, g, o = tf.split(z, 4, axis=1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        cell = f * state.cell + i * g
        c = _centred(cell)
        scale_c = _scale(c)
        squashed = tf.tanh(tf.nn.bias_add(c * _outer(scale_c, gain_c), bias_c))
        return LSTMState(o * squashed, cell), (x, scale_x, h, scale_h, state.cell, i, f, g, o, c, scale_c, squashed)

    def backward(self, saved: Sequence[tf.Tensor], d_state: Any, vectors: Sequence[tf.Tensor]) -> Any:  # noqa: D102
        x, scale_x, h, scale_h, before, i, f, g, o, c, scale_c, squashed = saved
        gain_x, gain_h, _, gain_c, _ = vectors
        d_hidden, d_cell = d_state
        d_normal = through_tanh(y=squashed, dy=d_hidden * o)
        d_c, d_gain_c = _through_scale(c, scale_c, gain_c, d_normal)
        d_cell += _centred(d_c)
        gates = [
            through_sigmoid(y=i, dy=d_cell * g),
            through_sigmoid(y=f, dy=d_cell * before),
            through_tanh(y=g, dy=d_cell * i),
            through_sigmoid(y=o, dy=d_hidden * squashed),
        ]
        d_z = tf.concat(gates, axis=1)
        d_x, d_gain_x = _through_scale(x, scale_x, gain_x, d_z)
        d_h, d_gain_h = _through_scale(h, scale_h, gain_h, d_z)
        every_row = tf.ones_like(scale_c)
        d_vectors = [d_gain_x, d_gain_h, _sum(every_row, d_z), d_gain_c, _sum(every_row, d_normal)]
        return [d_x, d_h], LSTMState(None, d_cell * f), d_vectors


def _centred(values: tf.Tensor) -> tf.Tensor:
    """Take the mean of each row away."""
    return values - tf.reduce_mean(values, axis=1, keepdims=True)


def _scale(centred: tf.Tensor) -> tf.Tensor:
    """One over the deviation of each row, `[rows, 1]`."""
    return tf.math.rsqrt(tf.reduce_mean(tf.square(centred), axis=1, keepdims=True) + EPSILON)


def _outer(scale: tf.Tensor, gain: tf.Tensor) -> tf.Tensor:
    # A broadcast takes twice as long as a product, and so do sums beside the products below.
    return tf.matmul(scale, tf.expand_dims(gain, 0))


def _sum(weights: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """The weighted sum over the rows, `[width]`."""
    return tf.squeeze(tf.matmul(weights, values, transpose_a=True), 0)


def _through_scale(
    centred: tf.Tensor, scale: tf.Tensor, gain: tf.Tensor, gradient: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Give the gradients of `centred` and of the gain, from that of `centred · scale · gain`."""
    seen = gradient * centred
    d_mean_square = through_rsqrt(y=scale, dy=tf.matmul(seen, tf.expand_dims(gain, 1)))
    slope = d_mean_square * (2 / tf.cast(tf.size(gain), gain.dtype))
    return gradient * _outer(scale, gain) + centred * slope, _sum(scale, seen)
