"""What a StateBridge gives, from its definition in NumPy; and the settings over which tests run it."""

import functools

import numpy as np

from seq2seq.layers import Encoded, StateBridge
from seq2seq.layers.cells import cell_named

DEPTHS = range(1, 5)
ENCODER_UNITS, DECODER_UNITS = [2, 3, 4, 1], [3, 1, 2, 4]
READING = {"never": [0] * 4, "first": [1, 0, 0, 0], "all": [1] * 4}
MEMORY_UNITS = 5
PARTS = {"lstm": ("hidden", "cell"), "gru": ("hidden",)}

SETTINGS = [
    *({"mode": "per_layer", "align": align} for align in ("none", "bottom", "top", "spread")),
    {"mode": "per_layer", "to": "first", "align": "top", "states": "hidden"},
    *({"mode": "last_layer", "to": to} for to in ("all", "first")),
    {"mode": "last_layer", "project": "never"},
    {"mode": "last_layer", "project": "always", "activation": "relu", "states": "cell"},
    {"mode": "concatenated"},
    {"mode": "concatenated", "to": "first", "activation": "tanh"},
    *({"mode": "mean", "to": to} for to in ("all", "first")),
    {"mode": "mean", "activation": "none"},
    *({"mode": "learned", "to": to} for to in ("all", "first")),
    {"mode": "zero"},
    *({"mode": "table", "merge": merge} for merge in ("concat", "sum", "mean")),
    {"mode": "table", "merge": "sum", "project": "never"},
]


def table(encoder_depth, decoder_depth):
    """A table with every kind of row: one from the top, two layers, none."""
    rows = [[-1], [0, encoder_depth - 1] if encoder_depth > 1 else [0], [], [0]]
    return rows[:decoder_depth]


@functools.cache
def encoded_example(encoder_units, both_ways, cell="lstm"):
    rng = np.random.default_rng(0)
    state = tuple(
        tuple(
            cell_named(cell).State(*rng.normal(size=(len(PARTS[cell]), 2, units)).astype("float32"))
            for _ in range(1 + both)
        )
        for units, both in zip(encoder_units, both_ways, strict=True)
    )
    memory = rng.normal(size=(2, 3, MEMORY_UNITS)).astype("float32")
    return Encoded(memory, np.array([[True, True, True], [True, False, False]]), state)


def state_units(encoder_units, both_ways):
    return [(width,) * (1 + both) for width, both in zip(encoder_units, both_ways, strict=True)]


def join(parts, how):
    return {
        "concat": lambda: np.concatenate(parts, axis=-1),
        "sum": lambda: np.sum(parts, axis=0),
        "mean": lambda: np.mean(parts, axis=0),
        "forward": lambda: parts[0],
        "backward": lambda: parts[-1],
    }[how]()


