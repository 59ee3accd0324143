"""The LSTM kernel: stock Keras weights, config and results, with a faster loop on the CPU."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from seq2seq.layers.state import LSTMState


@keras.saving.register_keras_serializable("seq2seq")
class LSTM(keras.layers.LSTM):
    """`keras.layers.LSTM` with its own loop on the CPU; everything else is Keras'.

    The input projection is hoisted out of the loop as one product, the backward loop computes gate gradients only,
    and all weight gradients are one product each after it. Used where the layer has the standard gates (tanh,
    sigmoid, bias, no recurrent dropout, no unrolling) and no GPU is visible; Keras' own loop or cuDNN runs otherwise.

    Example:
        >>> layer = LSTM(4, return_sequences=True)
        >>> layer(keras.ops.ones((2, 3, 5))).shape
        TensorShape([2, 3, 4])

    Source:
        Hochreiter and Schmidhuber 1997; Gers et al. 2000 for the forget gate; the gates are in Keras' order.
    """

    @property
    def loop(self) -> str:
        """Which loop runs: `"own"` (this module) or `"keras"` (Keras' loop, or cuDNN on a GPU)."""
        standard = (
            self.activation is keras.activations.tanh
            and self.recurrent_activation is keras.activations.sigmoid
            and self.use_bias
            and not self.recurrent_dropout
            and not self.dropout
            and not self.unroll
            and not self.zero_output_for_mask
        )
        return "own" if standard and not tf.config.list_logical_devices("GPU") else "keras"

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Attach no mask to the outputs: masks are passed explicitly here."""

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:  # noqa: D102
        if self.loop == "keras":
            return super().inner_loop(sequences, initial_state, mask, training)
        sequences = tf.convert_to_tensor(sequences)
        if self.go_backwards:
            sequences = tf.reverse(sequences, [1])
            mask = None if mask is None else tf.reverse(mask, [1])
        cell = self.cell
        weights = [tf.cast(weight, sequences.dtype) for weight in (cell.kernel, cell.recurrent_kernel, cell.bias)]
        # Outside a graph every operation of the loop would be dispatched from Python.
        run = _graph(mask is not None, sequences.dtype) if tf.executing_eagerly() else lstm
        outputs, hidden, cell_state = run(sequences, mask, *initial_state, *weights)
        # Keras emits zeros until a row's first real step; only left-padded and fully masked rows have such steps.
        if mask is not None:
            seen = tf.cumsum(tf.cast(mask, tf.int32), axis=1) > 0
            outputs = tf.where(seen[:, :, tf.newaxis], outputs, tf.zeros([], outputs.dtype))
        return outputs[:, -1], outputs, [hidden, cell_state]

    def step(self, inputs: tf.Tensor, state: LSTMState) -> LSTMState:
        """Take one step with the same weights.

        Args:
            inputs: The input of the step, `[batch, features]`.
            state: The state before it, each part `[batch, units]`.

        Returns:
            The state after it; its `hidden` is the output.
        """
        hidden, cell = state
        _, (hidden, cell) = self.cell(inputs, [hidden, cell])
        return LSTMState(hidden, cell)


def lstm(
    inputs: tf.Tensor,
    mask: tf.Tensor | None,
    hidden: tf.Tensor,
    cell: tf.Tensor,
    kernel: tf.Tensor,
    recurrent_kernel: tf.Tensor,
    bias: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Run an LSTM over whole sequences.

    Per step, with `σ` the logistic function and `z = x·kernel + h·recurrent_kernel + bias` cut in four:

        i, f, o = σ(z_i), σ(z_f), σ(z_o);  g = tanh(z_g);  c' = f·c + i·g;  h' = o·tanh(c')

    A masked step changes neither `h` nor `c`.

    Args:
        inputs: `[batch, time, features]`.
        mask: Boolean, True = real, `[batch, time]`, or None.
        hidden: Initial hidden state, `[batch, units]`.
        cell: Initial cell state, `[batch, units]`.
        kernel: `[features, 4 · units]`, the gates in the order i, f, g, o.
        recurrent_kernel: `[units, 4 · units]`.
        bias: `[4 · units]`.

    Returns:
        outputs `[batch, time, units]`, and the hidden and cell state after the last real step.
    """
    # Time goes first: each step then reads and writes one contiguous slice.
    time_mask = None if mask is None else tf.transpose(mask)[:, :, tf.newaxis]

    @tf.custom_gradient
    def run(
        inputs: tf.Tensor,
        hidden: tf.Tensor,
        cell: tf.Tensor,
        kernel: tf.Tensor,
        recurrent_kernel: tf.Tensor,
        bias: tf.Tensor,
    ) -> Any:
        sequence = tf.transpose(inputs, [1, 0, 2])
        outputs, hidden_end, cell_end, saved = _forward(
            sequence, time_mask, hidden, cell, kernel, recurrent_kernel, bias
        )

        def gradient(d_outputs: tf.Tensor, d_hidden: tf.Tensor, d_cell: tf.Tensor) -> tuple[tf.Tensor, ...]:
            d_outputs = tf.transpose(d_outputs, [1, 0, 2])
            d_gates, d_hidden, d_cell = _backward(d_outputs, time_mask, d_hidden, d_cell, cell, recurrent_kernel, saved)
            before = tf.concat([hidden[tf.newaxis], outputs[:-1]], axis=0)
            flat = _flatten(d_gates)
            d_inputs = tf.reshape(tf.matmul(flat, kernel, transpose_b=True), tf.shape(sequence))
            return (
                tf.transpose(d_inputs, [1, 0, 2]),
                d_hidden,
                d_cell,
                tf.matmul(_flatten(sequence), flat, transpose_a=True),
                tf.matmul(_flatten(before), flat, transpose_a=True),
                tf.reduce_sum(flat, axis=0),
            )

        return (tf.transpose(outputs, [1, 0, 2]), hidden_end, cell_end), gradient

    return run(inputs, hidden, cell, kernel, recurrent_kernel, bias)


@functools.cache
def _graph(masked: bool, dtype: tf.DType) -> Callable[..., tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
    """The graph of `lstm` for any shapes."""
    ranks = {"inputs": 3, "hidden": 2, "cell": 2, "kernel": 2, "recurrent_kernel": 2, "bias": 1}
    specs = {name: tf.TensorSpec([None] * rank, dtype) for name, rank in ranks.items()}
    mask = tf.TensorSpec([None, None], tf.bool) if masked else None
    inputs, *others = specs.values()
    graph = tf.function(lstm, autograph=False).get_concrete_function(inputs, mask, *others)
    return lambda inputs, mask, *others: graph(inputs, *([mask] if masked else []), *others)


def _flatten(sequence: tf.Tensor) -> tf.Tensor:
    """Join time and batch: `[time, batch, units]` to `[time · batch, units]`."""
    return tf.reshape(sequence, [-1, tf.shape(sequence)[2]])


def _array(dtype: tf.DType, size: tf.Tensor) -> tf.TensorArray:
    # Eager TensorArrays forget what was read unless told otherwise; both passes read these.
    return tf.TensorArray(dtype, size, clear_after_read=False)


def _forward(
    sequence: tf.Tensor,
    mask: tf.Tensor | None,
    hidden: tf.Tensor,
    cell: tf.Tensor,
    kernel: tf.Tensor,
    recurrent_kernel: tf.Tensor,
    bias: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, list[tf.TensorArray]]:
    """The loop over time; keeps what the backward loop needs: gates, cell states and their tanh."""
    steps, batch = tf.shape(sequence)[0], tf.shape(sequence)[1]
    projected = tf.matmul(_flatten(sequence), kernel) + bias
    projected = tf.reshape(projected, [steps, batch, tf.shape(kernel)[1]])
    arrays = [_array(sequence.dtype, steps) for _ in range(7)]

    def step(time: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, arrays: list[tf.TensorArray]) -> tuple[Any, ...]:
        gates = projected[time] + tf.matmul(hidden, recurrent_kernel)
        i, f, g, o = tf.split(gates, 4, axis=1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        new_cell = f * cell + i * g
        squashed = tf.tanh(new_cell)
        new_hidden = o * squashed
        if mask is not None:
            new_cell = tf.where(mask[time], new_cell, cell)
            new_hidden = tf.where(mask[time], new_hidden, hidden)
        values = (i, f, g, o, squashed, new_cell, new_hidden)
        arrays = [array.write(time, value) for array, value in zip(arrays, values, strict=True)]
        return time + 1, new_hidden, new_cell, arrays

    hidden_shape, cell_shape = hidden.shape, cell.shape
    _, hidden, cell, arrays = tf.while_loop(
        lambda time, *_: time < steps, step, (0, hidden, cell, arrays), maximum_iterations=steps
    )
    hidden.set_shape(hidden_shape)
    cell.set_shape(cell_shape)
    outputs = arrays[6].stack()
    outputs.set_shape([sequence.shape[0], sequence.shape[1], hidden_shape[1]])
    return outputs, hidden, cell, arrays[:6]


def _backward(
    d_outputs: tf.Tensor,
    mask: tf.Tensor | None,
    d_hidden: tf.Tensor,
    d_cell: tf.Tensor,
    initial_cell: tf.Tensor,
    recurrent_kernel: tf.Tensor,
    saved: list[tf.TensorArray],
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The loop back over time: gradients of the gates' inputs `[time, batch, 4 · units]` and of the initial state."""
    steps = tf.shape(d_outputs)[0]
    # A product with transpose_b inside the loop would repack the matrix at every step.
    transposed = tf.transpose(recurrent_kernel)
    inputs, forgets, candidates, outputs, squashes, cells = saved

    def step(time: tf.Tensor, d_hidden: tf.Tensor, d_cell: tf.Tensor, d_gates: tf.TensorArray) -> tuple[Any, ...]:
        i, f, g, o = inputs.read(time), forgets.read(time), candidates.read(time), outputs.read(time)
        squashed = squashes.read(time)
        before = tf.cond(time > 0, lambda: cells.read(time - 1), lambda: initial_cell)
        d_hidden += d_outputs[time]
        d_state = d_cell + d_hidden * o * (1 - squashed * squashed)
        gates = tf.concat(
            [
                d_state * g * i * (1 - i),
                d_state * before * f * (1 - f),
                d_state * i * (1 - g * g),
                d_hidden * squashed * o * (1 - o),
            ],
            axis=1,
        )
        d_before = d_state * f
        if mask is None:
            d_hidden = tf.matmul(gates, transposed)
        else:
            zero = tf.zeros([], gates.dtype)
            gates = tf.where(mask[time], gates, zero)
            d_hidden = tf.matmul(gates, transposed) + tf.where(mask[time], zero, d_hidden)
            d_before = tf.where(mask[time], d_before, d_cell)
        return time - 1, d_hidden, d_before, d_gates.write(time, gates)

    _, d_hidden, d_cell, d_gates = tf.while_loop(
        lambda time, *_: time >= 0,
        step,
        (steps - 1, d_hidden, d_cell, _array(d_outputs.dtype, steps)),
        maximum_iterations=steps,
    )
    return d_gates.stack(), d_hidden, d_cell
