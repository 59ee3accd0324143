"""What layers hand to each other: the state of a stack, what an encoder gives, what attention reads."""

from typing import Any, NamedTuple

import tensorflow as tf

StackState = tuple[tuple[Any, ...], ...]
"""`state[layer][direction]`: the named tuple of a cell, each part `[batch, units]`.

Direction 0 reads forward, direction 1 (bidirectional layers only) backward.
"""


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