def expected_routes(settings, encoder_depth, decoder_depth):
    """The routing table as the design writes it; no routes where a mode has no table."""
    top, mode = encoder_depth - 1, settings["mode"]
    rows = {
        "per_layer": {
            "none": lambda i: [i],
            "bottom": lambda i: [i] if i < encoder_depth else [],
            "top": lambda i: [i + encoder_depth - decoder_depth] if i + encoder_depth - decoder_depth >= 0 else [],
            "spread": lambda i: [i * encoder_depth // decoder_depth],
        }[settings.get("align", "none")],
        "last_layer": lambda i: [top],
        "concatenated": lambda i: list(range(encoder_depth)),
        "table": lambda i: [n % encoder_depth for n in table(encoder_depth, decoder_depth)[i]],
    }
    if mode not in rows:
        return [[] for _ in range(decoder_depth)]
    return [rows[mode](i) if settings.get("to") != "first" or i == 0 else [] for i in range(decoder_depth)]


ACTIVATIONS = {"none": lambda x: x, "tanh": np.tanh, "relu": lambda x: np.maximum(x, 0)}


def activation_of(settings):
    return settings.get("activation", "tanh" if settings["mode"] == "mean" else "none")


def expected_state(bridge, settings, encoded, encoder_parts, routes, layer, name, project, vectors):
    """The first state of one decoder layer, its part of that name, from the definition.

    Args:
        project: By the name of a projection and a value `[batch, width]`.
    """
    units = bridge.units[layer]
    zeros = np.zeros((2, units), "float32")
    if settings.get("states", "both") not in ("both", name) or (settings.get("to") == "first" and layer > 0):
        return zeros
    if settings["mode"] == "mean":
        real = encoded.mask[..., None]
        return project(f"layer{layer}_{name}", (encoded.memory * real).sum(1) / real.sum(1))
    if settings["mode"] == "learned":
        return np.tile(np.asarray(vectors[f"layer{layer}_{name}"]), (2, 1))
    missing = name not in encoder_parts
    if not routes[layer] or (missing and settings.get("missing", "zero") == "zero"):
        return zeros
    part = 0 if missing else encoder_parts.index(name)
    parts = [join([d[part] for d in encoded.state[source]], bridge.directions) for source in routes[layer]]
    widths = {value.shape[1] for value in parts}
    if bridge.merge != "concat" and len(widths) > 1:
        named = zip(routes[layer], parts, strict=True)
        return join([project(f"layer{layer}_from{source}_{name}", value) for source, value in named], bridge.merge)
    merged = join(parts, bridge.merge)
    always = missing or settings.get("project") == "always" or settings["mode"] == "concatenated"
    return project(f"layer{layer}_{name}", merged) if always or merged.shape[1] != units else merged


def allowed_refusal(settings, encoder_depth, decoder_units, joined):
    """The whole list of combinations that may be refused, with what the message says."""
    if settings["mode"] == "per_layer" and settings.get("align") == "none" and encoder_depth != len(decoder_units):
        return "both need the same depth"
    if settings.get("to") == "first" and settings.get("align") == "top" and encoder_depth < len(decoder_units):
        return "Nothing would be passed: only decoder layer 0"
    if settings.get("project") == "never":
        routes = expected_routes(settings, encoder_depth, len(decoder_units))
        if any(joined[source] != units for route, units in zip(routes, decoder_units, strict=True) for source in route):
            return "project='never'"
    return None


def refusal_of_parts(settings, encoder_parts, parts):
    """What the message says where states asks for one part alone, and that does not come through."""
    asked = settings.get("states", "both")
    if asked == "both" or settings["mode"] == "zero":
        return None
    if asked not in (*encoder_parts, *parts):
        return "asks for a part that neither side has"
    given = parts if settings["mode"] in ("mean", "learned") or settings["missing"] == "project" else encoder_parts
    return None if asked in parts and asked in given else f"states asks for the {asked} state alone"


def make_bridge(settings, directions, encoder_depth, units, **more):
    mode = table(encoder_depth, len(units)) if settings["mode"] == "table" else settings["mode"]
    return StateBridge(units, **{**settings, "mode": mode}, directions=directions, **more)


class NumpyWeights:
    """What a plan asks for, random, and which of it was used."""

    def __init__(self, plan, activation):
        self.rng, self.activation, self.used = np.random.default_rng(1), activation, []
        self.arrays = {
            wanted.name: (self.random(wanted.source_units, wanted.units), self.random(wanted.units))
            for start in plan
            for wanted in start.projections
        }
        self.vectors = {vector.name: self.random(vector.units) for start in plan for vector in start.vectors}

    def random(self, *shape):
        return self.rng.normal(size=shape).astype("float32")

    def project(self, name, value):
        self.used.append(name)
        kernel, bias = self.arrays[name]
        return ACTIVATIONS[self.activation](np.asarray(value) @ kernel + bias)

    def projections(self):
        return {name: lambda value, name=name: self.project(name, value) for name in self.arrays}
