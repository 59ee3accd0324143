"""Every cell in ONNX: one step by its equations, whole sequences by ONNX' own operations where there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.export.graph import BOOL, FLOAT, Graph
from seq2seq.layers import CELLS
from seq2seq.layers.cells.layer_norm_lstm import EPSILON

Array = npt.NDArray[np.float32]


class LayerWeights(NamedTuple):
    """The weights of one layer and direction, as numbers; see `seq2seq.layers.cells.CellWeights`."""

    cell: Any
    kernel: Array
    recurrent_kernel: Array
    bias: Array
    vectors: list[Array]

    @property
    def units(self) -> int:
        """The width of the state."""
        return len(self.recurrent_kernel)


def weights_of(layer: Any) -> LayerWeights:
    """Take the weights of a recurrent layer.

    Raises:
        ValueError: The layer has a cell of its own, or gates that no step can be taken with.
    """
    cell = layer.arithmetic
    if cell.name not in CELLS or type(cell) is not CELLS[cell.name]:
        raise ValueError(
            f"ONNX knows the cells of the toolkit only. Received: cell={type(cell).__name__}. "
            f"Export a model of {', '.join(CELLS)}."
        )
    kernel, recurrent_kernel, biases, vectors = layer.weights_of("float32")
    bias = np.asarray(biases[0]) if biases else np.zeros(kernel.shape[1], np.float32)
    return LayerWeights(cell, np.asarray(kernel), np.asarray(recurrent_kernel), bias, [np.asarray(v) for v in vectors])


# --- one step -------------------------------------------------------------------------------------------------------


def step(graph: Graph, layer: LayerWeights, inputs: str, state: Sequence[str]) -> list[str]:
    """Write one step.

    Args:
        graph: Where it is written.
        layer: The weights.
        inputs: `[rows, features]`.
        state: The parts of the state before, each `[rows, units]`.

    Returns:
        The parts of the state after.
    """
    if layer.cell.joined:
        matrix = np.concatenate([layer.kernel, layer.recurrent_kernel])
        read = graph.beside(inputs, state[0])
        products = [graph.add("Gemm", read, graph.constant(matrix), graph.constant(layer.bias))]
    else:
        products = [
            graph.add("Gemm", inputs, graph.constant(layer.kernel), graph.constant(layer.bias)),
            graph.add("MatMul", state[0], graph.constant(layer.recurrent_kernel)),
        ]
    return STEPS[layer.cell.name](graph, products, state, layer.vectors)


def _lstm(graph: Graph, products: Sequence[str], state: Sequence[str], vectors: Sequence[Array]) -> list[str]:
    i, f, g, o = graph.split(products[0], 4)
    i, f, o = (graph.add("Sigmoid", gate) for gate in (i, f, o))
    cell = _written(graph, f, state[1], i, graph.add("Tanh", g))
    return [graph.add("Mul", o, graph.add("Tanh", cell)), cell]


def _peephole_lstm(graph: Graph, products: Sequence[str], state: Sequence[str], vectors: Sequence[Array]) -> list[str]:
    i, f, g, o = graph.split(products[0], 4)

    def looking(gate: str, vector: Array, cell: str) -> str:
        return graph.add("Sigmoid", graph.add("Add", gate, graph.add("Mul", cell, graph.constant(vector))))

    i, f = looking(i, vectors[0], state[1]), looking(f, vectors[1], state[1])
    cell = _written(graph, f, state[1], i, graph.add("Tanh", g))
    return [graph.add("Mul", looking(o, vectors[2], cell), graph.add("Tanh", cell)), cell]


def _coupled_lstm(graph: Graph, products: Sequence[str], state: Sequence[str], vectors: Sequence[Array]) -> list[str]:
    f, g, o = graph.split(products[0], 3)
    cell = _between(graph, graph.add("Sigmoid", f), state[1], graph.add("Tanh", g))
    return [graph.add("Mul", graph.add("Sigmoid", o), graph.add("Tanh", cell)), cell]


def _layer_norm_lstm(
    graph: Graph, products: Sequence[str], state: Sequence[str], vectors: Sequence[Array]
) -> list[str]:
    gain_inputs, gain_hidden, bias, gain_cell, bias_cell = map(graph.constant, vectors)

    def normal(value: str, *gain_and_bias: str) -> str:
        return graph.add("LayerNormalization", value, *gain_and_bias, axis=-1, epsilon=EPSILON)

    total = graph.add("Add", normal(products[0], gain_inputs), normal(products[1], gain_hidden, bias))
    i, f, g, o = graph.split(total, 4)
    i, f, o = (graph.add("Sigmoid", gate) for gate in (i, f, o))
    cell = _written(graph, f, state[1], i, graph.add("Tanh", g))
    return [graph.add("Mul", o, graph.add("Tanh", normal(cell, gain_cell, bias_cell))), cell]


def _gru(graph: Graph, products: Sequence[str], state: Sequence[str], vectors: Sequence[Array]) -> list[str]:
    (x_z, x_r, x_g), (u_z, u_r, u_g) = (graph.split(product, 3) for product in products)
    z, r = (graph.add("Sigmoid", graph.add("Add", x, u)) for x, u in ((x_z, u_z), (x_r, u_r)))
    reset = graph.add("Mul", r, graph.add("Add", u_g, graph.constant(vectors[0])))
    return [_between(graph, z, state[0], graph.add("Tanh", graph.add("Add", x_g, reset)))]


def _simple_rnn(graph: Graph, products: Sequence[str], state: Sequence[str], vectors: Sequence[Array]) -> list[str]:
    return [graph.add("Tanh", products[0])]


def _written(graph: Graph, f: str, cell: str, i: str, g: str) -> str:
    return graph.add("Add", graph.add("Mul", f, cell), graph.add("Mul", i, g))


def _between(graph: Graph, gate: str, before: str, new: str) -> str:
    """`gate · before + (1 - gate) · new`."""
    return graph.add("Add", new, graph.add("Mul", gate, graph.add("Sub", before, new)))


STEPS: Mapping[str, Callable[[Graph, Sequence[str], Sequence[str], Sequence[Array]], list[str]]] = {
    "lstm": _lstm,
    "gru": _gru,
    "layer_norm_lstm": _layer_norm_lstm,
    "peephole_lstm": _peephole_lstm,
    "coupled_lstm": _coupled_lstm,
    "simple_rnn": _simple_rnn,
}
"""From products and state to the state after, by the name of the cell: the `forward` of each in ONNX."""


# --- whole sequences ------------------------------------------------------------------------------------------------


def sequence(
    graph: Graph, layers: Sequence[LayerWeights], inputs: str, mask: str, lengths: str
) -> tuple[str, list[list[str]]]:
    """Write a layer over whole sequences.

    Args:
        graph: Where it is written.
        layers: The weights of each direction: forward, and backward if there is one.
        inputs: `[time, batch, features]`.
        mask: True = real, padding on the right, `[time, batch, 1]`.
        lengths: int32 `[batch]`.

    Returns:
        outputs `[time, batch, directions · units]`, and the parts of the last state of each direction; behind the last
        real step the outputs are whatever they are.
    """
    if layers[0].cell.name in NODES:
        return _by_node(graph, layers, inputs, lengths)
    read = [_by_scan(graph, layer, inputs, mask, backward) for backward, layer in enumerate(layers)]
    return graph.beside(*(outputs for outputs, _ in read)), [ends for _, ends in read]


class _Node(NamedTuple):
    """An operation of ONNX that is a cell.

    Attributes:
        op: Its name.
        gates: From our gates, cut apart, to those of ONNX in their order.
        results: Parts of the state.
        hidden_bias: From the weights to the second bias of ONNX, that of the hidden state's product; None for zeros.
        peepholes: From the weights to the peepholes of ONNX.
        attributes: What else it is told.
    """

    op: str
    gates: Callable[..., Sequence[Array]]
    results: int
    hidden_bias: Callable[[LayerWeights], Array] | None = None
    peepholes: Callable[[LayerWeights], Sequence[Array]] = lambda layer: []
    attributes: Mapping[str, Any] = {}


NODES = {
    "lstm": _Node("LSTM", lambda i, f, g, o: [i, o, f, g], 2),
    "peephole_lstm": _Node(
        "LSTM", lambda i, f, g, o: [i, o, f, g], 2,
        peepholes=lambda layer: [layer.vectors[place] for place in (0, 2, 1)],
    ),
    # σ(-z) = 1 - σ(z): an LSTM whose input gate reads the negative of what its forget gate reads.
    "coupled_lstm": _Node("LSTM", lambda f, g, o: [-f, o, f, g], 2),
    "gru": _Node(
        "GRU", lambda z, r, g: [z, r, g], 1,
        hidden_bias=lambda layer: np.pad(layer.vectors[0], (2 * layer.units, 0)),
        attributes={"linear_before_reset": 1},
    ),
    "simple_rnn": _Node("RNN", lambda h: [h], 1),
}  # fmt: skip
"""The cells that ONNX has an operation for, by name."""


def _by_node(graph: Graph, layers: Sequence[LayerWeights], inputs: str, lengths: str) -> tuple[str, list[list[str]]]:
    node, units = NODES[layers[0].cell.name], layers[0].units

    def arranged(values: Array) -> Array:
        return np.concatenate(node.gates(*np.split(values, layers[0].cell.gates, axis=-1)), axis=-1)

    kernels = [arranged(layer.kernel).T for layer in layers]
    recurrent_kernels = [arranged(layer.recurrent_kernel).T for layer in layers]
    biases = [_both_biases(node, layer, arranged(layer.bias)) for layer in layers]
    peepholes = [np.concatenate(each) for layer in layers if (each := node.peepholes(layer))]
    given = [inputs, *(graph.constant(np.stack(each)) for each in (kernels, recurrent_kernels, biases)), lengths]
    if peepholes:
        given += ["", "", graph.constant(np.stack(peepholes))]
    outputs, *ends = graph.several(
        node.op, 1 + node.results, *given, hidden_size=units,
        direction="bidirectional" if len(layers) > 1 else "forward", **node.attributes,
    )  # fmt: skip
    # [time, directions, batch, units] to [time, batch, directions · units]
    beside = graph.add("Transpose", outputs, perm=[0, 2, 1, 3])
    flat = graph.add("Reshape", beside, graph.constant([0, 0, len(layers) * units], np.int64))
    places = [graph.constant(place, np.int64) for place in range(len(layers))]
    return flat, [[graph.add("Gather", end, place, axis=0) for end in ends] for place in places]


def _both_biases(node: _Node, layer: LayerWeights, bias: Array) -> Array:
    return np.concatenate([bias, np.zeros_like(bias) if node.hidden_bias is None else node.hidden_bias(layer)])


def _by_scan(graph: Graph, layer: LayerWeights, inputs: str, mask: str, backward: int) -> tuple[str, list[str]]:
    # The product of the inputs is taken for all steps at once, before the loop, as in `seq2seq.layers.recurrence`.
    projected = graph.add("Add", graph.add("MatMul", inputs, graph.constant(layer.kernel)), graph.constant(layer.bias))
    names, units = layer.cell.part_names, layer.units
    batch = graph.add("Concat", graph.size(mask, 1), graph.constant([1], np.int64), axis=0)
    zeros = graph.add("Expand", graph.constant(np.zeros([1, units])), batch)
    body = graph.body()
    before = [body.input(body.name + name, FLOAT, ["batch", units]) for name in names]
    read = body.input(body.name + "read", FLOAT, ["batch", layer.kernel.shape[1]])
    now = body.input(body.name + "now", BOOL, ["batch", 1])
    products = [read, body.add("MatMul", before[0], body.constant(layer.recurrent_kernel))]
    products = [body.add("Add", *products)] if layer.cell.joined else products
    after = STEPS[layer.cell.name](body, products, before, layer.vectors)
    kept = [body.add("Where", now, *pair) for pair in zip(after, before, strict=True)]
    for name, value in zip([*names, "output"], [*kept, kept[0]], strict=True):
        body.output(f"{body.name}{name}_after", value, FLOAT, ["batch", units])
    ends, outputs = graph.scan(body, [zeros] * len(names), [projected, mask], bool(backward))
    return outputs, ends
