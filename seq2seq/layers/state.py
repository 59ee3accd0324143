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
        mask: True = real token, padding on the right, `[batch, source_time]`; None where every one is real.
        state: The final state of every layer and direction.
    """

    memory: tf.Tensor
    mask: tf.Tensor | None
    state: StackState


class Memory(NamedTuple):
    """What attention reads; it never changes for a source.

    Attributes:
        values: What is averaged, `[batch, source_time, memory_units]`.
        keys: What queries are compared with, `[batch, source_time, key_units]`.
        mask: True = real token, `[batch, source_time]`; None where every one is real.
    """

    values: tf.Tensor
    keys: tf.Tensor
    mask: tf.Tensor | None


def is_nested(value: Any, lists: int) -> bool:
    """Whether tensors `[batch, units]` lie in so many lists, as three in a state; one tensor stands for equal lists."""
    if isinstance(value, list | tuple):
        return lists > 0 and all(is_nested(each, lists - 1) for each in value)
    return tf.TensorShape(getattr(value, "shape", ())).rank in (None, lists + 2)


def nesting(value: Any, lists: int = 4) -> str:
    """Tell how tensors lie in lists, as in "[tensor(2, 4), tensor(2, 4)]", of so many lists at most."""
    if lists and isinstance(value, list | tuple):
        return f"[{', '.join(nesting(each, lists - 1) for each in value)}]"
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else f"tensor{tf.TensorShape(shape)}"
