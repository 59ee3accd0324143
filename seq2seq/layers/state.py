"""What layers hand to each other: the state of a stack, what an encoder gives, what attention reads."""

from typing import Any, NamedTuple

import tensorflow as tf


class LSTMState(NamedTuple):
    """What one LSTM layer carries from step to step, in one direction.

    Attributes:
        hidden: The output of the last step, `[batch, units]`.
        cell: The memory cell after the last step, `[batch, units]`.
    """

    hidden: tf.Tensor
    cell: tf.Tensor


class GRUState(NamedTuple):
    """What one GRU layer carries from step to step, in one direction.

    Attributes:
        hidden: The output of the last step, `[batch, units]`.
    """

    hidden: tf.Tensor


CELL_STATES: dict[str, Any] = {"lstm": LSTMState, "gru": GRUState}
"""The states of the cells, by the names of the cells."""

# state[layer][direction]: direction 0 reads forward, direction 1 (bidirectional layers only) backward.
StackState = tuple[tuple[LSTMState, ...], ...]


class Encoded(NamedTuple):
    """What an encoder gives.

    Attributes:
        memory: The outputs of the top layer in source order, `[batch, source_time, memory_units]`.
        mask: True = real token, padding on the right, `[batch, source_time]`.
        state: The final state of every layer and direction.
    """

    memory: tf.Tensor
    mask: tf.Tensor
    state: StackState


class Memory(NamedTuple):
    """What attention reads; it never changes for a source.

    Attributes:
        values: What is averaged, `[batch, source_time, memory_units]`.
        keys: What queries are compared with, `[batch, source_time, key_units]`.
        mask: True = real token, `[batch, source_time]`.
    """

    values: tf.Tensor
    keys: tf.Tensor
    mask: tf.Tensor


def as_stack_state(state: Any) -> StackState:
    """Give a state its names back: Keras hands plain lists over after loading a functional model."""
    return tuple(tuple(LSTMState(*direction) for direction in layer) for layer in state)
