"""The loop of a recurrent layer over whole sequences, forward and back: any cell, quick on a CPU."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from seq2seq.layers.bias import sum_rows
from seq2seq.layers.cells import Cell, CellWeights
from seq2seq.layers.precision import fine
from seq2seq.layers.reach import within_reach


def recurrence(
    cell: Cell,
    inputs: tf.Tensor,
    mask: tf.Tensor | None,
    state: Sequence[tf.Tensor],
    weights: CellWeights,
    recurrent_mask: tf.Tensor | None = None,
    keep: bool = True,
) -> tuple[tf.Tensor, Any]:
    """Run a cell over whole sequences.

    The product of the inputs is taken for all steps at once, before the loop. The loop back over time computes
    gradients of products only; the gradient of each matrix is one product after it. A masked step changes nothing.

    Args:
        cell: The cell.
        inputs: `[batch, time, features]`.
        mask: Boolean, True = real, `[batch, time]`, or None.
        state: The parts of the state before the first step, each `[batch, units]`.
        weights: As a layer hands them out, folded (`Cell.fold`), products in the type of the inputs.
        recurrent_mask: What the hidden state is multiplied by at every step before its product, `[batch, units]`: one
            mask for the whole sequence; None without recurrent dropout.
        keep: Whether to keep of every step what the gradient needs; without, the gradient runs the loop once more.

    Returns:
        outputs `[batch, time, units]`, and the state after the last real step, of the type of the inputs.

    Source:
        Gal and Ghahramani 2016, equation 7 (recurrent dropout: one mask for all steps and gates).
    """
    # Time goes first: each step then reads and writes one contiguous slice.
    time_mask = None if mask is None else tf.transpose(mask)[:, :, tf.newaxis]
    given: list[Any] = [inputs, list(state), weights]

    @tf.custom_gradient
    def run(*tensors: tf.Tensor) -> Any:
        inputs, state, weights = tf.nest.pack_sequence_as(given, tensors)
        sequence = tf.transpose(inputs, [1, 0, 2])
        loop = _Loop(cell, time_mask, weights, recurrent_mask)
        outputs, end, saved = loop.forward(sequence, state, keep)

        def gradient(d_outputs: tf.Tensor, *d_end: tf.Tensor) -> list[tf.Tensor]:
            kept = saved if keep and within_reach(outputs) else loop.forward(sequence, state)[2]
            d_products, d_state, d_vectors = loop.backward(tf.transpose(d_outputs, [1, 0, 2]), d_end, kept)
            of_inputs, of_hidden = (_flatten(products) for products in (d_products[0], d_products[-1]))
            before = tf.concat([state[0][tf.newaxis], outputs[:-1]], axis=0)
            if recurrent_mask is not None:
                before *= recurrent_mask
            # A transposed product packs the matrix anew and slowly. Behind a Snapshot the graph's optimizer cannot
            # fold the transpose back into the product: 240 becomes 340 GFLOP/s at 256 units.
            d_inputs = tf.matmul(of_inputs, tf.raw_ops.Snapshot(input=tf.transpose(weights.kernel)))
            d_weights = CellWeights(
                kernel=tf.matmul(_flatten(sequence), of_inputs, transpose_a=True),
                recurrent_kernel=tf.matmul(_flatten(before), of_hidden, transpose_a=True),
                biases=tuple(sum_rows(of_inputs) for _ in weights.biases),
                vectors=tuple(d_vectors),
            )
            d_inputs = tf.transpose(tf.reshape(d_inputs, tf.shape(sequence)), [1, 0, 2])
            return [d_inputs, *d_state, *tf.nest.flatten(d_weights)]

        return (tf.transpose(outputs, [1, 0, 2]), *end), gradient

    outputs, *end = run(*tf.nest.flatten(given))
    return outputs, cell.State(*end)


@functools.cache
def recurrence_graph(cell: Cell, dtype: tf.DType, masked: bool, dropped: bool) -> Callable[..., tuple[tf.Tensor, Any]]:
    """Give `recurrence` as a graph for any shapes: eagerly every operation of its loops would come from Python.

    Args:
        cell: The cell.
        dtype: Of all tensors but the mask and the vectors.
        masked: Whether there is a mask.
        dropped: Whether there is a mask of recurrent dropout.

    Returns:
        A function of what `recurrence` takes behind the cell.
    """
    sequence, matrix, bias = (tf.TensorSpec([None] * rank, dtype) for rank in (3, 2, 1))
    vector = tf.TensorSpec([None], fine(dtype))
    weights = CellWeights(matrix, matrix, (bias,) * cell.biased, (vector,) * len(cell.vectors))
    mask = tf.TensorSpec([None, None], tf.bool) if masked else None
    state = [matrix for _ in cell.part_names]
    run = tf.function(functools.partial(recurrence, cell), autograph=False)
    graph = run.get_concrete_function(sequence, mask, state, weights, matrix if dropped else None)
    return lambda *given: graph(*(tensor for tensor in tf.nest.flatten(given) if tensor is not None))


class _Loop:
    """Both passes over one layer, in one direction."""

    def __init__(
        self, cell: Cell, mask: tf.Tensor | None, weights: CellWeights, recurrent_mask: tf.Tensor | None
    ) -> None:
        self.cell = cell
        self.mask = mask
        self.weights = weights
        self.recurrent_mask = recurrent_mask
        self.dtype = weights.kernel.dtype
        self.wide = fine(self.dtype)

    def forward(
        self, sequence: tf.Tensor, state: Sequence[tf.Tensor], keep: bool = True
    ) -> tuple[tf.Tensor, list[tf.Tensor], Any]:
        """Give the outputs `[time, batch, units]`, the last state, and what the loop back needs, if it is kept."""
        cell, wide = self.cell, self.wide
        steps, batch = tf.shape(sequence)[0], tf.shape(sequence)[1]
        # One product per gate: they run side by side, need no cutting, and narrow ones are faster (256 units: 344
        # GFLOP/s for four, 253 for one).
        kernels = tf.split(self.weights.kernel, cell.parts, axis=1)
        recurrent_kernels = tf.split(self.weights.recurrent_kernel, cell.parts, axis=1)
        flat = _flatten(sequence)
        projected = [tf.matmul(flat, kernel) for kernel in kernels]
        for bias in self.weights.biases:
            projected = [tf.nn.bias_add(*pair) for pair in zip(projected, tf.split(bias, cell.parts), strict=True)]
        projected = [tf.reshape(product, [steps, batch, tf.shape(product)[1]]) for product in projected]
        shape = state[0].shape
        start = [state[0], *(tf.cast(part, wide) for part in state[1:])]

        def step(time: tf.Tensor, before: Any, hiddens: tf.TensorArray, kept: list[tf.TensorArray]) -> tuple[Any, ...]:
            before = cell.State(*before)
            fed = before.hidden if self.recurrent_mask is None else before.hidden * self.recurrent_mask
            products = [tf.matmul(fed, kernel) for kernel in recurrent_kernels]
            read = [part[time] for part in projected]
            taken = [tf.add(*pair) for pair in zip(read, products, strict=True)] if cell.joined else read + products
            after, saved = cell.forward([tf.cast(part, wide) for part in taken], before, self.weights.vectors)
            if len(saved) != cell.saved:
                raise ValueError(
                    "A cell says how many tensors its forward keeps for backward. "
                    f"Received: {type(cell).__name__} with saved={cell.saved}, and {len(saved)} kept. Make them equal."
                )
            after = after._replace(hidden=tf.cast(after.hidden, self.dtype))
            if self.mask is not None:
                now = self.mask[time]
                after = cell.State(*(tf.where(now, new, old) for new, old in zip(after, before, strict=True)))
            kept = [array.write(time, value) for array, value in zip(kept, saved if keep else (), strict=True)]
            return time + 1, list(after), hiddens.write(time, after.hidden), kept

        hiddens = _array(self.dtype, steps, shape)
        kept = [_array(wide, steps) for _ in range(cell.saved if keep else 0)]
        _, end, hiddens, kept = tf.while_loop(
            lambda time, *_: time < steps, step, (0, start, hiddens, kept), maximum_iterations=steps
        )
        for part in end:
            part.set_shape(shape)
        outputs = hiddens.stack()
        outputs.set_shape([sequence.shape[0], sequence.shape[1], shape[1]])
        return outputs, [tf.cast(part, self.dtype) for part in end], kept

    def backward(
        self, d_outputs: tf.Tensor, d_end: Sequence[tf.Tensor], kept: Sequence[tf.TensorArray]
    ) -> tuple[list[tf.Tensor], list[tf.Tensor], list[tf.Tensor]]:
        """Give the gradients of the products, `[time, batch, gates · units]`, of the initial state and of vectors.

        The products are one tensor where the cell joins those of inputs and hidden state, else one of each.
        """
        cell, wide, parts = self.cell, self.wide, self.cell.parts
        steps = tf.shape(d_outputs)[0]
        # A product with transpose_b inside the loop would repack the matrix at every step; and as in the forward loop,
        # one product per gate is faster where layers are narrow (128 units: 191 GFLOP/s over both passes, 171 with
        # one).
        transposed = tf.split(tf.transpose(self.weights.recurrent_kernel), parts)
        sides = 1 if cell.joined else 2
        none = tf.zeros([], wide)

        def step(
            time: tf.Tensor, d_state: list[tf.Tensor], d_vectors: list[tf.Tensor], written: Any
        ) -> tuple[Any, ...]:
            reaching = [d_state[0] + tf.cast(d_outputs[time], wide), *d_state[1:]]
            into = reaching
            if self.mask is not None:
                # What reaches a masked step goes past its gates, which then have no gradient.
                into = [tf.where(self.mask[time], gradient, none) for gradient in reaching]
            saved = [array.read(time) for array in kept]
            d_products, d_before, d_now = cell.backward(saved, cell.State(*into), self.weights.vectors)
            d_products = [tf.cast(gradient, self.dtype) for gradient in d_products]
            of_hidden = [tf.matmul(*pair) for pair in zip(d_products[-parts:], transposed, strict=True)]
            if self.recurrent_mask is not None:
                of_hidden = [tf.add_n(of_hidden) * self.recurrent_mask]
            d_hidden = [tf.cast(product, wide) for product in of_hidden]
            d_hidden += [] if d_before.hidden is None else [d_before.hidden]
            d_state = [tf.add_n(d_hidden), *d_before[1:]]
            if self.mask is not None:
                d_state = [gradient + past - seen for gradient, past, seen in zip(d_state, reaching, into, strict=True)]
            sums = [total + now for total, now in zip(d_vectors, d_now, strict=True)]
            for total, before in zip(sums, d_vectors, strict=True):
                total.set_shape(before.shape)
            written = [array.write(time, value) for array, value in zip(written, d_products, strict=True)]
            return time - 1, d_state, sums, written

        d_end = [tf.cast(gradient, wide) for gradient in d_end]
        d_vectors = [tf.zeros_like(vector) for vector in self.weights.vectors]
        _, d_state, d_vectors, written = tf.while_loop(
            lambda time, *_: time >= 0,
            step,
            (steps - 1, d_end, d_vectors, [_array(self.dtype, steps) for _ in range(sides * parts)]),
            maximum_iterations=steps,
        )
        # Joined here, at once: at every step that took five times as long.
        stacks = [array.stack() for array in written]
        joined = [tf.concat(stacks[side * parts : (side + 1) * parts], axis=2) for side in range(sides)]
        return joined, [tf.cast(part, self.dtype) for part in d_state], d_vectors


@tf.RegisterGradient("Snapshot")
def _through_snapshot(operation: tf.Operation, gradient: tf.Tensor) -> tf.Tensor:
    """TensorFlow has none of its own; a second gradient passes here."""
    return gradient


def _flatten(sequence: tf.Tensor) -> tf.Tensor:
    """Join time and batch: `[time, batch, units]` to `[time · batch, units]`."""
    return tf.reshape(sequence, [-1, tf.shape(sequence)[2]])


def _array(dtype: tf.DType, size: tf.Tensor, shape: Any = (None, None)) -> tf.TensorArray:
    # Eager TensorArrays forget what was read unless told otherwise; both passes read these.
    return tf.TensorArray(dtype, size, clear_after_read=False, element_shape=shape)
