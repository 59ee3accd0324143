"""Every score of attention in ONNX: the keys of a source, and how a query is compared with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.export.graph import FLOAT, Graph
from seq2seq.layers import Attention

Array = npt.NDArray[np.float32]


class _Score(NamedTuple):
    """A score.

    Attributes:
        keys: From graph, memory `[batch, source_time, memory_units]` and weights to keys.
        compare: From graph, queries `[batch, queries, units]`, keys and weights to `[batch, queries, source_time]`.
        turned: Whether keys are `[batch, key_units, source_time]`, ready for the product with a query.
    """

    keys: Callable[[Graph, str, Sequence[Array]], str]
    compare: Callable[[Graph, str, str, Sequence[Array]], str]
    turned: bool


def _turned(keys: Callable[[Graph, str, Sequence[Array]], str]) -> _Score:
    """A score that is a product: its keys are turned once per source."""
    return _Score(
        lambda graph, memory, weights: graph.add("Transpose", keys(graph, memory, weights), perm=[0, 2, 1]),
        lambda graph, query, keys, weights: graph.add("MatMul", query, keys),
        turned=True,
    )


def _multiplied(graph: Graph, memory: str, weights: Sequence[Array]) -> str:
    return graph.add("MatMul", memory, graph.constant(weights[0]))


def _scaled(graph: Graph, memory: str, weights: Sequence[Array]) -> str:
    width = graph.add("Cast", graph.size(memory, 2), to=FLOAT)
    return graph.add("Div", memory, graph.add("Sqrt", width))


def _additive(graph: Graph, query: str, keys: str, weights: Sequence[Array]) -> str:
    _, kernel, energy = weights
    projected = graph.add("MatMul", query, graph.constant(kernel))
    both = (
        graph.add("Unsqueeze", value, graph.constant([axis], np.int64)) for value, axis in ((projected, 2), (keys, 1))
    )
    mixed = graph.add("Tanh", graph.add("Add", *both))
    scores = graph.add("MatMul", mixed, graph.constant(energy[:, np.newaxis]))
    return graph.add("Squeeze", scores, graph.constant([3], np.int64))


SCORES: Mapping[str, _Score] = {
    "dot": _turned(lambda graph, memory, weights: memory),
    "scaled_dot": _turned(_scaled),
    "general": _turned(_multiplied),
    "additive": _Score(_multiplied, _additive, turned=False),
}
"""The scores by name."""


def score_of(attention: Any) -> _Score:
    """Give the score of an attention.

    Raises:
        ValueError: The attention is no layer of the toolkit.
    """
    if type(attention) is not Attention:
        raise ValueError(
            f"ONNX knows the attentions of the toolkit only. Received: attention={type(attention).__name__}. "
            f"Export a model with one of {', '.join(SCORES)}, or without attention."
        )
    return SCORES[attention.score]


def arrays(layer: Any) -> list[Array]:
    """Give the weights of a layer in float32."""
    return [np.asarray(weight, np.float32) for weight in layer.weights]
