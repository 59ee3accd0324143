"""What a recurrent cell is: named state parts, weights, and pure functions over them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import tensorflow as tf

from seq2seq.layers.precision import fine
from seq2seq.layers.products import Product, Weight, products

# The gradients of these functions in terms of their results, each one operation.
through_sigmoid, through_tanh, through_rsqrt = tf.raw_ops.SigmoidGrad, tf.raw_ops.TanhGrad, tf.raw_ops.RsqrtGrad


def open_gate(gate: int, gates: int, units: int) -> tf.Tensor:
    """Give a bias that is one at a gate, which then starts open, and zero at the others: `[gates · units]`.

    Args:
        gate: The place of the gate; that of a forget gate, as a rule.
        gates: The number of gates.
        units: The width of each.

    Example:
        >>> open_gate(1, gates=3, units=2).numpy().tolist()
        [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]

    Source:
        Jozefowicz et al. 2015 (a bias of one for the forget gate).
    """
    return tf.repeat(tf.one_hot(gate, gates), units)


class CellWeights(NamedTuple):
    """The weights of one layer as its steps read them: those of products of the type in which these are taken.

    Attributes:
        kernel: What the inputs are multiplied by, `[features, gates · units]`.
        recurrent_kernel: What the hidden state is multiplied by, `[units, gates · units]`.
        biases: Added to the inputs' product, `[gates · units]`: one, or none.
        vectors: What else the gates read, in the order of `Cell.vectors`, in float32 or finer.
    """

    kernel: tf.Tensor
    recurrent_kernel: tf.Tensor
    biases: tuple[tf.Tensor, ...]
    vectors: tuple[tf.Tensor, ...] = ()

    def cast(self, dtype: Any) -> "CellWeights":
        """Give the weights for products of this type."""
        kernel, recurrent_kernel, biases = tf.nest.map_structure(lambda weight: tf.cast(weight, dtype), self[:3])
        vectors = tuple(tf.cast(vector, fine(dtype)) for vector in self.vectors)
        return CellWeights(kernel, recurrent_kernel, biases, vectors)


class Prepared(NamedTuple):
    """The weights of one layer, laid out for steps.

    Attributes:
        products: Multiply by the cell's matrices, in the order of `Cell.matrices`.
        vectors: What else the gates read, in float32 or finer.
        recurrent_mask: What recurrent dropout multiplies the hidden state by, `[rows, units]`; None without.
    """

    products: Sequence[Product]
    vectors: Sequence[tf.Tensor] = ()
    recurrent_mask: tf.Tensor | None = None


class Cell(ABC):
    """What a recurrent layer does at each step: stateless, so that one object serves every layer of a stack.

    Every cell multiplies its inputs by a kernel and its hidden state by a recurrent kernel, both `gates` times as wide
    as the state. What happens between these products is the cell's own: `forward` and its gradient, `backward`. The
    loop over whole sequences (`seq2seq.layers.recurrence`), the steps of decoding and those of input feeding run any
    cell by these alone. Products are taken in the type of the inputs; gates, and all state parts but the hidden one,
    are float32 or finer.

    Attributes:
        name: In recipes and model files.
        title: For people.
        State: The named tuple of the state's parts; `hidden`, the first one, is the output.
        gates: How many times as wide as the state the kernels are.
        parts: Into how many tensors, side by side, a product is cut; narrow products are faster.
        joined: Whether the products of inputs and of the hidden state are summed before anything else.
        biased: Whether a bias is added to the inputs' product.
        saved: How many tensors `forward` keeps for `backward`.
        vectors: What else the gates read, by name: how many times as wide as the state, and the initializer as Keras
            takes it.
        kept_gates: Where among what `forward` keeps its gates stand, by name: numbers from 0, shut, to 1, open. What
            watches a model asks for them; a cell that names none has none to show.
        remembering: The gate of these that says how much of the state stays from step to step; "" where none does.
        forget_gate: The place, in the bias, of the gate that starts open (see `open_gate`); None where none does.

    Source:
        Of cells compared: Greff et al. 2017, "LSTM: A Search Space Odyssey".
    """

    name: ClassVar[str]
    title: ClassVar[str]
    State: ClassVar[Callable[..., Any]]
    gates: ClassVar[int]
    parts: ClassVar[int]
    joined: ClassVar[bool] = True
    biased: ClassVar[bool] = True
    saved: ClassVar[int]
    vectors: ClassVar[Mapping[str, tuple[int, Any]]] = {}
    kept_gates: ClassVar[Mapping[str, int]] = {}
    remembering: ClassVar[str] = ""
    forget_gate: ClassVar[int | None] = None

    @abstractmethod
    def forward(
        self, products: Sequence[tf.Tensor], state: Any, vectors: Sequence[tf.Tensor]
    ) -> tuple[Any, tuple[tf.Tensor, ...]]:
        """Go from products to the next state.

        Args:
            products: `parts` tensors, the sums of both products; where they are not `joined`, `parts` of the inputs
                and then `parts` of the hidden state. All `[rows, gates / parts · units]`, in float32 or finer.
            state: The state before.
            vectors: See `Prepared`.

        Returns:
            The state after, and what `backward` needs, `saved` tensors `[rows, …]`.
        """

    @abstractmethod
    def backward(
        self, saved: Sequence[tf.Tensor], d_state: Any, vectors: Sequence[tf.Tensor]
    ) -> tuple[list[tf.Tensor], Any, list[tf.Tensor]]:
        """Go from gradients of the state after a step to those of what it was made of.

        Args:
            saved: What `forward` kept.
            d_state: Gradients of the parts of the state after the step.
            vectors: See `Prepared`.

        Returns:
            The gradients of the products, as `forward` took them; of the parts of the state before (None where a part
            reaches the step by products only); and of the vectors, summed over the rows.
        """

    def bias_of(self, units: int) -> Any:
        """Give the value that the bias starts from, `[gates · units]`: one at the forget gate, zero elsewhere."""
        return (
            tf.zeros([self.gates * units])
            if self.forget_gate is None
            else open_gate(self.forget_gate, self.gates, units)
        )

    def fold(self, weights: CellWeights) -> CellWeights:
        """Work into the weights what is the same at every step; they stay as they are where nothing else is said.

        A layer does so once per sequence, and hands out folded weights only.
        """
        return weights

    def matrices(self, weights: CellWeights) -> list[Weight]:
        """Lay the matrices out for steps: one for inputs and hidden state side by side, or one for each."""
        if self.joined:
            return [Weight(tf.concat([weights.kernel, weights.recurrent_kernel], axis=0), self.parts, *weights.biases)]
        return [Weight(weights.kernel, self.parts, *weights.biases), Weight(weights.recurrent_kernel, self.parts)]

    def prepare(self, weights: CellWeights, recurrent_mask: tf.Tensor | None = None) -> Prepared:
        """Lay the weights out for steps, once per sequence or per search."""
        return Prepared(products(self.matrices(weights)), weights.vectors, recurrent_mask)

    def step(self, inputs: tf.Tensor, state: Any, weights: Prepared, projected: Sequence[tf.Tensor] = ()) -> Any:
        """Take one step.

        Args:
            inputs: `[rows, features]`.
            state: The state before.
            weights: What `prepare` gave.
            projected: Parts of an inputs' product that was taken before, added to that of ``inputs``.

        Returns:
            The state after, of the same types.
        """
        return self.watched_step(inputs, state, weights, projected)[0]

    def watched_step(
        self, inputs: tf.Tensor, state: Any, weights: Prepared, projected: Sequence[tf.Tensor] = ()
    ) -> tuple[Any, dict[str, tf.Tensor]]:
        """Take one step, and give its gates by name too, `[rows, units]`, float32 or finer; arguments as in `step`."""
        hidden = state[0]
        fed = hidden if weights.recurrent_mask is None else hidden * weights.recurrent_mask
        if self.joined:
            taken = weights.products[0](tf.concat([inputs, fed], axis=1))
        else:
            taken = [*weights.products[0](inputs), *weights.products[1](fed)]
        if projected:
            taken = [*map(tf.add, taken, projected), *taken[len(projected) :]]
        wide = fine(inputs.dtype)
        before = self.State(hidden, *(tf.cast(part, wide) for part in state[1:]))
        after, saved = self.forward([tf.cast(part, wide) for part in taken], before, weights.vectors)
        after = self.State(*(tf.cast(part, given.dtype) for part, given in zip(after, state, strict=True)))
        return after, {name: saved[place] for name, place in self.kept_gates.items()}

    def start(self, rows: Any, units: int, dtype: Any) -> Any:
        """Give the state of zeros, `[rows, units]` each part."""
        return self.State(*(tf.zeros([rows, units], dtype) for _ in self.part_names))

    @property
    def part_names(self) -> tuple[str, ...]:
        """The names of the state's parts."""
        return self.State._fields  # type: ignore[attr-defined]

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        if type(self).get_config is Cell.get_config:  # which says nothing of what it was made with
            return self is other or not (vars(self) or vars(other))
        return self.get_config() == other.get_config()

    def __hash__(self) -> int:
        return hash(type(self))

    def get_config(self) -> dict[str, Any]:
        """Give the arguments of the cell; the ones here have none."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Cell":
        """Make the cell of what `get_config` gave."""
        return cls(**config)
