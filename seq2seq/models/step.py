"""The decoder's one step: what it reads and gives, and its weights laid out for many steps."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.layers.cells import Prepared
from seq2seq.layers.products import Product, Weight, product
from seq2seq.layers.state import Memory, StackState


class DecoderState(NamedTuple):
    """What changes at each target step, and what beam search reorders.

    Attributes:
        layers: The state of every layer.
        feed: The output of the step before, read with the next token (input feeding), `[rows, units]`; of width 0
            where there is no input feeding.
    """

    layers: StackState
    feed: tf.Tensor


class Step(NamedTuple):
    """What a step gives.

    Attributes:
        outputs: What logits are made of, `[rows, units]`.
        state: The state after the step.
        attention: The weight of each source position, `[rows, source_time]`; None without attention.
    """

    outputs: tf.Tensor
    state: DecoderState
    attention: tf.Tensor | None


class Look(NamedTuple):
    """What attention takes, laid out for steps.

    Attributes:
        scores: Compares queries `[batch, queries, units]` with a memory, `[batch, queries, source_time]`.
        context: Sums the values of a memory by weights `[batch, queries, source_time]`, `[batch, queries, units]`.
        combine: The part of the attentional vector's product that reads the output of the stack.
    """

    scores: Callable[[tf.Tensor, Memory], tf.Tensor]
    context: Callable[[tf.Tensor, Memory], tf.Tensor]
    combine: Product


class StepWeights(NamedTuple):
    """The weights of a decoder, laid out for steps: once per target, or once per search.

    Attributes:
        embed: Gives the embeddings `[rows, embedding_dim]` of ids `[rows]`.
        layers: Those of each layer of the stack.
        look: Those of attention; None without.
    """

    embed: Callable[[tf.Tensor], tf.Tensor]
    layers: Sequence[Prepared]
    look: Look | None


def lay_out_attention(attention: Any, combine: tf.Tensor) -> Look:
    """Lay an attention out for steps, over whatever memory is there.

    Args:
        attention: A layer with the methods of `Attention`.
        combine: The part of the attentional vector's matrix that reads the output of the stack, `[units, units]`.
    """
    weights = attention.query_weights(combine.dtype)
    return Look(
        scores=lambda query, memory: attention.scores(query, memory.keys, *weights),
        context=lambda weights, memory: tf.matmul(weights, memory.values),
        combine=product(Weight(combine)),
    )


def keep_fine(layers: StackState, dtype: Any) -> StackState:
    """Give a state whose hidden parts, which products read, are as they were, and all others of a finer type."""
    return tuple(
        tuple(type(state)(state[0], *(tf.cast(part, dtype) for part in state[1:])) for state in directions)
        for directions in layers
    )
