"""Input feeding over a whole target: a loop in which each step reads the output of the one before."""

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from seq2seq.layers.attention import attend, weigh
from seq2seq.layers.deferred import Multiply, Weight, deferred_loop
from seq2seq.layers.lstm import STANDARD
from seq2seq.layers.precision import fine
from seq2seq.layers.state import LSTMState, Memory, StackState

if TYPE_CHECKING:
    from seq2seq.models.decoder import Decoder


def feed_through(
    decoder: "Decoder",
    embedded: tf.Tensor,
    mask: tf.Tensor | None,
    state: StackState,
    memory: Memory,
    training: bool | None,
) -> tuple[tf.Tensor, StackState]:
    """Read a whole target with input feeding (Luong et al. 2015, section 3.3).

    The same as `Decoder.step` for every token, with weights whose gradients are taken after the loop.

    Args:
        decoder: A decoder with attention.
        embedded: `[batch, target_time, embedding_dim]`.
        mask: True = real, `[batch, target_time]`; None where the last state is of no use.
        state: The initial state of every layer.
        memory: What `Decoder.prepare` gave.
        training: Whether dropout is on.

    Returns:
        outputs `[batch, target_time, units]` and the state of every layer after the last real token.
    """
    dtype, cells = embedded.dtype, [layer.cell for layer in decoder.stack.forward_layers]
    wide = fine(dtype)
    depth = len(cells)
    attention, combine = decoder.attention, decoder.combine
    if attention is None or combine is None:
        raise ValueError("Input feeding needs attention. Received: a decoder with attention=None.")

    def cast(weight: Any) -> tf.Tensor:
        return tf.cast(tf.convert_to_tensor(weight), dtype)

    # The embeddings meet their part of the lowest kernel for all steps at once.
    of_embedding, of_feed = tf.split(cast(cells[0].kernel), [decoder.embedding_dim, decoder.units[-1]])
    sequence = tf.transpose(embedded, [1, 0, 2])
    projected = [tf.tensordot(sequence, part, 1) for part in tf.split(of_embedding, STANDARD.number, axis=1)]
    inputs_kernels = [of_feed, *(cast(cell.kernel) for cell in cells[1:])]
    weights = [
        Weight(tf.concat([kernel, cast(cell.recurrent_kernel)], axis=0), STANDARD.number, cast(cell.bias))
        for kernel, cell in zip(inputs_kernels, cells, strict=True)
    ]
    weights.append(Weight(cast(combine.kernel)))
    weights.append(Weight(memory.values))
    constants: list[tf.Tensor] = []
    additive = bool(attention.query_weights)
    if additive:
        constants = [memory.keys, *(cast(weight) for weight in attention.query_weights)]
    else:
        weights.append(Weight(tf.linalg.matrix_transpose(memory.keys)))

    steps, batch = tf.shape(sequence)[0], tf.shape(sequence)[1]
    time_mask = None if mask is None else tf.transpose(mask)[:, :, tf.newaxis]

    def dropped(layer: keras.layers.Dropout, width: int) -> tf.Tensor | None:
        """What dropout multiplies by, for all steps; the loops forward and back read the same."""
        return layer(tf.ones([steps, batch, width], dtype), training=True) if training and layer.rate else None

    between = [dropped(decoder.stack.between, width) for width in decoder.units[:-1]]
    at_output = dropped(decoder.drop_output, decoder.units[-1])

    def step(
        time: tf.Tensor, inputs: list[tf.Tensor], state: list[tf.Tensor], multiply: Multiply, constants: list[tf.Tensor]
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        feed, *states = state
        below, after = feed, []
        for layer in range(depth):
            hidden, cell = states[2 * layer : 2 * layer + 2]
            masks = between[layer - 1] if layer else None
            read = below if masks is None else below * masks[time]
            parts = multiply(layer, tf.concat([read, hidden], axis=1))
            if layer == 0:
                parts = [part + more for part, more in zip(parts, inputs, strict=True)]
            new_hidden, new_cell, _ = STANDARD.forward([tf.cast(part, wide) for part in parts], cell)
            new_hidden = tf.cast(new_hidden, dtype)
            below = new_hidden + below if decoder.stack.has_residual(layer) else new_hidden
            after += [new_hidden, new_cell]
        query = below[:, tf.newaxis]
        if additive:
            scores_of = Memory(memory.values, constants[0], memory.mask)
            _, weighed = attend(query, scores_of, *constants[1:])
        else:
            (scores,) = multiply(depth + 2, query)
            weighed = weigh(scores, memory.mask, dtype)
        (context,) = multiply(depth + 1, weighed)
        (combined,) = multiply(depth, tf.concat([context[:, 0], below], axis=1))
        output = tf.tanh(combined)
        if at_output is not None:
            output *= at_output[time]
        after = [output, *after]
        if time_mask is not None:
            after = [tf.where(time_mask[time], new, old) for new, old in zip(after, state, strict=True)]
        return output, after

    start = [tf.zeros([batch, decoder.units[-1]], dtype)]
    for ((hidden, cell),) in state:
        start += [tf.cast(hidden, dtype), tf.cast(cell, wide)]
    outputs, (_, *end) = deferred_loop(step, projected, start, weights, constants)
    outputs.set_shape([None, None, decoder.units[-1]])
    layers = tuple((LSTMState(end[2 * i], tf.cast(end[2 * i + 1], dtype)),) for i in range(depth))
    return tf.transpose(outputs, [1, 0, 2]), layers
