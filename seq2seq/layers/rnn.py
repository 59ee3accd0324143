"""Recurrent layers for Keras: its own classes, with our loop where it is the faster one, for any cell."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from seq2seq.layers.arguments import need_share, need_units
from seq2seq.layers.cells import Cell, CellWeights, Prepared, cell_config, cell_named
from seq2seq.layers.cells.gru import GRUCell
from seq2seq.layers.cells.lstm import LSTMCell
from seq2seq.layers.recurrence import recurrence, recurrence_graph
from seq2seq.layers.weight_options import of_weight, take_weight_options, weight_config


class Implementation(NamedTuple):
    """What runs a layer.

    Attributes:
        name: `"graph"` (the loop of `seq2seq.layers.recurrence`), `"cudnn"` or `"keras"` (Keras' own loop, the slow
            one).
        reason: Why, in words.
    """

    name: str
    reason: str


class Recurrent(keras.layers.RNN):
    """What our recurrent layers have in common, beside what is Keras': abstract."""

    @property
    def arithmetic(self) -> Cell:
        """What happens at a step."""
        raise NotImplementedError

    def weights_of(self, dtype: Any) -> CellWeights:
        """Give the weights in the type in which products are taken."""
        raise NotImplementedError

    @property
    def implementation(self) -> Implementation:
        """What runs a whole sequence, and why."""
        raise NotImplementedError

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:  # noqa: D102
        if self.implementation.name != "graph":
            return super().inner_loop(sequences, initial_state, mask, training)
        sequences = tf.cast(sequences, self.compute_dtype)
        # Those of a stateful layer are variables.
        state = [tf.cast(tf.convert_to_tensor(part), self.compute_dtype) for part in tf.nest.flatten(initial_state)]
        if mask is not None:  # Keras takes [batch, time, 1] too
            mask = tf.cast(tf.nest.flatten(mask)[0], tf.bool)
            mask = mask[:, :, 0] if mask.shape.rank == 3 else mask
        if self.go_backwards:
            sequences = tf.reverse(sequences, [1])
            mask = None if mask is None else tf.reverse(mask, [1])
        dropped = self.recurrent_mask(state[0]) if training else None
        weights = self.weights_of(sequences.dtype)
        if tf.executing_eagerly():
            run = recurrence_graph(self.arithmetic, sequences.dtype, mask is not None, dropped is not None)
            outputs, end = run(sequences, mask, state, weights, dropped)
        else:
            # TensorFlow Lite makes loops of its own of those alone whose arrays all have known sizes. So what is not
            # training and has a known batch keeps the outputs only.
            keep = training or state[0].shape[0] is None
            outputs, end = recurrence(self.arithmetic, sequences, mask, state, weights, dropped, keep)
        if mask is not None:
            # Keras emits zeros until a row's first real step: only left-padded and fully masked rows have such steps.
            seen = mask if self.zero_output_for_mask else tf.cumsum(tf.cast(mask, tf.int32), axis=1) > 0
            outputs = tf.where(seen[:, :, tf.newaxis], outputs, tf.zeros([], outputs.dtype))
        return outputs[:, -1], outputs, list(end)

    def recurrent_mask(self, hidden: tf.Tensor) -> tf.Tensor | None:
        """Draw what recurrent dropout multiplies the hidden state by, once for a sequence; None without.

        Args:
            hidden: For its shape and type, `[batch, units]`.
        """
        # Keras draws a mask for each gate, and keeps them until the end of a call; one for all gates is Gal and
        # Ghahramani's equation 7, and three products less.
        rate = self.cell.recurrent_dropout
        return keras.random.dropout(tf.ones_like(hidden), rate, seed=self.cell.seed_generator) if rate else None

    def prepare(self, dtype: Any, recurrent_mask: tf.Tensor | None = None) -> Prepared:
        """Lay the weights out for steps, once per sequence or per search.

        Args:
            dtype: In which products are taken.
            recurrent_mask: What `recurrent_mask` gave.
        """
        return self.arithmetic.prepare(self.weights_of(dtype), recurrent_mask)

    def step(
        self, inputs: tf.Tensor, state: Any, weights: Prepared | None = None, projected: Sequence[tf.Tensor] = ()
    ) -> Any:
        """Take one step with the same weights.

        Args:
            inputs: The input of the step, `[batch, features]`.
            state: The state before it, each part `[batch, units]`.
            weights: What `prepare` gave; None lays them out anew.
            projected: See `Cell.step`.

        Returns:
            The state after it; its `hidden` is the output.
        """
        weights = self.prepare(inputs.dtype) if weights is None else weights
        return self.arithmetic.step(inputs, self.arithmetic.State(*state), weights, projected)


