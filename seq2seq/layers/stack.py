"""Recurrent layers on top of each other: any cell, widths, reading directions, residual connections, dropout."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from seq2seq.layers.arguments import hand_on_frozen, is_width, need_share
from seq2seq.layers.cells import Cell, Prepared, cell_config, cell_named
from seq2seq.layers.rnn import Recurrent, recurrent_layer
from seq2seq.layers.state import StackState, is_nested, nesting
from seq2seq.layers.weight_options import for_one_layer, take_weight_options, weight_config

BIDIRECTIONAL = ("never", "first", "all")

_ARITHMETIC = "What happens at a step is the cell's: choose or write one (docs/how-to/own-cell.md)."
_INSTEAD = {
    "activation": _ARITHMETIC,
    "recurrent_activation": _ARITHMETIC,
    "use_bias": _ARITHMETIC,
    "unit_forget_bias": "Build the stack and call seq2seq.models.start_forget_gates(stack, bias).",
    "go_backwards": "Read both ways with bidirectional='all', or turn the inputs round.",
    "unroll": "Leave it out: one loop serves every length.",
    "use_cudnn": "Leave it out: cuDNN runs where a GPU is visible.",
    "zero_output_for_mask": "Multiply the outputs by the mask.",
}
"""What Keras' single layers take and a stack does not, and what to do instead."""


