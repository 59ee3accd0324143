"""What a search is given: a step function, what it starts from, and how far it may go."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.search.constraints import Constraints

Step = Callable[[tf.Tensor, Any, Any], tuple[Any, ...]]
"""`step(tokens [rows] int32, state, memory) -> logits [rows, vocab], state`, and attention where it is asked for.

The rows of one sentence stand together: rows = batch · beam. `state` is any nest of tensors `[rows, ...]` and comes
back with the same structure, types and widths; `memory` is any nest of tensors `[batch, ...]`. A step that is asked for
the weights of its attention gives them as a third thing, `[rows, source_time]`.
"""


class SpecialIds(NamedTuple):
    """The ids that a search must know.

    Args:
        start: Read by the first step; never produced.
        end: Ends a hypothesis.
        pad: Fills up behind the end; never produced.
    """

    start: int
    end: int
    pad: int


class Fixed(NamedTuple):
    """What does not change for a sentence while it is searched.

    Args:
        memory: A nest of tensors `[sentences, ...]`, what the steps read.
        constraints: What is asked of its hypotheses.
        source_mask: `[sentences, source_time]` bool, True = real token; an empty tuple where nobody asks for it.
    """

    memory: Any
    constraints: Constraints
    source_mask: Any


class Task(NamedTuple):
    """What is searched.

    Args:
        step: The step function.
        state: A nest of tensors `[batch, ...]`, what the first step starts from.
        fixed: What does not change for a sentence: what the steps read, and more.
        max_length: `[batch]` integers, the most tokens of a hypothesis, END counted.
        ids: The special ids.
        source_time: Positions that the attention of the step looks at; None where nobody wants its weights back.
        looks: Whether the step gives the weights of its attention.
    """

    step: Step
    state: Any
    fixed: Fixed
    max_length: Any
    ids: SpecialIds
    source_time: tf.Tensor | int | None
    looks: bool


def special_ids(start: int, end: int, pad: int) -> SpecialIds:
    """Check the ids against each other.

    Args:
        start: The id of the start token. It may be the id of the end, as some models have it.
        end: The id of the end token.
        pad: The id of the padding.

    Returns:
        The ids.

    Raises:
        ValueError: If an id is negative, or padding could not be told from a token.

    Example:
        >>> special_ids(start=1, end=2, pad=0)
        SpecialIds(start=1, end=2, pad=0)
    """
    if min(start, end, pad) < 0:
        raise ValueError(f"Token ids are not negative. Received: start={start}, end={end}, pad={pad}.")
    if pad in (start, end):
        raise ValueError(
            "Padding needs an id of its own, or the end of a hypothesis could not be seen. "
            f"Received: start={start}, end={end}, pad={pad}."
        )
    return SpecialIds(start, end, pad)


def tensors(nest: Any, name: str) -> Any:
    """Turn a nest of anything that TensorFlow takes into a nest of tensors with a first axis.

    Args:
        nest: The state or the memory; may be empty.
        name: Its name in messages.

    Returns:
        The same nest, of tensors.

    Raises:
        ValueError: If a leaf is None or a scalar.

    Example:
        >>> import numpy as np
        >>> tensors({"hidden": np.zeros((3, 4))}, "state")["hidden"].shape
        TensorShape([3, 4])
    """

    def tensor(leaf: Any) -> tf.Tensor:
        received = "None" if leaf is None else None
        if received is None:
            leaf = tf.convert_to_tensor(leaf)
            received = "a scalar" if leaf.shape.rank == 0 else None
        if received is not None:
            raise ValueError(
                f"{name} is a nest of tensors whose first axis is the batch. Received: {received} in it. "
                "Leave out what is not there; an empty tuple is a nest, too."
            )
        return leaf

    return tf.nest.map_structure(tensor, nest)


def any_rows(nest: Any) -> Any:
    """Give the shapes of a nest of tensors, the first axis left open: what does not change in a loop.

    Args:
        nest: A nest of tensors `[rows, ...]`.

    Returns:
        The same nest, of `tf.TensorShape`.

    Example:
        >>> any_rows({"hidden": tf.zeros((3, 4))})
        {'hidden': TensorShape([None, 4])}
    """
    return tf.nest.map_structure(
        lambda leaf: leaf.shape if leaf.shape.rank is None else tf.TensorShape([None, *leaf.shape[1:]]), nest
    )