class _Gated(Recurrent):
    """What the layers share whose weights lie in a cell of Keras'."""

    def __init__(self, units: int, *arguments: Any, **kwargs: Any) -> None:
        need_units(units)
        for name in ("dropout", "recurrent_dropout"):
            need_share(name, kwargs.get(name, 0.0))
        super().__init__(units, *arguments, **kwargs)

    def weights_of(self, dtype: Any) -> CellWeights:
        unusual = self._unusual_gates()
        if unusual:
            raise ValueError(
                "Only layers with the standard gates go step by step: tanh, sigmoid, a bias, the reset gate of a GRU "
                f"behind its product. Received: layer {self.name!r}, {', '.join(unusual)}. Call it on whole sequences."
            )
        bias, vectors = self._biases()
        return CellWeights(self.cell.kernel, self.cell.recurrent_kernel, (bias,), vectors).cast(dtype)

    def _biases(self) -> tuple[Any, tuple[tf.Tensor, ...]]:
        """The bias and the vectors."""
        return self.cell.bias, ()

    def _unusual_gates(self) -> list[str]:
        return _holding(
            {
                "its activation is not tanh": self.activation is not keras.activations.tanh,
                "its recurrent_activation is not sigmoid": self.recurrent_activation is not keras.activations.sigmoid,
                "it has no bias": not self.use_bias,
                "its reset gate stands before the product": not getattr(self.cell, "reset_after", True),
            }
        )

    @property
    def implementation(self) -> Implementation:
        lost = self._unusual_gates() + _holding({"it has dropout": self.dropout, "it is unrolled": self.unroll})
        if lost:
            return Implementation("keras", f"Keras' loop: {', '.join(lost)}")
        if not tf.config.list_logical_devices("GPU"):
            return Implementation("graph", "own loop in the plain graph: no GPU is visible, the gates are standard")
        if self.use_cudnn is False or self.recurrent_dropout:
            return Implementation("graph", "own loop in the plain graph: cuDNN is off, or has no recurrent dropout")
        return Implementation("cudnn", "Keras' cuDNN kernel: a GPU is visible, the gates are standard")


def _holding(reasons: dict[str, Any]) -> list[str]:
    return [reason for reason, holds in reasons.items() if holds]


@keras.saving.register_keras_serializable("seq2seq")
class LSTM(_Gated, keras.layers.LSTM):
    """`keras.layers.LSTM` with its own loop on the CPU; everything else is Keras'.

    The input projection is hoisted out of the loop as one product, the backward loop computes gate gradients only,
    and all weight gradients are one product each after it. Used where the layer has the standard gates (tanh,
    sigmoid, bias, no dropout of inputs, no unrolling); Keras' own loop, or cuDNN where a GPU is visible, runs
    otherwise. Recurrent dropout draws one mask for a whole sequence and all gates (Keras: one for each gate).

    Call arguments:
        sequences: `[batch, time, features]`.
        initial_state: Hidden and cell, each `[batch, units]`; zeros by default.
        mask: Boolean, True = real, `[batch, time]`; None where every step is real. With `initial_state` Keras does not
            hand over the mask of the layer before.
        training: Whether dropout is on.

    Returns:
        The last output, `[batch, units]`, or with `return_sequences` every output, `[batch, time, units]`; with
        `return_state` a list of them, hidden and cell.

    Raises:
        ValueError: As Keras' layer; and by `prepare` and `step`, for a layer without the standard gates.

    Example:
        >>> layer = LSTM(4, return_sequences=True)
        >>> layer(keras.ops.ones((2, 3, 5))).shape
        TensorShape([2, 3, 4])

    Source:
        `LSTMCell`.
    """

    @property
    def arithmetic(self) -> Cell:  # noqa: D102
        return _LSTM


