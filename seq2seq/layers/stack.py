"""LSTM layers on top of each other: any widths, any reading directions, residual connections, dropout between."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from seq2seq.layers.lstm import LSTM
from seq2seq.layers.state import LSTMState, StackState, as_stack_state

BIDIRECTIONAL = ("never", "first", "all")


@keras.saving.register_keras_serializable("seq2seq")
class StackedLSTM(keras.layers.Layer):
    """A stack of LSTM layers, each with its own width and reading direction.

    Equal to stock `keras.layers.LSTM` (or `Bidirectional`) layers on top of each other with the same weights. The
    state has one structure for every depth: `state[layer][direction]` is an `LSTMState(hidden, cell)`.

    Args:
        units: The width of each layer, from the input to the top; per direction, so that a bidirectional layer puts
            out twice that.
        bidirectional: Which layers read both ways: `"never"`, `"first"`, `"all"`, or one flag per layer.
        residual_from: The first layer (0 = lowest) whose input is added to its output; None for no residual
            connections. Needs equal widths from there on.
        dropout: Fraction dropped between layers, from the output of each layer but the last (Zaremba et al. 2014);
            never on the recurrent connections.
        return_sequences: Give the output of every step instead of the last real one.
        return_state: Give the final state of every layer and direction as well.

    Call arguments:
        inputs: `[batch, time, features]`.
        mask: Boolean, True = real, padding on one side, `[batch, time]`; None where every step is real. On a GPU the
            padding has to be on the right.
        initial_state: As `return_state` gives it; zeros by default.
        training: Whether dropout is on.

    Returns:
        The outputs, `[batch, time, units]` or `[batch, units]`; with `return_state`, a pair of them and the state.

    Raises:
        ValueError: For unusable arguments, residual connections between unequal widths, or a state that does not fit.

    Example:
        >>> stack = StackedLSTM([50, 30], return_sequences=True, return_state=True)
        >>> outputs, state = stack(keras.ops.ones((2, 7, 1)))
        >>> outputs.shape, state[0][0].cell.shape
        (TensorShape([2, 7, 30]), TensorShape([2, 50]))

    Source:
        Graves 2013 (stacking), Schuster and Paliwal 1997 (both directions), Wu et al. 2016, equation 6 (residual).
    """

    def __init__(
        self,
        units: Sequence[int],
        bidirectional: str | Sequence[bool] = "never",
        residual_from: int | None = None,
        dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.units = _checked_units(units)
        self.bidirectional = bidirectional if isinstance(bidirectional, str) else list(bidirectional)
        self.residual_from = residual_from
        self.dropout = dropout
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.both_ways = _flags(bidirectional, len(self.units))
        if residual_from is not None and not 0 <= residual_from < len(self.units):
            raise ValueError(
                f"residual_from names a layer of the stack, 0 to {len(self.units) - 1} here. "
                f"Received: residual_from={residual_from}. Use None for no residual connections."
            )
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is the fraction dropped, from 0 to below 1. Received: dropout={dropout}.")
        self.forward_layers = [self._lstm(width, f"layer{i}_forward") for i, width in enumerate(self.units)]
        self.backward_layers = [
            self._lstm(width, f"layer{i}_backward") if both else None
            for i, (width, both) in enumerate(zip(self.units, self.both_ways, strict=True))
        ]
        self.between = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="between")

    def _lstm(self, width: int, name: str) -> LSTM:
        return LSTM(width, return_sequences=True, return_state=True, dtype=self.dtype_policy, name=name)

    @property
    def state_units(self) -> list[tuple[int, ...]]:
        """The width of the state, per layer and direction."""
        return [(width,) * (1 + both) for width, both in zip(self.units, self.both_ways, strict=True)]

    @property
    def output_units(self) -> int:
        """The width of the output."""
        return sum(self.state_units[-1])

    def build(self, input_shape: Any) -> None:  # noqa: D102
        width = input_shape[-1]
        for i, (forward, backward) in enumerate(self._pairs()):
            if self.has_residual(i) and sum(self.state_units[i]) != width:
                raise ValueError(
                    "A residual connection adds the input of a layer to its output, so both need the same width. "
                    f"Received: residual_from={self.residual_from}, layer {i} with input width={width}, "
                    f"output width={sum(self.state_units[i])}. Use equal widths, or start higher."
                )
            forward.build((None, None, width))
            if backward is not None:
                backward.build((None, None, width))
            width = sum(self.state_units[i])

    def call(  # noqa: D102
        self, inputs: tf.Tensor, initial_state: Any = None, mask: Any = None, training: bool | None = None
    ) -> Any:
        self._check_inputs(inputs, mask)
        initial = self._initial(initial_state, ops.shape(inputs)[0])
        outputs, state = inputs, []
        for i, (forward, backward) in enumerate(self._pairs()):
            below = outputs if i == 0 else self.between(outputs, training=training)
            read, *end = forward(below, initial_state=list(initial[i][0]), mask=mask)
            ends: tuple[LSTMState, ...] = (LSTMState(*end),)
            if backward is not None:
                turned, *end = backward(reverse_time(below, mask), initial_state=list(initial[i][1]), mask=mask)
                read = ops.concatenate([read, reverse_time(turned, mask)], axis=-1)
                ends += (LSTMState(*end),)
            outputs = read + outputs if self.has_residual(i) else read
            state.append(ends)
        if not self.return_sequences:
            outputs = self._last(outputs, mask)
        return (outputs, tuple(state)) if self.return_state else outputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Hand a Keras mask on where the output still has a time axis and is the only one."""
        return mask if self.return_sequences and not self.return_state else None

    def step(self, inputs: tf.Tensor, state: StackState, training: bool | None = False) -> tuple[tf.Tensor, StackState]:
        """Take one step with the same weights; for stacks that read forward only.

        Args:
            inputs: The input of the step, `[batch, features]`.
            state: The state before it.
            training: Whether dropout is on.

        Returns:
            The output `[batch, units]` and the state after the step.

        Raises:
            ValueError: If a layer reads backward: it would need the steps to come.
        """
        if any(self.both_ways):
            raise ValueError(
                "A bidirectional layer cannot go step by step: its backward direction starts at the end. "
                f"Received: bidirectional={self.bidirectional!r}. Use a stack with bidirectional='never'."
            )
        outputs, after = inputs, []
        for i, (layer, before) in enumerate(zip(self.forward_layers, state, strict=True)):
            below = outputs if i == 0 else self.between(outputs, training=training)
            end = layer.step(below, LSTMState(*before[0]))
            outputs = end.hidden + outputs if self.has_residual(i) else end.hidden
            after.append((end,))
        return outputs, tuple(after)

    def get_config(self) -> dict[str, Any]:  # noqa: D102
        return {
            **super().get_config(),
            "units": self.units,
            "bidirectional": self.bidirectional,
            "residual_from": self.residual_from,
            "dropout": self.dropout,
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
        }

    def _pairs(self) -> Iterable[tuple[LSTM, LSTM | None]]:
        return zip(self.forward_layers, self.backward_layers, strict=True)

    def has_residual(self, layer: int) -> bool:
        """Whether the input of this layer (0 = lowest) is added to its output."""
        return self.residual_from is not None and layer >= self.residual_from

    def _initial(self, state: Any, batch: Any) -> StackState:
        if state is None:
            return tuple(
                tuple(LSTMState(*(ops.zeros((batch, width), self.compute_dtype),) * 2) for width in widths)
                for widths in self.state_units
            )
        received = [[direction[0].shape[-1] for direction in layer] for layer in state]
        if received != [list(widths) for widths in self.state_units]:
            raise ValueError(
                "The initial state holds a (hidden, cell) pair for every layer and direction of the stack. "
                f"Expected widths per layer and direction: {[list(widths) for widths in self.state_units]}. "
                f"Received: {received}. A StateBridge brings one stack's state to the shape of another."
            )
        return as_stack_state(state)

    def _check_inputs(self, inputs: Any, mask: Any) -> None:
        if len(inputs.shape) != 3:
            raise ValueError(
                "StackedLSTM reads sequences of vectors, [batch, time, features]. "
                f"Received: inputs of shape {tuple(inputs.shape)}. A sequence of numbers needs a last axis of size 1."
            )
        if mask is not None and len(mask.shape) != 2:
            raise ValueError(
                f"mask says for each step whether it is real, [batch, time]. Received: shape {tuple(mask.shape)}."
            )

    def _last(self, outputs: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
        """The output that a reader of the whole sequence would use: forward at the last step, backward at the first."""
        if mask is None:
            first, last = outputs[:, 0], outputs[:, -1]
        else:
            first, last = (tf.gather(outputs, place, axis=1, batch_dims=1) for place in _ends(mask))
        width = self.units[-1]
        return ops.concatenate([last[:, :width], first[:, width:]], axis=-1) if self.both_ways[-1] else last


def reverse_time(sequences: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Turn the real steps of each sequence round; padding, on whichever side, stays where it is.

    Args:
        sequences: `[batch, time, …]`.
        mask: Boolean, True = real, `[batch, time]`, the real steps side by side; None where every step is real.

    Returns:
        The turned sequences, same shape.
    """
    if mask is None:
        return tf.reverse(sequences, [1])
    first, last = _ends(mask)
    places = tf.range(tf.shape(sequences)[1], dtype=tf.int64)
    turned = tf.where(mask, (first + last)[:, tf.newaxis] - places, places)

    # Turning twice changes nothing, so the gradient is turned the same way; TensorFlow's own would scatter.
    @tf.custom_gradient
    def turn(values: tf.Tensor) -> Any:
        def take(values: tf.Tensor) -> tf.Tensor:
            return tf.gather(values, turned, axis=1, batch_dims=1)

        return take(values), take

    return turn(sequences)


def _ends(mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The places of the first and of the last real step, `[batch]` each."""
    real = tf.cast(mask, tf.int32)
    last = tf.shape(mask, tf.int64)[1] - 1 - tf.argmax(tf.reverse(real, [1]), axis=1)
    return tf.argmax(real, axis=1), last


def _checked_units(units: Sequence[int]) -> list[int]:
    if isinstance(units, (int, str)) or not units or any(not isinstance(width, int) or width < 1 for width in units):
        raise ValueError(
            "units lists the width of every layer, lowest first, each at least 1. "
            f"Received: units={units!r}. Use units=[256] for one layer of 256."
        )
    return list(units)


def _flags(bidirectional: str | Sequence[bool], depth: int) -> list[bool]:
    """One flag per layer from a name or a list."""
    if isinstance(bidirectional, str):
        if bidirectional not in BIDIRECTIONAL:
            raise ValueError(
                f"bidirectional is one of {', '.join(BIDIRECTIONAL)}, or one flag per layer. "
                f"Received: bidirectional={bidirectional!r}."
            )
        return [bidirectional == "all" or (bidirectional == "first" and layer == 0) for layer in range(depth)]
    if len(bidirectional) != depth:
        raise ValueError(
            f"bidirectional needs one flag per layer. Received: {len(bidirectional)} flags, depth={depth}."
        )
    return [bool(flag) for flag in bidirectional]