@keras.saving.register_keras_serializable("seq2seq")
class StackedRNN(keras.layers.Layer):
    """A stack of recurrent layers of one kind of cell, each with its own width and reading direction.

    Equal to Keras' layers (or `Bidirectional` ones) on top of each other with the same weights, where Keras has the
    cell. The state has one structure for every depth: `state[layer][direction]` is the named tuple of the cell, such
    as `LSTMState(hidden, cell)`.

    Args:
        units: The width of each layer, from the input to the top; per direction, so that a bidirectional layer puts
            out twice that.
        cell: A name of `seq2seq.layers.CELLS`, or a `Cell`.
        bidirectional: Which layers read both ways: `"never"`, `"first"`, `"all"`, one flag for all, or one per layer.
        residual_from: The first layer (0 = lowest) whose input is added to its output; None for no residual
            connections. Needs equal widths from there on.
        dropout: Fraction dropped between layers, from the output of each layer but the last (Zaremba et al. 2014): a
            stack of one layer has none.
        recurrent_dropout: Fraction of the hidden state dropped before its product, by one mask for a whole sequence
            (Gal and Ghahramani 2016).
        return_sequences: Give the output of every step instead of the last real one.
        return_state: Give the final state of every layer and direction as well.
        stateful: Start every batch from the state after the batch before, row by row, until `reset_state`. Needs a
            fixed batch. A backward direction goes on too, from the first step of the batch before, as in
            `keras.layers.Bidirectional`.
        seed: Seed of both kinds of dropout.
        **kwargs: Those of `keras.layers.Layer`, and what Keras' layers take for their weights, given once for all
            layers: an initializer, a regularizer and a constraint for each kind (`kernel_regularizer`,
            `recurrent_initializer`, `bias_constraint` …). An `activity_regularizer` counts the output of every layer.

    Call arguments:
        inputs: `[batch, time, features]`.
        mask: Boolean, True = real, padding on one side, `[batch, time]`; None where every step is real. On a GPU the
            padding has to be on the right. In a model `keras.layers.Masking` or an `Embedding` with `mask_zero` gives
            it; with `initial_state` Keras does not hand it over: write `mask=` yourself.
        initial_state: As `return_state` gives it; zeros by default.
        training: Whether dropout is on.

    Returns:
        The outputs, `[batch, time, units]` or `[batch, units]`; with `return_state`, a pair of them and the state.

    Raises:
        ValueError: For unusable arguments, residual connections between unequal widths, or a state that does not fit.

    Example:
        >>> stack = StackedRNN([50, 30], "gru", return_sequences=True, return_state=True)
        >>> outputs, state = stack(keras.ops.ones((2, 7, 1)))
        >>> outputs.shape, state[0][0].hidden.shape
        (TensorShape([2, 7, 30]), TensorShape([2, 50]))

    Source:
        Graves 2013 (stacking), Schuster and Paliwal 1997 (both directions), Wu et al. 2016, equation 6 (residual).
    """

    def __init__(
        self,
        units: Sequence[int],
        cell: str | Cell = "lstm",
        bidirectional: str | bool | Sequence[bool] = "never",
        residual_from: int | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        stateful: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        for name, way in _INSTEAD.items():
            if name in kwargs:
                raise ValueError(f"A stack has no {name}. Received: {name}={kwargs[name]!r}. {way}")
        weight_options = take_weight_options(kwargs)
        super().__init__(**kwargs)
        self.weight_options = weight_options
        self.supports_masking = True
        if isinstance(bidirectional, bool):
            bidirectional = "all" if bidirectional else "never"
        self.units = checked_units(units)
        self.cell = cell_named(cell)
        self.bidirectional = bidirectional if isinstance(bidirectional, str) else list(bidirectional)
        self.residual_from = residual_from
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.stateful = stateful
        self.seed = seed
        self.both_ways = _flags(bidirectional, len(self.units))
        if residual_from is not None and (type(residual_from) is not int or not 0 <= residual_from < len(self.units)):
            raise ValueError(
                f"residual_from names a layer of the stack, 0 to {len(self.units) - 1} here. "
                f"Received: residual_from={residual_from!r}. Use None for no residual connections."
            )
        for name, share in (("dropout", dropout), ("recurrent_dropout", recurrent_dropout)):
            need_share(name, share)
        self.forward_layers = [self._layer(i, "forward") for i in range(len(self.units))]
        self.backward_layers = [self._layer(i, "backward") if both else None for i, both in enumerate(self.both_ways)]
        self.between = keras.layers.Dropout(dropout, seed=seed, dtype=self.dtype_policy, name="between")

    def _layer(self, place: int, direction: str) -> Recurrent:
        # With one seed for all, layers of one width would drop the same units.
        seed = None if self.seed is None else self.seed + 1 + 2 * place + (direction == "backward")
        return recurrent_layer(
            self.cell,
            self.units[place],
            self.recurrent_dropout,
            seed=seed,
            return_sequences=True,
            return_state=True,
            stateful=self.stateful,
            zero_output_for_mask=self.both_ways[place],  # as keras.layers.Bidirectional asks it of its layers
            dtype=self.dtype_policy,
            name=f"layer{place}_{direction}",
            **for_one_layer(self.weight_options),
        )

    @property
    def state_units(self) -> list[tuple[int, ...]]:
        """The width of the state, per layer and direction."""
        return [(width,) * (1 + both) for width, both in zip(self.units, self.both_ways, strict=True)]

    @property
    def output_units(self) -> int:
        """The width of the output."""
        return sum(self.state_units[-1])

    def build(self, input_shape: Any) -> None:  # noqa: D102
        batch, *_, width = input_shape
        batch = batch if self.stateful else None
        for i, (forward, backward) in enumerate(self._pairs()):
            if self.has_residual(i) and sum(self.state_units[i]) != width:
                raise ValueError(
                    "A residual connection adds the input of a layer to its output, so both need the same width. "
                    f"Received: residual_from={self.residual_from}, layer {i} with input width={width}, "
                    f"output width={sum(self.state_units[i])}. Use equal widths, or start higher."
                )
            forward.build((batch, None, width))
            if backward is not None:
                backward.build((batch, None, width))
            width = sum(self.state_units[i])
        hand_on_frozen(self)

    def call(  # noqa: D102
        self, inputs: tf.Tensor, initial_state: Any = None, mask: Any = None, training: bool | None = None
    ) -> Any:
        self._check_inputs(inputs, mask)
        inputs = tf.cast(inputs, self.compute_dtype)  # Keras casts all but whole numbers
        mask = None if mask is None else tf.cast(mask, tf.bool)
        initial = self._initial(initial_state, ops.shape(inputs)[0])
        outputs, state = inputs, []
        for i, (forward, backward) in enumerate(self._pairs()):
            below = outputs if i == 0 else self.between(outputs, training=training)
            read, *end = forward(below, initial_state=initial[i][0], mask=mask, training=training)
            ends = [end]
            if backward is not None:
                below = reverse_time(below, mask)
                turned, *end = backward(below, initial_state=initial[i][1], mask=mask, training=training)
                read = ops.concatenate([read, reverse_time(turned, mask)], axis=-1)
                ends.append(end)
            outputs = read + outputs if self.has_residual(i) else read
            state.append(ends)
            if self.activity_regularizer is not None and i < len(self.units) - 1:
                # Per row, as Keras counts what the stack gives.
                self.add_loss(self.activity_regularizer(outputs) / ops.cast(ops.shape(outputs)[0], outputs.dtype))
        if not self.return_sequences:
            outputs = self._last(outputs, mask)
        outputs = tf.identity(outputs)  # without the mask that Keras has attached to that of the top layer
        return (outputs, self.named(state)) if self.return_state else outputs

    def compute_output_shape(self, input_shape: Any) -> Any:  # noqa: D102
        batch, time, _ = input_shape
        outputs = (batch, time, self.output_units) if self.return_sequences else (batch, self.output_units)
        if not self.return_state:
            return outputs
        return outputs, self.named(
            [[[(batch, w)] * len(self.cell.part_names) for w in each] for each in self.state_units]
        )

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Trace the call, which refuses what does not fit; of shapes alone Keras would not know."""
        return keras.Operation.compute_output_spec(self, *args, **kwargs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Hand a Keras mask on where the output still has a time axis; no part of the state has one."""
        if not self.return_sequences:
            return None
        return [mask] if self.return_state else mask

    def prepare(self, dtype: Any, training: bool | None = False, rows: Any = None) -> list[Prepared]:
        """Lay the weights of every layer out for steps, once per sequence or per search; forward layers only.

        Args:
            dtype: In which products are taken.
            training: Whether recurrent dropout is on; its masks are drawn here, once.
            rows: How many rows the steps will have; needed with recurrent dropout.

        Raises:
            ValueError: If a layer reads backward: it would need the steps to come.
        """
        if any(self.both_ways):
            raise ValueError(
                "A bidirectional layer cannot go step by step: its backward direction starts at the end. "
                f"Received: bidirectional={self.bidirectional!r}. Use a stack with bidirectional='never'."
            )
        dropped = training and self.recurrent_dropout
        return [
            layer.prepare(dtype, layer.recurrent_mask(tf.ones([rows, width], dtype)) if dropped else None)
            for layer, width in zip(self.forward_layers, self.units, strict=True)
        ]

    def step(
        self,
        inputs: tf.Tensor,
        state: StackState,
        weights: Sequence[Prepared] | None = None,
        projected: Sequence[tf.Tensor] = (),
        between: Sequence[tf.Tensor | None] = (),
    ) -> tuple[tf.Tensor, StackState]:
        """Take one step with the same weights; for stacks that read forward only.

        Args:
            inputs: The input of the step, `[batch, features]`.
            state: The state before it.
            weights: What `prepare` gave; None lays them out anew.
            projected: Parts of the product of more inputs of the lowest layer, taken before.
            between: What dropout multiplies the input of each layer but the lowest by; empty without dropout.

        Returns:
            The output `[batch, units]` and the state after the step.
        """
        weights = self.prepare(inputs.dtype) if weights is None else weights
        outputs, after = inputs, []
        for i, (layer, before) in enumerate(zip(self.forward_layers, state, strict=True)):
            mask = between[i - 1] if i and between else None
            below = outputs if mask is None else outputs * mask
            end = layer.step(below, before[0], weights[i], () if i else projected)
            outputs = end.hidden + outputs if self.has_residual(i) else end.hidden
            after.append((end,))
        return outputs, tuple(after)

    def named(self, state: Any) -> StackState:
        """Give a state its names back: Keras hands plain lists over after loading a functional model."""
        return tuple(tuple(self.cell.State(*direction) for direction in layer) for layer in state)

    def get_config(self) -> dict[str, Any]:  # noqa: D102
        return {
            **super().get_config(),
            "units": self.units,
            "cell": cell_config(self.cell),
            "bidirectional": self.bidirectional,
            "residual_from": self.residual_from,
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "stateful": self.stateful,
            "seed": self.seed,
            **weight_config(self.weight_options),
        }

    def reset_state(self) -> None:
        """Start the next batch of a stateful stack from zeros."""
        for pair in self._pairs():
            for layer in pair:
                if layer is not None:
                    layer.reset_state()

    def _pairs(self) -> Iterable[tuple[Recurrent, Recurrent | None]]:
        return zip(self.forward_layers, self.backward_layers, strict=True)

    def has_residual(self, layer: int) -> bool:
        """Whether the input of this layer (0 = lowest) is added to its output."""
        return self.residual_from is not None and layer >= self.residual_from

    def _initial(self, state: Any, batch: Any) -> list[list[Any]]:
        """What each layer starts from, per direction; None where it is stateful and knows."""
        if state is None:
            return [
                [None if self.stateful else list(self.cell.start(batch, width, self.compute_dtype)) for width in widths]
                for widths in self.state_units
            ]
        names = self.cell.part_names
        parts = f"({', '.join(names)}{',' if len(names) == 1 else ''})"
        if not is_nested(state, 3):
            raise ValueError(
                f"An initial state is nested: state[layer][direction] is {parts}, each [batch, units]. "
                f"Received: {nesting(state)}. Write [[{parts}]] for one layer in one direction."
            )
        for place, name in enumerate(names):
            # Whatever has another number of parts shows as a width of None.
            received = [[_width(direction, place, len(names)) for direction in layer] for layer in state]
            expected = [list(widths) for widths in self.state_units]
            if received != expected:
                raise ValueError(
                    f"The initial state holds {parts} for every layer and direction of the stack. "
                    f"Expected widths per layer and direction: {expected}. Received: {received} ({name}). "
                    "A StateBridge, called with Encoded(outputs, mask, state), brings one stack's state to the shape "
                    "of another."
                )
        return [[list(direction) for direction in layer] for layer in state]

    def _check_inputs(self, inputs: Any, mask: Any) -> None:
        if len(inputs.shape) != 3:
            raise ValueError(
                "A recurrent stack reads sequences of vectors, [batch, time, features]. "
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


@keras.saving.register_keras_serializable("seq2seq")
class StackedLSTM(StackedRNN):
    """A stack of LSTM layers: a `StackedRNN` of the everyday cell.

    Args:
        units: See `StackedRNN`, as for all arguments.
        bidirectional: Which layers read both ways.
        residual_from: The first layer with a residual connection.
        dropout: Fraction dropped between layers; a stack of one layer has none.
        recurrent_dropout: Fraction of the hidden state dropped.
        return_sequences: Give the output of every step.
        return_state: Give the final state as well.
        **kwargs: `stateful`, `seed`, options of weights, and what else a `StackedRNN` takes.

    Call arguments:
        inputs: `[batch, time, features]`.
        mask: Boolean, True = real, padding on one side, `[batch, time]`; see `StackedRNN`.
        initial_state: For each layer and direction an `LSTMState` or a pair of hidden and cell, each `[batch, units]`;
            zeros by default.
        training: Whether dropout is on.

    Returns:
        The output of the last real step, `[batch, units]`, or with `return_sequences` of every step,
        `[batch, time, units]`; `units` is the width of the top layer, twice that where it reads both ways. With
        `return_state` a pair of them and the state: `state[layer][direction]` is an `LSTMState(hidden, cell)`.

    Raises:
        ValueError: At construction, for widths that are none, an unknown direction, a `residual_from` that names no
            layer, or what a stack has not (`activation`, `use_bias`, `go_backwards` …). In a call, for inputs without
            a features axis, residual connections between unequal widths, or a state that does not fit.

    Example:
        >>> stack = StackedLSTM([50, 30], return_sequences=True, return_state=True)
        >>> outputs, state = stack(keras.ops.ones((2, 7, 1)))
        >>> outputs.shape, state[0][0].cell.shape
        (TensorShape([2, 7, 30]), TensorShape([2, 50]))

    Source:
        Hochreiter and Schmidhuber 1997, Gers et al. 2000 (the cell); Graves 2013 (stacking); as for a `StackedRNN`.
    """

    def __init__(
        self,
        units: Sequence[int],
        bidirectional: str | bool | Sequence[bool] = "never",
        residual_from: int | None = None,
        dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        recurrent_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            "lstm",
            bidirectional,
            residual_from,
            dropout,
            recurrent_dropout,
            return_sequences,
            return_state,
            **kwargs,
        )

    def get_config(self) -> dict[str, Any]:  # noqa: D102
        config = super().get_config()
        config.pop("cell")
        return config


def reverse_time(sequences: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Turn the real steps of each sequence round; what is masked, wherever it stands, stays where it is.

    Args:
        sequences: `[batch, time, …]`.
        mask: Boolean, True = real, `[batch, time]`; None where every step is real.

    Returns:
        The turned sequences, same shape.
    """
    if mask is None:
        return tf.reverse(sequences, [1])
    turned = _turned(mask)

    # Turning twice changes nothing, so the gradient is turned the same way; TensorFlow's own would scatter.
    @tf.custom_gradient
    def turn(values: tf.Tensor) -> Any:
        def take(values: tf.Tensor) -> tf.Tensor:
            return tf.gather(values, turned, axis=1, batch_dims=1)

        return take(values), take

    return turn(sequences)


def _turned(mask: tf.Tensor) -> tf.Tensor:
    """For each step the place of the one that takes its place: the first real step and the last, and so on inwards."""
    rows, time = tf.unstack(tf.shape(mask))
    rank = tf.cumsum(tf.cast(mask, tf.int32), axis=1)  # 1 for the first real step
    opposite = rank[:, -1:] - rank
    # Where the real step of each rank stands. Masked steps are all written behind the last column, which is cut off.
    columns = tf.where(mask, rank - 1, time)
    places = tf.range(time)[tf.newaxis] + tf.zeros([rows, 1], tf.int32)
    index = tf.stack([tf.range(rows)[:, tf.newaxis] + tf.zeros([1, time], tf.int32), columns], axis=2)
    of_rank = tf.tensor_scatter_nd_update(tf.zeros([rows, time + 1], tf.int32), index, places)
    return tf.where(mask, tf.gather(of_rank, opposite, batch_dims=1), places)


def _ends(mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The places of the first and of the last real step, `[batch]` each."""
    real = tf.cast(mask, tf.int32)
    last = tf.shape(mask, tf.int64)[1] - 1 - tf.argmax(tf.reverse(real, [1]), axis=1)
    return tf.argmax(real, axis=1), last


def _width(direction: Any, place: int, parts: int) -> int | None:
    """The width of one part of a state; None where there are not as many parts."""
    return direction[place].shape[-1] if len(direction) == parts else None


def checked_units(units: Any) -> list[int]:
    """Give the widths of a stack as a list, or refuse what are none."""
    widths = [] if isinstance(units, str) or not isinstance(units, Iterable) else list(units)
    if not widths or not all(map(is_width, widths)):
        raise ValueError(
            "units lists the width of every layer, lowest first, each at least 1. "
            f"Received: units={units!r}. Use units=[256] for one layer of 256."
        )
    return [int(width) for width in widths]


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