@keras.saving.register_keras_serializable("seq2seq")
class GRU(_Gated, keras.layers.GRU):
    """`keras.layers.GRU` with its own loop on the CPU where `reset_after` is on, as for `LSTM`.

    Call arguments:
        sequences: `[batch, time, features]`.
        initial_state: A list of the hidden state, `[batch, units]`; zeros by default.
        mask: Boolean, True = real, `[batch, time]`; see `LSTM`.
        training: Whether dropout is on.

    Returns:
        The last output, `[batch, units]`, or with `return_sequences` every output, `[batch, time, units]`; with
        `return_state` a list of them and the hidden state.

    Raises:
        ValueError: As Keras' layer; and by `prepare` and `step`, for a layer without the standard gates, or whose reset
            gate stands before its product.

    Example:
        >>> layer = GRU(4, return_sequences=True)
        >>> layer(keras.ops.ones((2, 3, 5))).shape
        TensorShape([2, 3, 4])

    Source:
        `GRUCell`.
    """

    @property
    def arithmetic(self) -> Cell:  # noqa: D102
        return _GRU

    def _biases(self) -> tuple[Any, tuple[tf.Tensor, ...]]:
        of_inputs, of_hidden = tf.unstack(tf.convert_to_tensor(self.cell.bias))
        of_gates, of_reset = tf.split(of_hidden, [2 * self.units, self.units])
        return of_inputs + tf.pad(of_gates, [[0, self.units]]), (of_reset,)


_LSTM, _GRU = LSTMCell(), GRUCell()


