"""The LSTM kernel: stock Keras weights, config and results, with a faster loop on the CPU."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from seq2seq.layers.bias import sum_rows
from seq2seq.layers.precision import fine
from seq2seq.layers.state import LSTMState


class Implementation(NamedTuple):
    """What runs a layer.

    Attributes:
        name: `"graph"` (this module's loop), `"cudnn"` or `"keras"` (Keras' own loop, the slow one).
        reason: Why, in words.
    """

    name: str
    reason: str


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
    def implementation(self) -> Implementation:
        """What runs a whole sequence, and why."""
        lost = [
            reason
            for reason, holds in {
                "its activation is not tanh": self.activation is not keras.activations.tanh,
                "its recurrent_activation is not sigmoid": self.recurrent_activation is not keras.activations.sigmoid,
                "it has no bias": not self.use_bias,
                "it has dropout": bool(self.dropout),
                "it has recurrent_dropout": bool(self.recurrent_dropout),
                "it is unrolled": self.unroll,
                "zero_output_for_mask is set": self.zero_output_for_mask,
            }.items()
            if holds
        ]
        if lost:
            return Implementation("keras", f"Keras' loop: {', '.join(lost)}")
        if not tf.config.list_logical_devices("GPU"):
            return Implementation("graph", "own loop in the plain graph: no GPU is visible, the gates are standard")
        if self.use_cudnn is False:
            return Implementation("keras", "Keras' loop: use_cudnn is off")
        return Implementation("cudnn", "Keras' cuDNN kernel: a GPU is visible, the gates are standard")

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Attach no mask to the outputs: masks are passed explicitly here."""

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:  # noqa: D102
        if self.implementation.name != "graph":
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


class Gates(NamedTuple):
    """What one step of a cell does between its products; `lstm` does everything else.

    A cell with other gates (coupled, with peepholes, normalised) is another pair of such functions, in float32 or
    finer: no other loop.

    Attributes:
        number: Number of gates: how many times `units` wide the kernels are.
        forward: From the gates' inputs, `number` tensors `[batch, units]`, and the cell state, to the hidden state, the
            cell state and what the gradient needs, `saved` tensors `[batch, units]`.
        backward: From what was saved, the cell state before the step, and the gradients of the hidden and the cell
            state after it, to the gradients of the gates' inputs and of the cell state before.
        saved: How many tensors `forward` saves.
    """

    number: int
    forward: Callable[[list[tf.Tensor], tf.Tensor], tuple[tf.Tensor, tf.Tensor, tuple[tf.Tensor, ...]]]
    backward: Callable[[list[tf.Tensor], tf.Tensor, tf.Tensor, tf.Tensor], tuple[list[tf.Tensor], tf.Tensor]]
    saved: int


def _standard_forward(inputs: list[tf.Tensor], cell: tf.Tensor) -> Any:
    i, f, g, o = inputs
    i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
    cell = f * cell + i * g
    squashed = tf.tanh(cell)
    return o * squashed, cell, (i, f, g, o, squashed)


def _standard_backward(saved: list[tf.Tensor], before: tf.Tensor, d_hidden: tf.Tensor, d_cell: tf.Tensor) -> Any:
    i, f, g, o, squashed = saved
    # The gradients of sigmoid and tanh in terms of their results, each one operation.
    through_sigmoid, through_tanh = tf.raw_ops.SigmoidGrad, tf.raw_ops.TanhGrad
    d_cell += through_tanh(y=squashed, dy=d_hidden * o)
    gates = [
        through_sigmoid(y=i, dy=d_cell * g),
        through_sigmoid(y=f, dy=d_cell * before),
        through_tanh(y=g, dy=d_cell * i),
        through_sigmoid(y=o, dy=d_hidden * squashed),
    ]
    return gates, d_cell * f


STANDARD = Gates(4, _standard_forward, _standard_backward, saved=5)


