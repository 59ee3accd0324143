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
    gates = parts = 4
    joined = False
    biased = False
    saved = 18
    vectors = {  # noqa: RUF012
        "gain_inputs": (4, "ones"),
        "gain_hidden": (4, "ones"),
        "bias": (4, _open_forget_gate),
        "gain_cell": (1, "ones"),
        "bias_cell": (1, "zeros"),
    }
    kept_gates = {"input": 11, "forget": 12, "output": 14}  # noqa: RUF012
    remembering = "forget"
    forget_gate = 1

    def fold(self, weights: CellWeights) -> CellWeights:  # noqa: D102
        return weights._replace(kernel=_centred(weights.kernel), recurrent_kernel=_centred(weights.recurrent_kernel))

    def forward(self, products: Sequence[tf.Tensor], state: Any, vectors: Sequence[tf.Tensor]) -> Any:  # noqa: D102
        x, h = products[:4], products[4:]
        gain_x, gain_h, bias, gain_c, bias_c = vectors
        scale_x, scale_h = _scale(x), _scale(h)
        i, f, g, o = (
            tf.nn.bias_add(a * _outer(scale_x, p) + b * _outer(scale_h, q), r)
            for a, b, p, q, r in zip(x, h, _rows(gain_x, 4), _rows(gain_h, 4), tf.split(bias, 4), strict=True)
        )
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        cell = f * state.cell + i * g
        c = _centred(cell)
        scale_c = _scale([c])
        squashed = tf.tanh(tf.nn.bias_add(c * _outer(scale_c, gain_c[tf.newaxis]), bias_c))
        saved = (*x, scale_x, *h, scale_h, state.cell, i, f, g, o, c, scale_c, squashed)
        return LSTMState(o * squashed, cell), saved

    def backward(self, saved: Sequence[tf.Tensor], d_state: Any, vectors: Sequence[tf.Tensor]) -> Any:  # noqa: D102
        x, scale_x, h, scale_h = saved[:4], saved[4], saved[5:9], saved[9]
        before, i, f, g, o, c, scale_c, squashed = saved[10:]
        gain_x, gain_h, _, gain_c, _ = vectors
        d_hidden, d_cell = d_state
        d_normal = through_tanh(y=squashed, dy=d_hidden * o)
        (d_c,), d_gain_c = _through_scale([c], scale_c, gain_c, [d_normal])
        d_cell += _centred(d_c)
        d_z = [
            through_sigmoid(y=i, dy=d_cell * g),
            through_sigmoid(y=f, dy=d_cell * before),
            through_tanh(y=g, dy=d_cell * i),
            through_sigmoid(y=o, dy=d_hidden * squashed),
        ]
        d_x, d_gain_x = _through_scale(x, scale_x, gain_x, d_z)
        d_h, d_gain_h = _through_scale(h, scale_h, gain_h, d_z)
        every_row = tf.ones_like(scale_c)
        d_vectors = [d_gain_x, d_gain_h, _sum(every_row, d_z), d_gain_c, _sum(every_row, [d_normal])]
        return [*d_x, *d_h], LSTMState(None, d_cell * f), d_vectors


@tf.custom_gradient
def _centred(values: tf.Tensor) -> Any:
    """Take the mean of each row away."""

    def centre(rows: tf.Tensor) -> tf.Tensor:
        return rows - tf.reduce_mean(rows, axis=1, keepdims=True)

    return centre(values), centre


def _scale(parts: Sequence[tf.Tensor]) -> tf.Tensor:
    """One over the deviation of each row of centred parts side by side, `[rows, 1]`."""
    # Part by part, tensors stay in a processor's cache: side by side, twice the time.
    squares = tf.add_n([tf.square(part) for part in parts])
    return tf.math.rsqrt(tf.reduce_mean(squares, axis=1, keepdims=True) / len(parts) + EPSILON)


def _rows(vector: tf.Tensor, parts: int) -> list[tf.Tensor]:
    """Cut a vector into parts, `[1, width]` each."""
    return tf.split(vector[tf.newaxis], parts, axis=1)


def _outer(scale: tf.Tensor, gain: tf.Tensor) -> tf.Tensor:
    # A broadcast takes twice as long as a product, and so do sums beside the products below.
    return tf.matmul(scale, gain)


def _sum(weights: tf.Tensor, parts: Sequence[tf.Tensor]) -> tf.Tensor:
    """The weighted sums over the rows of parts, side by side: `[width]`."""
    return tf.concat([tf.matmul(weights, part, transpose_a=True) for part in parts], axis=1)[0]


def _through_scale(
    parts: Sequence[tf.Tensor], scale: tf.Tensor, gain: tf.Tensor, gradients: Sequence[tf.Tensor]
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """Give the gradients of centred parts and of the gain, from those of `part · scale · gain`."""
    gains = _rows(gain, len(parts))
    seen = [gradient * part for gradient, part in zip(gradients, parts, strict=True)]
    along = tf.add_n([tf.matmul(one, g, transpose_b=True) for one, g in zip(seen, gains, strict=True)])
    slope = through_rsqrt(y=scale, dy=along) * (2 / tf.cast(tf.size(gain), gain.dtype))
    d_parts = [
        gradient * _outer(scale, g) + part * slope for gradient, part, g in zip(gradients, parts, gains, strict=True)
    ]
    return d_parts, _sum(scale, seen)
