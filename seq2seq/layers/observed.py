"""What the layers of a stack do at every step: outputs and gates, taken step by step outside of the fast loop."""

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.layers.precision import fine
from seq2seq.layers.rnn import Recurrent
from seq2seq.layers.stack import StackedRNN, reverse_time
from seq2seq.layers.state import StackState


class Observed(NamedTuple):
    """What one layer of a stack did with a batch, both directions of a bidirectional one side by side.

    Attributes:
        outputs: What it put out, before a residual connection, `[batch, time, units]`; anything at masked steps.
        gates: Its gates by the names that its cell gives them (`Cell.kept_gates`), 0 shut to 1 open, the same shape.
    """

    outputs: tf.Tensor
    gates: dict[str, tf.Tensor]


def observe(
    stack: StackedRNN, inputs: tf.Tensor, initial_state: StackState | None = None, mask: tf.Tensor | None = None
) -> list[Observed]:
    """Run a stack over whole sequences as a call without dropout does, and give what is inside.

    It goes step by step through `Cell.watched_step`, which is slow: for looking, not for training.

    Args:
        stack: A built stack.
        inputs: `[batch, time, features]`.
        initial_state: As for a call of the stack; None is zeros.
        mask: As for a call of the stack.

    Returns:
        What each layer did, lowest first.

    Example:
        >>> stack = StackedRNN([4, 3], "gru")
        >>> stack.build((None, None, 2))
        >>> below, top = observe(stack, tf.ones([1, 5, 2]))
        >>> top.outputs.shape, sorted(top.gates)
        (TensorShape([1, 5, 3]), ['reset', 'update'])
    """
    below = tf.cast(inputs, stack.compute_dtype)
    seen = []
    for number, (forward, backward) in enumerate(zip(stack.forward_layers, stack.backward_layers, strict=True)):
        initial = None if initial_state is None else initial_state[number]
        ways = [_along(forward, below, None if initial is None else initial[0], mask)]
        if backward is not None:
            turned = _along(backward, reverse_time(below, mask), None if initial is None else initial[1], mask)
            ways.append(tf.nest.map_structure(lambda values: reverse_time(values, mask), turned))
        seen.append(tf.nest.map_structure(lambda *sides: tf.concat(sides, axis=-1), *ways))
        below = seen[-1].outputs + below if stack.has_residual(number) else seen[-1].outputs
    return seen


def _along(layer: Recurrent, inputs: tf.Tensor, initial: Any, mask: tf.Tensor | None) -> Observed:
    """Run one direction of a layer from the first step to the last."""
    cell, dtype = layer.arithmetic, inputs.dtype
    weights = layer.prepare(dtype)
    start = cell.start(tf.shape(inputs)[0], layer.units, dtype) if initial is None else cell.State(*initial)
    # As in the fast loop, all parts but the hidden one are fine.
    state = cell.State(start[0], *(tf.cast(part, fine(dtype)) for part in start[1:]))
    outputs, gates = [], []
    for time, step in enumerate(tf.unstack(inputs, axis=1)):
        after, opened = cell.watched_step(step, state, weights)
        if mask is not None:
            now = mask[:, time, tf.newaxis]
            after = cell.State(*(tf.where(now, new, old) for new, old in zip(after, state, strict=True)))
        state = after
        outputs.append(state.hidden)
        gates.append(opened)
    opened = {name: tf.stack([each[name] for each in gates], axis=1) for name in cell.kept_gates}
    return Observed(tf.stack(outputs, axis=1), opened)