def lstm(
    inputs: tf.Tensor,
    mask: tf.Tensor | None,
    hidden: tf.Tensor,
    cell: tf.Tensor,
    kernel: tf.Tensor,
    recurrent_kernel: tf.Tensor,
    bias: tf.Tensor,
    gates: Gates = STANDARD,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Run an LSTM over whole sequences.

    Per step, with `σ` the logistic function and `z = x·kernel + h·recurrent_kernel + bias` cut in four:

        i, f, o = σ(z_i), σ(z_f), σ(z_o);  g = tanh(z_g);  c' = f·c + i·g;  h' = o·tanh(c')

    A masked step changes neither `h` nor `c`. Products are taken in the type of the inputs, gates and cell state in
    float32 or finer.

    Args:
        inputs: `[batch, time, features]`.
        mask: Boolean, True = real, `[batch, time]`, or None.
        hidden: Initial hidden state, `[batch, units]`.
        cell: Initial cell state, `[batch, units]`.
        kernel: `[features, 4 · units]`, the gates in the order i, f, g, o.
        recurrent_kernel: `[units, 4 · units]`.
        bias: `[4 · units]`.
        gates: The cell, where it is not the standard one.

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
            gates, sequence, time_mask, hidden, cell, kernel, recurrent_kernel, bias
        )

        def gradient(d_outputs: tf.Tensor, d_hidden: tf.Tensor, d_cell: tf.Tensor) -> tuple[tf.Tensor, ...]:
            d_outputs = tf.transpose(d_outputs, [1, 0, 2])
            d_gates, d_hidden, d_cell = _backward(
                gates, d_outputs, time_mask, d_hidden, d_cell, recurrent_kernel, saved
            )
            before = tf.concat([hidden[tf.newaxis], outputs[:-1]], axis=0)
            flat = _flatten(d_gates)
            # A transposed product packs the matrix anew and slowly. Behind a Snapshot the graph's optimizer cannot
            # fold the transpose back into the product: 240 becomes 340 GFLOP/s at 256 units.
            d_inputs = tf.matmul(flat, tf.raw_ops.Snapshot(input=tf.transpose(kernel)))
            return (
                tf.transpose(tf.reshape(d_inputs, tf.shape(sequence)), [1, 0, 2]),
                d_hidden,
                d_cell,
                tf.matmul(_flatten(sequence), flat, transpose_a=True),
                tf.matmul(_flatten(before), flat, transpose_a=True),
                sum_rows(flat),
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


def _array(dtype: tf.DType, size: tf.Tensor, shape: Any = None) -> tf.TensorArray:
    # Eager TensorArrays forget what was read unless told otherwise; both passes read these.
    return tf.TensorArray(dtype, size, clear_after_read=False, element_shape=shape)


def _forward(
    gates: Gates,
    sequence: tf.Tensor,
    mask: tf.Tensor | None,
    hidden: tf.Tensor,
    cell: tf.Tensor,
    kernel: tf.Tensor,
    recurrent_kernel: tf.Tensor,
    bias: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, list[tf.TensorArray]]:
    """The loop over time; keeps what the backward loop needs: the cell states, the first one too, and the gates'."""
    steps, batch = tf.shape(sequence)[0], tf.shape(sequence)[1]
    dtype, wide, shape = sequence.dtype, fine(sequence.dtype), hidden.shape
    # One product per gate: they run side by side, need no cutting, and narrow ones are faster (256 units: 344 GFLOP/s
    # for four, 253 for one).
    kernels, recurrent_kernels = (
        tf.split(kernel, gates.number, axis=1),
        tf.split(recurrent_kernel, gates.number, axis=1),
    )
    flat, biases = _flatten(sequence), tf.split(bias, gates.number)
    projected = [
        tf.reshape(tf.nn.bias_add(tf.matmul(flat, part), bias), [steps, batch, tf.shape(bias)[0]])
        for part, bias in zip(kernels, biases, strict=True)
    ]
    cell = tf.cast(cell, wide)
    hiddens, cells = _array(dtype, steps, shape), _array(wide, steps + 1, shape).write(0, cell)
    arrays = [hiddens, cells, *(_array(wide, steps, shape) for _ in range(gates.saved))]

    def step(time: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, arrays: list[tf.TensorArray]) -> tuple[Any, ...]:
        inputs = [
            tf.cast(part[time] + tf.matmul(hidden, recurrent), wide)
            for part, recurrent in zip(projected, recurrent_kernels, strict=True)
        ]
        new_hidden, new_cell, saved = gates.forward(inputs, cell)
        new_hidden = tf.cast(new_hidden, dtype)
        if mask is not None:
            new_cell = tf.where(mask[time], new_cell, cell)
            new_hidden = tf.where(mask[time], new_hidden, hidden)
        hiddens, cells, *others = arrays
        others = [array.write(time, value) for array, value in zip(others, saved, strict=True)]
        return (
            time + 1,
            new_hidden,
            new_cell,
            [hiddens.write(time, new_hidden), cells.write(time + 1, new_cell), *others],
        )

    _, hidden, cell, arrays = tf.while_loop(
        lambda time, *_: time < steps, step, (0, hidden, cell, arrays), maximum_iterations=steps
    )
    hidden.set_shape(shape)
    cell.set_shape(shape)
    outputs = arrays[0].stack()
    outputs.set_shape([sequence.shape[0], sequence.shape[1], shape[1]])
    return outputs, hidden, tf.cast(cell, dtype), arrays[1:]


def _backward(
    gates: Gates,
    d_outputs: tf.Tensor,
    mask: tf.Tensor | None,
    d_hidden: tf.Tensor,
    d_cell: tf.Tensor,
    recurrent_kernel: tf.Tensor,
    saved: list[tf.TensorArray],
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The loop back over time: gradients of the gates' inputs `[time, batch, 4 · units]` and of the initial state."""
    steps, dtype = tf.shape(d_outputs)[0], d_outputs.dtype
    wide = fine(dtype)
    # A product with transpose_b inside the loop would repack the matrix at every step; and as in the forward loop, one
    # product per gate is faster where layers are narrow (128 units: 191 GFLOP/s over both passes, 171 with one).
    transposed = tf.split(tf.transpose(recurrent_kernel), gates.number)
    cells, *saved = saved

    def step(time: tf.Tensor, d_hidden: tf.Tensor, d_cell: tf.Tensor, d_gates: tf.TensorArray) -> tuple[Any, ...]:
        reaching = [d_hidden + tf.cast(d_outputs[time], wide), d_cell]
        into = reaching
        if mask is not None:
            # What reaches a masked step goes past its gates, which then have no gradient.
            into = [tf.where(mask[time], gradient, tf.zeros([], wide)) for gradient in reaching]
        inputs, d_before = gates.backward([array.read(time) for array in saved], cells.read(time), *into)
        inputs = [tf.cast(gradient, dtype) for gradient in inputs]
        products = [tf.matmul(gradient, part) for gradient, part in zip(inputs, transposed, strict=True)]
        d_hidden = tf.add_n([tf.cast(product, wide) for product in products])
        if mask is not None:
            d_hidden += reaching[0] - into[0]
            d_before += reaching[1] - into[1]
        return time - 1, d_hidden, d_before, d_gates.write(time, tf.concat(inputs, axis=1))

    _, d_hidden, d_cell, d_gates = tf.while_loop(
        lambda time, *_: time >= 0,
        step,
        (steps - 1, tf.cast(d_hidden, wide), tf.cast(d_cell, wide), _array(dtype, steps)),
        maximum_iterations=steps,
    )
    return d_gates.stack(), tf.cast(d_hidden, dtype), tf.cast(d_cell, dtype)
