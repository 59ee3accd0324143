"""The decoder's step as a search takes it: every weight cast and laid out once, before the loop over tokens."""

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.layers.attention import attend
from seq2seq.layers.lstm import STANDARD
from seq2seq.layers.precision import fine
from seq2seq.layers.state import Encoded, LSTMState, Memory, StackState
from seq2seq.models.decoder import Decoder, DecoderState
from seq2seq.search import Step


class Start(NamedTuple):
    """What a search starts from.

    Attributes:
        step: The step function.
        state: Before the first step, a nest of tensors `[batch, …]`.
        memory: What the steps read, a nest of tensors `[batch, …]`.
    """

    step: Step
    state: DecoderState
    memory: Memory


def start_search(
    decoder: Decoder,
    state: StackState,
    encoded: Encoded,
    vocabulary: tf.Tensor | None = None,
    precision: str | None = None,
    attention: bool = False,
) -> Start:
    """Make the step function of a decoder for one search, and what it starts from.

    The step gives the logits of `Decoder.step` and `Decoder.project`, and is faster inside a loop: weights are cast
    once, output weights tied to the embeddings are transposed once, and the part of the attentional vector's product
    that reads the context is taken over the memory, once per source instead of once per token. Gates, cell states and
    the softmax of the attention are float32 or finer whatever the precision of the products.

    Args:
        decoder: The decoder.
        state: The initial state of every layer, as a `StateBridge` gives it.
        encoded: What the encoder gave.
        vocabulary: The ids that take part, `[shortlisted]`; tokens and logits then number these. None: all ids.
        precision: Type of the matrix products, such as `"bfloat16"`; None: that of the decoder.
        attention: Whether the step gives the attention too, `[rows, source_time]` float32, behind logits and state.

    Returns:
        The step function, valid in the graph in which it was made, with its state and memory.

    Raises:
        ValueError: Attention is asked for, and there is none.
    """
    if attention and decoder.attention is None:
        raise ValueError(
            "Only a model with attention can tell which source positions it looked at. Received: attention=True, and a "
            "decoder with attention=None. Leave it out."
        )
    dtype = tf.as_dtype(precision or decoder.compute_dtype)

    def once(weight: Any) -> tf.Tensor:
        return tf.cast(tf.convert_to_tensor(weight), dtype)

    cells = [layer.cell for layer in decoder.stack.forward_layers]
    # Input and hidden state side by side: one product per layer, and the bias in the same operation.
    layers = [(tf.concat([once(cell.kernel), once(cell.recurrent_kernel)], axis=0), once(cell.bias)) for cell in cells]
    table = tf.convert_to_tensor(decoder.embedding.embeddings)
    table = table if vocabulary is None else tf.gather(table, vocabulary)
    memory = decoder.prepare(encoded)
    memory = memory._replace(values=tf.cast(memory.values, dtype), keys=tf.cast(memory.keys, dtype))
    query_weights: tuple[tf.Tensor, ...] = ()
    combine = None
    if decoder.attention is not None and decoder.combine is not None:
        query_weights = tuple(once(weight) for weight in decoder.attention.query_weights)
        # tanh(W [context; hidden]), equation 5: the context is a mean of values, so W may meet the values first.
        of_context, combine = tf.split(once(decoder.combine.kernel), [decoder.memory_units, decoder.units[-1]])
        memory = memory._replace(values=tf.matmul(memory.values, of_context))
    readout = None if decoder.readout is None else once(decoder.readout.kernel)
    kernel, bias = decoder.output_weights(dtype, vocabulary)
    if decoder.tie_embeddings:
        kernel = tf.transpose(kernel)

    def step(tokens: tf.Tensor, state: DecoderState, memory: Memory) -> tuple[Any, ...]:
        below = tf.cast(tf.gather(table, tokens), dtype)
        if decoder.input_feeding:
            below = tf.concat([below, state.feed], axis=1)
        after = []
        for place, ((before,), weights) in enumerate(zip(state.layers, layers, strict=True)):
            end = _lstm_step(below, before, *weights)
            below = end.hidden + below if decoder.stack.has_residual(place) else end.hidden
            after.append((end,))
        outputs = below
        if combine is not None:
            rows, width = tf.shape(below)[0], below.shape[1]
            # The rows of a sentence are its queries: one product per sentence, and the memory stays as it is.
            queries = tf.reshape(below, [tf.shape(memory.mask)[0], -1, width])
            context, seen = attend(queries, memory, *query_weights)
            outputs = tf.tanh(tf.matmul(below, combine) + tf.reshape(context, [rows, width]))
        scored = outputs if readout is None else tf.matmul(outputs, readout)
        logits = tf.nn.bias_add(tf.matmul(scored, kernel), bias)
        state = DecoderState(tuple(after), outputs if decoder.input_feeding else state.feed)
        if not attention:
            return logits, state
        return logits, state, tf.cast(tf.reshape(seen, [rows, tf.shape(seen)[2]]), tf.float32)

    begin = decoder.start(state)
    layers_begin = tuple(
        (LSTMState(tf.cast(hidden, dtype), tf.cast(cell, fine(cell.dtype))),) for ((hidden, cell),) in begin.layers
    )
    return Start(step, DecoderState(layers_begin, tf.cast(begin.feed, dtype)), memory)


def _lstm_step(inputs: tf.Tensor, state: LSTMState, kernel: tf.Tensor, bias: tf.Tensor) -> LSTMState:
    """One step of `seq2seq.layers.lstm.lstm`, both kernels joined."""
    product = tf.nn.bias_add(tf.matmul(tf.concat([inputs, state.hidden], axis=1), kernel), bias)
    gates = tf.split(tf.cast(product, state.cell.dtype), STANDARD.number, axis=1)
    hidden, cell, _ = STANDARD.forward(gates, state.cell)
    return LSTMState(tf.cast(hidden, inputs.dtype), cell)
