"""A graph of ONNX operations, written one node at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
"""The version of ONNX' operations that is written: the first with a layer normalisation."""

IR = 8
"""The version of ONNX' file format that came with it."""

FLOAT, INT64, INT32, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL

Shape = Sequence[int | str]
"""Sizes; a word names one that is free, as in `["batch", "source_time"]`."""


class Graph:
    """Nodes, weights, inputs and outputs, in the order in which they are written.

    Args:
        name: What the graph is called.
        half: Whether weights are kept in float16; they are read as float32.
        numbers: Tell names apart; those of the graph around this one, which a body may not hide.

    Example:
        >>> graph = Graph("twice")
        >>> given = graph.input("given", FLOAT, ["rows", 3])
        >>> graph.output("result", graph.add("Mul", given, graph.constant(2.0)), FLOAT, ["rows", 3])
        >>> [(node.op_type, *node.output) for node in graph.model().graph.node]
        [('Mul', 'result')]
    """

    def __init__(self, name: str, half: bool = False, numbers: Iterator[int] | None = None) -> None:
        self.name = name
        self.half = half
        self._numbers = count(1) if numbers is None else numbers
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[tuple[str, Any]] = []

    def input(self, name: str, kind: int, shape: Shape) -> str:
        """Declare an input."""
        self._inputs.append(helper.make_tensor_value_info(name, kind, list(shape)))
        return name

    def output(self, name: str, value: str, kind: int, shape: Shape) -> None:
        """Give a value out under a name."""
        self._outputs.append((value, helper.make_tensor_value_info(name, kind, list(shape))))

    def constant(self, values: npt.ArrayLike, kind: Any = np.float32) -> str:
        """Write numbers down.

        Args:
            values: The numbers.
            kind: Their type, as NumPy has it.
        """
        array = np.asarray(values, kind)
        halved = self.half and array.dtype == np.float32 and array.ndim > 0
        name = self._name("constant")
        with np.errstate(over="ignore"):  # told where the export is proved
            self._weights.append(numpy_helper.from_array(array.astype(np.float16) if halved else array, name))
        return self.add("Cast", name, to=FLOAT) if halved else name

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one result."""
        return self.several(op, 1, *inputs, **attributes)[0]

    def several(self, op: str, results: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add a node with several results."""
        names = [self._name(op.lower()) for _ in range(results)]
        self._nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return names

    def scan(
        self, body: Graph, states: Sequence[str], sequences: Sequence[str], backward: bool
    ) -> tuple[list[str], str]:
        """Add a loop over time, `[time, batch, …]`, that gives the states after it and one sequence.

        Args:
            body: What happens at a step: from states and a slice of each sequence to states and a result.
            states: Before the first step.
            sequences: What the steps read.
            backward: Whether it goes from the last step to the first.
        """
        several = {name: [int(backward)] * count for name, count in (("input", len(sequences)), ("output", 1))}
        *ends, result = self.several(
            "Scan", len(states) + 1, *states, *sequences, body=body._proto(), num_scan_inputs=len(sequences),
            **{f"scan_{name}_directions": ways for name, ways in several.items()},
        )  # fmt: skip
        return ends, result

    def body(self) -> Graph:
        """Begin the graph of a loop's step; it may read what stands in this one."""
        return Graph(self._name("body"), self.half, self._numbers)

    def split(self, value: str, parts: int) -> list[str]:
        """Cut the last axis into equal parts."""
        return [value] if parts == 1 else self.several("Split", parts, value, axis=-1)

    def beside(self, *values: str) -> str:
        """Put values side by side on the last axis."""
        return values[0] if len(values) == 1 else self.add("Concat", *values, axis=-1)

    def size(self, value: str, axis: int) -> str:
        """Give the size of an axis, `[1]`."""
        return self.add("Shape", value, start=axis, end=axis + 1)

    def model(self) -> Any:
        """Give the finished model, checked by ONNX."""
        made = helper.make_model(
            self._proto(), opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR, producer_name="seq2seq"
        )
        onnx.checker.check_model(made, full_check=True)
        return made

    def _proto(self) -> Any:
        # What is given out is made under its own name: a copy of all logits takes as long as a small layer.
        made = {result for node in self._nodes for result in node.output}
        names: dict[str, str] = {}
        copies = []
        for value, info in self._outputs:
            if value in made and value not in names:
                names[value] = info.name
            else:
                copies.append(helper.make_node("Identity", [names.get(value, value)], [info.name]))
        nodes = [_renamed(node, names) for node in self._nodes]
        outputs = [info for _, info in self._outputs]
        return helper.make_graph([*nodes, *copies], self.name, self._inputs, outputs, self._weights)

    def _name(self, kind: str) -> str:
        return f"{kind}{next(self._numbers)}"


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    """Give a node that reads and makes values under other names, in the bodies of its loops, too."""
    other = onnx.NodeProto()
    other.CopyFrom(node)
    for values in (other.input, other.output):
        values[:] = [names.get(value, value) for value in values]
    for attribute in other.attribute:
        inner = [_renamed(each, names) for each in attribute.g.node]
        if inner:
            del attribute.g.node[:]
            attribute.g.node.extend(inner)
    return other
