"""Routing tables: for every decoder layer the encoder layers that it starts from, by a name or as written."""

import operator
from collections.abc import Callable, Sequence
from typing import NamedTuple

from seq2seq.layers.wire import Kind

Routes = list[list[int]]


class Mode(NamedTuple):
    """A named way of passing states.

    Attributes:
        words: What it does, and where it is known from.
        kind: What a decoder layer starts from.
        routes: From encoder depth, decoder depth and `align` to the routing table.
        projects: Whether a trained projection is part of it.
        activation: Of that projection, where nobody says another.
    """

    words: str
    kind: Kind
    routes: Callable[[int, int, str], Routes] = lambda encoder_depth, depth, align: [[]] * depth
    projects: bool = False
    activation: str = "none"


def _level(encoder_depth: int, depth: int, align: str) -> Routes:
    if align == "none" and encoder_depth != depth:
        raise ValueError(
            "per_layer passes encoder layer i to decoder layer i, so both need the same depth. "
            f"Received: encoder depth={encoder_depth}, decoder depth={depth}. "
            "Use align='top', align='bottom' or align='spread', or mode='concatenated'."
        )
    levels = [ALIGN[align](layer, encoder_depth, depth) for layer in range(depth)]
    return [[level] if 0 <= level < encoder_depth else [] for level in levels]


MODES = {
    "per_layer": Mode(
        "decoder layer i starts from encoder layer i (Sutskever et al. 2014, Luong et al. 2015)", "routed", _level
    ),
    "last_layer": Mode(
        "every decoder layer starts from the top encoder layer (Cho et al. 2014)",
        "routed",
        lambda encoder_depth, depth, align: [[encoder_depth - 1]] * depth,
    ),
    "concatenated": Mode(
        "every decoder layer starts from all encoder layers side by side, projected (google/seq2seq)",
        "routed",
        lambda encoder_depth, depth, align: [list(range(encoder_depth))] * depth,
        projects=True,
    ),
    "mean": Mode(
        "every decoder layer starts from the mean of the memory, through a tanh layer (Nematus, Sockeye)",
        "mean",
        projects=True,
        activation="tanh",
    ),
    "learned": Mode("every decoder layer starts from a trained vector; the source is ignored (yoyodyne)", "trained"),
    "zero": Mode("every decoder layer starts from zeros", "zeros"),
}
TABLE = Mode("every decoder layer starts from the encoder layers that are written for it", "routed")
ALIGN: dict[str, Callable[[int, int, int], int]] = {
    "none": lambda layer, encoder_depth, depth: layer,
    "bottom": lambda layer, encoder_depth, depth: layer,
    "top": lambda layer, encoder_depth, depth: layer + encoder_depth - depth,
    "spread": lambda layer, encoder_depth, depth: layer * encoder_depth // depth,
}


def check_table(table: Routes, depth: int) -> None:
    """Refuse a table that has not one route per decoder layer."""
    if len(table) != depth:
        raise ValueError(
            "A routing table has one list of encoder layers per decoder layer. "
            f"Received: {len(table)} lists {table}, decoder depth={depth}. Write [] for a layer that starts from zeros."
        )


def checked_table(table: Sequence[Sequence[int]]) -> Routes:
    """Copy a routing table.

    Raises:
        ValueError: It is no list of lists of whole numbers.
    """
    try:
        return [[operator.index(layer) for layer in route] for route in table]
    except TypeError:
        raise ValueError(
            "A routing table has one list of encoder layers for each decoder layer, as [[0], [1]]; of several they "
            f"stand in one list, as [[0, 1], []]. Received: mode={table!r}."
        ) from None


def resolved(route: Sequence[int], depth: int, table: Routes) -> list[int]:
    """Give the encoder layers of a route, counted from 0, where it may count from the top."""
    for number in route:
        if not -depth <= number < depth:
            raise ValueError(
                f"The routing table names an encoder layer that does not exist. Received: layer {number} in {table}, "
                f"encoder depth={depth}. Layers are 0 to {depth - 1}, or -1 to -{depth} from the top."
            )
    layers = [number % depth for number in route]
    if len(set(layers)) < len(layers):
        raise ValueError(
            f"A route names the same encoder layer twice. Received: {list(route)} in {table}. Name it once."
        )
    return layers
