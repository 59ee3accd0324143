"""The decoder's step as a search takes it: weights cast and laid out once, before the loop over tokens."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.layers.precision import fine
from seq2seq.layers.state import Encoded, Memory, StackState
from seq2seq.models.decoder import Decoder
from seq2seq.models.step import DecoderState, keep_fine


class Start(NamedTuple):
    """What a search starts from.

    Attributes:
        step: The step function.
        state: Before the first step, a nest of tensors `[batch, …]`.
        memory: What the steps read, a nest of tensors `[batch, …]`.
    """

    step: Callable[..., tuple[tf.Tensor, ...]]
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

    The step is `Decoder.step` and `Decoder.project`, and is fast inside a loop: weights are cast once, and output
    weights tied to the embeddings are transposed once. Gates, all parts of the state but the hidden one, and the
    softmax of the attention are float32 or finer whatever the precision of the products.

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
    weights = decoder.lay_out(dtype, vocabulary)
    readout = None if decoder.readout is None else tf.cast(decoder.readout.kernel, dtype)
    kernel, bias = decoder.output_weights(dtype, vocabulary)
    if decoder.tie_embeddings:
        kernel = tf.transpose(kernel)

    def step(tokens: tf.Tensor, state: DecoderState, memory: Memory) -> tuple[Any, ...]:
        outputs, state, seen = decoder.step(tokens, state, memory, weights)
        scored = outputs if readout is None else tf.matmul(outputs, readout)
        logits = tf.nn.bias_add(tf.matmul(scored, kernel), bias)
        return (logits, state, tf.cast(seen, tf.float32)) if attention else (logits, state)

    begin = tf.nest.map_structure(lambda part: tf.cast(part, dtype), decoder.start(state))
    return Start(step, begin._replace(layers=keep_fine(begin.layers, fine(dtype))), decoder.prepare(encoded, dtype))
