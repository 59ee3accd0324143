"""The state bridge in ONNX: from the final state of the encoder to the initial one of the decoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2seq.export.graph import FLOAT, Graph
from seq2seq.layers import StateBridge
from seq2seq.layers.starts import FinalState, MeanOfMemory, Merged, Projected, Start, Trained, Zeros


class Given(NamedTuple):
    """What the encoder gave, as `seq2seq.layers.starts.Given`, in a graph.

    Attributes:
        graph: The graph.
        bridge: The bridge that is written.
        memory: `[batch, source_time, memory_units]`.
        mask: True = real token, `[batch, source_time]`.
        states: By the name of a part, for each encoder layer, directions joined, `[batch, width]`.
    """

    graph: Graph
    bridge: StateBridge
    memory: str
    mask: str
    states: Mapping[str, Sequence[str]]


def starts(
    graph: Graph, bridge: Any, memory: str, mask: str, ends: Sequence[Sequence[Sequence[str]]]
) -> list[list[str]]:
    """Write what every decoder layer starts from.

    Args:
        graph: Where it is written.
        bridge: The bridge.
        memory: See `Given`.
        mask: See `Given`.
        ends: The parts of the final state, per encoder layer and direction.

    Returns:
        The parts of the initial state, per decoder layer, `[batch, units]`.

    Raises:
        ValueError: The bridge is no layer of the toolkit.
    """
    if type(bridge) is not StateBridge:
        raise ValueError(
            f"ONNX knows the bridge of the toolkit only. Received: bridge={type(bridge).__name__}. "
            "Export a model with a StateBridge."
        )
    joined = {
        part: [_JOINS[bridge.directions](graph, [one[place] for one in layer]) for layer in ends]
        for place, part in enumerate(bridge.encoder_parts)
    }
    given = Given(graph, bridge, memory, mask, joined)
    return [[_start(given, part) for part in start.parts.values()] for start in bridge.starts]


def zeros(graph: Graph, like: str, units: int) -> str:
    """Write zeros `[batch, units]`, the batch of a value."""
    return _repeated(graph, like, np.zeros(units, np.float32))


def _repeated(graph: Graph, like: str, vector: Any) -> str:
    rows = graph.add("Concat", graph.size(like, 0), graph.constant([1], np.int64), axis=0)
    return graph.add("Expand", graph.constant(np.asarray(vector)[np.newaxis]), rows)


def _added(graph: Graph, states: Sequence[str]) -> str:
    return states[0] if len(states) == 1 else graph.add("Sum", *states)


_JOINS: Mapping[str, Callable[[Graph, Sequence[str]], str]] = {
    "concat": lambda graph, states: graph.beside(*states),
    "sum": _added,
    "mean": lambda graph, states: states[0] if len(states) == 1 else graph.add("Mean", *states),
    "forward": lambda graph, states: states[0],
    "backward": lambda graph, states: states[-1],
}


def _start(given: Given, start: Start) -> str:
    return _STARTS[type(start)](given, start)


def _mean(given: Given, start: Any) -> str:
    graph, axis = given.graph, given.graph.constant([1], np.int64)
    real = graph.add("Unsqueeze", graph.add("Cast", given.mask, to=FLOAT), graph.constant([2], np.int64))
    total = graph.add("ReduceSum", graph.add("Mul", given.memory, real), axis, keepdims=0)
    count = graph.add("Max", graph.add("ReduceSum", real, axis, keepdims=0), graph.constant(1.0))
    return graph.add("Div", total, count)


def _projected(given: Given, start: Any) -> str:
    graph, dense = given.graph, given.bridge.projections[start.name]
    product = graph.add(
        "Gemm", _start(given, start.start), *(graph.constant(np.asarray(each)) for each in (dense.kernel, dense.bias))
    )
    return product if start.activation == "none" else graph.add(_ACTIVATIONS[start.activation], product)


_ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu"}
_STARTS: Mapping[type[Start], Callable[[Given, Any], str]] = {
    Zeros: lambda given, start: zeros(given.graph, given.memory, start.units),
    Trained: lambda given, start: _repeated(given.graph, given.memory, given.bridge.vectors[start.name]),
    MeanOfMemory: _mean,
    FinalState: lambda given, start: given.states[start.part][start.layer],
    Merged: lambda given, start: _JOINS[given.bridge.merge](given.graph, [_start(given, one) for one in start.starts]),
    Projected: _projected,
}
