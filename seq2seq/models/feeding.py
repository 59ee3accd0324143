"""Input feeding over a whole target: a loop in which each step reads the output of the one before."""

from functools import partial
from typing import Any

import keras
import tensorflow as tf

from seq2seq.layers.cells import Prepared
from seq2seq.layers.deferred import Multiply, deferred_loop
from seq2seq.layers.precision import fine
from seq2seq.layers.products import Weight
from seq2seq.layers.state import Memory, StackState
from seq2seq.models.step import Look, StepWeights, keep_fine


def feed_through(
    decoder: Any,
    embedded: tf.Tensor,
    mask: tf.Tensor | None,
    state: StackState,
    memory: Memory,
    training: bool | None,
) -> tuple[tf.Tensor, StackState]:
    """Read a whole target with input feeding (Luong et al. 2015, section 3.3).

    `Decoder.advance` for every token, with products whose weights get their gradients after the loop.

    Args:
        decoder: A `Decoder` with attention.
        embedded: `[batch, target_time, embedding_dim]`.
        mask: True = real, `[batch, target_time]`; None where the last state is of no use.
        state: The initial state of every layer.
        memory: What `Decoder.prepare` gave.
        training: Whether dropout is on.

    Returns:
        outputs `[batch, target_time, units]` and the state of every layer after the last real token.
    """
    dtype, wide = embedded.dtype, fine(embedded.dtype)
    stack, attention = decoder.stack, decoder.attention
    steps, batch = tf.shape(embedded)[1], tf.shape(embedded)[0]
    prepared = stack.prepare(dtype, training, batch)
    raw = [layer.weights_of(dtype) for layer in stack.forward_layers]

    # The embeddings meet their part of the lowest kernel for all steps at once.
    of_embedding, of_feed = tf.split(raw[0].kernel, [decoder.embedding_dim, decoder.units[-1]])
    raw[0] = raw[0]._replace(kernel=of_feed)
    sequence = tf.transpose(embedded, [1, 0, 2])
    projected = [tf.tensordot(sequence, part, 1) for part in tf.split(of_embedding, stack.cell.parts, axis=1)]

    # What the steps multiply by, in the order of their numbers; each is used once in a step.
    weights: list[Weight] = []

    def numbered(weight: Weight) -> int:
        weights.append(weight)
        return len(weights) - 1

    of_layers = [[numbered(weight) for weight in stack.cell.matrices(one)] for one in raw]
    of_output = numbered(Weight(tf.cast(decoder.combine.kernel, dtype)[decoder.memory_units :]))
    of_values = numbered(Weight(memory.values))
    of_keys = numbered(Weight(tf.linalg.matrix_transpose(memory.keys))) if attention.multiplies else None
    # What else has a gradient: keys where they are not multiplied with, what a query meets, vectors of the cells.
    constants = [
        [] if attention.multiplies else [memory.keys],
        list(attention.query_weights(dtype)),
        [list(layer.vectors) for layer in prepared],
    ]
    time_mask = None if mask is None else tf.transpose(mask)[:, :, tf.newaxis]

    def dropped(layer: keras.layers.Dropout, width: int) -> tf.Tensor | None:
        """What dropout multiplies by, for all steps; the loops forward and back read the same."""
        return layer(tf.ones([steps, batch, width], dtype), training=True) if training and layer.rate else None

    between = [dropped(stack.between, width) for width in decoder.units[:-1]]
    at_output = dropped(decoder.drop_output, decoder.units[-1])

    def step(
        time: tf.Tensor, inputs: list[tf.Tensor], state: list[tf.Tensor], multiply: Multiply, constants: list[tf.Tensor]
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        before = tf.nest.pack_sequence_as(start, state)
        keys, query_weights, vectors = tf.nest.pack_sequence_as(given, constants)

        def scores(query: tf.Tensor, memory: Memory) -> tf.Tensor:
            return attention.scores(query, *keys, *query_weights) if of_keys is None else multiply(of_keys, query)[0]

        after = decoder.advance(
            before.feed,
            before,
            memory,
            StepWeights(
                embed=decoder.embedding,
                layers=[
                    Prepared([partial(multiply, number) for number in numbers], read, layer.recurrent_mask)
                    for numbers, read, layer in zip(of_layers, vectors, prepared, strict=True)
                ],
                look=Look(scores, lambda weights, _: multiply(of_values, weights)[0], partial(multiply, of_output)),
            ),
            inputs,
            [None if masks is None else masks[time] for masks in between],
            None if at_output is None else at_output[time],
        )
        flat = tf.nest.flatten(after.state)
        if time_mask is not None:
            flat = [tf.where(time_mask[time], new, old) for new, old in zip(flat, state, strict=True)]
        return after.outputs, flat

    given = constants
    start = decoder.start(tf.nest.map_structure(lambda part: tf.cast(part, dtype), state))
    start = start._replace(layers=keep_fine(start.layers, wide))
    outputs, end = deferred_loop(step, projected, tf.nest.flatten(start), weights, tf.nest.flatten(constants))
    outputs.set_shape([None, None, decoder.units[-1]])
    layers = tf.nest.map_structure(lambda part: tf.cast(part, dtype), tf.nest.pack_sequence_as(start, end).layers)
    return tf.transpose(outputs, [1, 0, 2]), layers