class _CellLayer(keras.layers.Layer):
    """The weights of a cell, as `keras.layers.RNN` takes them."""

    def __init__(
        self,
        units: int,
        cell: Cell,
        recurrent_dropout: float,
        seed: int | None,
        weight_options: Mapping[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = self.output_size = units
        self.arithmetic = cell
        self.state_size = [units for _ in cell.part_names]
        self.recurrent_dropout = recurrent_dropout
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.weight_options = weight_options

    def build(self, input_shape: Any) -> None:
        def add(name: str, shape: tuple[int, ...], initializer: Any) -> Any:
            options = of_weight(self.weight_options, name)
            given = options.pop("initializer", initializer)
            if "bias" in name and given is not initializer:
                given = _keeping(keras.initializers.get(initializer), given)
            return self.add_weight(shape=shape, initializer=given, name=name, autocast=False, **options)

        def start(shape: tuple[int, ...], dtype: Any) -> tf.Tensor:
            return tf.cast(self.arithmetic.bias_of(self.units), dtype)

        cell, wide = self.arithmetic, self.arithmetic.gates * self.units
        self.kernel = add("kernel", (input_shape[-1], wide), "glorot_uniform")
        self.recurrent_kernel = add("recurrent_kernel", (self.units, wide), "orthogonal")
        self.biases = [add("bias", (wide,), start)] if cell.biased else []
        self.vectors = [
            add(name, (times * self.units,), initializer) for name, (times, initializer) in cell.vectors.items()
        ]
        self.built = True

    def weights_of(self, dtype: Any) -> CellWeights:
        """Give the weights for products of one type."""
        weights = CellWeights(self.kernel, self.recurrent_kernel, tuple(self.biases), tuple(self.vectors))
        return self.arithmetic.fold(weights.cast(self.variable_dtype)).cast(dtype)

    def get_config(self) -> dict[str, Any]:
        """Give the arguments that `RNN` hands on."""
        return {
            "units": self.units,
            "cell": cell_config(self.arithmetic),
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
            **weight_config(self.weight_options),
        }


def _keeping(own: Any, given: Any) -> Any:
    """Start a bias as it is given, but where its cell opens a gate: as Keras' LSTM does with its forget gate."""

    def start(shape: tuple[int, ...], dtype: Any) -> tf.Tensor:
        opened = own(shape, dtype=dtype)
        return tf.where(opened == 0, tf.cast(given(shape, dtype=dtype), opened.dtype), opened)

    return start


@keras.saving.register_keras_serializable("seq2seq")
class RNN(Recurrent):
    """A recurrent layer of any cell, as `keras.layers.RNN`, run by our loop.

    Args:
        units: The width of the state and of the output.
        cell: A name of `seq2seq.layers.CELLS`, or a `Cell`.
        recurrent_dropout: Fraction of the hidden state dropped before its product, by one mask for a whole sequence.
        seed: Seed of recurrent dropout.
        **kwargs: Those of `keras.layers.RNN` (`unroll` changes nothing), and what Keras' layers take for their weights:
            an initializer, a regularizer and a constraint for each kind (`kernel_regularizer`, `recurrent_initializer`,
            `bias_constraint` …). What a cell opens by its bias stays open; its other vectors have no options.

    Call arguments:
        sequences: `[batch, time, features]`.
        initial_state: A list of the parts of the cell's state, each `[batch, units]`; zeros by default.
        mask: Boolean, True = real, `[batch, time]`; see `LSTM`.
        training: Whether dropout is on.

    Returns:
        The last output, `[batch, units]`, or with `return_sequences` every output, `[batch, time, units]`; with
        `return_state` a list of them and the parts of the state.

    Raises:
        ValueError: There is no cell of this name, or it is no cell or an unfinished one.

    Example:
        >>> layer = RNN(4, "gru", return_sequences=True)
        >>> layer(keras.ops.ones((2, 3, 5))).shape
        TensorShape([2, 3, 4])
    """

    def __init__(
        self,
        units: int,
        cell: str | Cell = "lstm",
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        need_units(units)
        need_share("recurrent_dropout", recurrent_dropout)
        options = take_weight_options(kwargs)
        shared = {name: kwargs[name] for name in ("dtype", "trainable") if name in kwargs}
        holder = _CellLayer(units, cell_named(cell), recurrent_dropout, seed, options, name="cell", **shared)
        super().__init__(holder, **kwargs)
        self.input_spec = keras.InputSpec(ndim=3)

    @property
    def units(self) -> int:
        """The width of the state and of the output."""
        return self.cell.units

    @property
    def arithmetic(self) -> Cell:  # noqa: D102
        return self.cell.arithmetic

    def weights_of(self, dtype: Any) -> CellWeights:  # noqa: D102
        return self.cell.weights_of(dtype)

    @property
    def implementation(self) -> Implementation:  # noqa: D102
        return Implementation("graph", "own loop in the plain graph: the one for every cell")

    def get_config(self) -> dict[str, Any]:  # noqa: D102
        return {**super().get_config(), **self.cell.get_config()}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "RNN":  # noqa: D102
        return cls(**config)


def recurrent_layer(cell: Cell, units: int, recurrent_dropout: float, **kwargs: Any) -> Recurrent:
    """Make a layer of a cell: Keras' own class where it has one, which also runs on a GPU.

    Args:
        cell: The cell.
        units: The width of its state.
        recurrent_dropout: See `RNN`.
        **kwargs: See `RNN`.
    """
    if type(cell) in _OF_KERAS:
        return _OF_KERAS[type(cell)](units, recurrent_dropout=recurrent_dropout, **kwargs)
    return RNN(units, cell, recurrent_dropout, **kwargs)


_OF_KERAS: dict[type[Cell], type[Recurrent]] = {LSTMCell: LSTM, GRUCell: GRU}
