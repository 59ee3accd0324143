"""StateBridge: every mode over the full product of depths, widths, directions and cells, and every refusal.

The product runs over plans, which have no weights: NumPy ones stand in. A part of it is built and run as Keras layers.
"""

import functools
import itertools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.layers import Encoded, GRUState, LSTMState, StateBridge, Wire
from seq2seq.layers.bridge import MISSING, STATES, TO
from seq2seq.layers.routes import ALIGN, MODES
from seq2seq.layers.starts import DIRECTIONS, Weights, take_apart

DEPTHS = range(1, 5)
ENCODER_UNITS, DECODER_UNITS = [2, 3, 4, 1], [3, 1, 2, 4]
READING = {"never": [0] * 4, "first": [1, 0, 0, 0], "all": [1] * 4}
MEMORY_UNITS = 5
PARTS = {"lstm": ("hidden", "cell"), "gru": ("hidden",)}
CELL_STATES = {"lstm": LSTMState, "gru": GRUState}

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
            CELL_STATES[cell](*rng.normal(size=(len(PARTS[cell]), 2, units)).astype("float32")) for _ in range(1 + both)
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


@pytest.mark.parametrize(("encoder_depth", "decoder_depth"), list(itertools.product(DEPTHS, DEPTHS)))
def test_full_product(encoder_depth, decoder_depth):
    check_all(ENCODER_UNITS[:encoder_depth], DECODER_UNITS[:decoder_depth])


def test_equal_widths():
    check_all([3, 3], [3, 3])
    check_all([2, 2], [4, 4])


def check_all(encoder_units, units):
    for settings, directions in itertools.product(SETTINGS, DIRECTIONS):
        bridge = make_bridge(settings, directions, len(encoder_units), units)
        for reading in READING:
            both_ways = READING[reading][: len(encoder_units)]
            if any(both_ways) or directions == "concat":
                check_plan(bridge, settings, encoder_units, both_ways)


def check_plan(bridge, settings, encoder_units, both_ways):
    """Refused where it may be; else routes, wires, names and order of weights, and values with NumPy weights."""
    widths = state_units(encoder_units, both_ways)
    joined = [sum(w) if bridge.directions == "concat" else w[0] for w in widths]
    refusal = allowed_refusal(settings, len(widths), bridge.units, joined)
    if refusal:
        with pytest.raises(ValueError, match=refusal):
            bridge.plan(widths, MEMORY_UNITS)
        return
    plan = bridge.plan(widths, MEMORY_UNITS)
    routes = expected_routes(settings, len(widths), len(bridge.units))
    assert bridge.routes(len(widths)) == routes
    assert [start.wire.sources for start in plan] == routes
    encoded = encoded_example(tuple(encoder_units), tuple(both_ways))
    check_values(bridge, plan, settings, encoded, PARTS["lstm"], routes)
    for layer, start in enumerate(plan):
        check_wire(start.wire, settings, bridge, layer, routes[layer], joined, both_ways)
        assert start.wire.projected == bool(start.projections)


def check_values(bridge, plan, settings, encoded, encoder_parts, routes):
    weights = NumpyWeights(plan, activation_of(settings))
    stand_in = Weights(weights.projections(), weights.vectors)
    given = take_apart(encoded, encoder_parts, DIRECTIONS[bridge.directions])
    made, expected = [], []
    for layer, start in enumerate(plan):
        assert tuple(start.parts) == bridge.parts
        made += start(given, stand_in)
        weights.used.clear()
        for name in bridge.parts:
            arguments = bridge, settings, encoded, encoder_parts, routes, layer, name, weights.project, weights.vectors
            expected.append(expected_state(*arguments))
        assert [projection.name for projection in start.projections] == sorted(weights.used, key=order_of_weights)
    assert [state.shape for state in made] == [state.shape for state in expected]
    np.testing.assert_allclose(
        np.concatenate(made, axis=1), np.concatenate(expected, axis=1), atol=1e-5, err_msg=f"{settings} {bridge.directions}"
    )
    asked = [name for start in plan for name in (*start.projections, *start.vectors)]
    assert len(asked) == len(weights.arrays) + len(weights.vectors)


def order_of_weights(name):
    """By source, then hidden before cell, as the files of earlier versions have them."""
    source = re.search(r"_from(\d+)", name)
    return int(source[1]) if source else 0, name.endswith("_cell")


def check_wire(wire, settings, bridge, layer, route, joined, both_ways):
    skipped = settings.get("to") == "first" and layer > 0
    mode = settings["mode"]
    unrouted = {"mean": "mean", "learned": "trained"}.get(mode, "zeros")
    assert wire.kind == ("routed" if route else "zeros" if skipped else unrouted)
    assert (wire.units, wire.skipped) == (bridge.units[layer], skipped)
    assert wire.source_units == ([MEMORY_UNITS] if wire.kind == "mean" else [joined[source] for source in route])
    assert wire.merge == (bridge.merge if len(route) > 1 else None)
    assert wire.directions == (bridge.directions if any(both_ways[source] for source in route) else None)
    assert wire.align == (None if settings.get("align", "none") == "none" else settings["align"])
    if wire.kind == "zeros":
        assert wire.parts == {}
        return
    assert wire.activation == activation_of(settings)
    states = settings.get("states", "both")
    assert list(wire.parts) == ["hidden", "cell"]
    passed = {way for part, way in wire.parts.items() if states in ("both", part)}
    assert passed == {"projected" if wire.projected else "taken"}
    assert all(way == "left_out" for part, way in wire.parts.items() if states not in ("both", part))


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: "-".join(settings.values()))
def test_built_and_run_for_some_of_the_product(settings):
    """All settings with all directions, each in one of all pairs of depths and in a pair of equal ones."""
    for number, directions in enumerate(DIRECTIONS, start=len(DIRECTIONS) * SETTINGS.index(settings)):
        encoder_depth, decoder_depth = 1 + number % 4, 1 + number // 4 % 4
        for encoder_units in {encoder_depth, decoder_depth}:
            both_ways = list(READING.values())[number % 3][:encoder_units]
            check_built(settings, directions, ENCODER_UNITS[:encoder_units], DECODER_UNITS[:decoder_depth], both_ways)


def check_built(settings, directions, encoder_units, units, both_ways, encoder_cell="lstm", **more):
    bridge = make_bridge(settings, directions, len(encoder_units), units, **more)
    widths, parts = state_units(encoder_units, both_ways), PARTS[encoder_cell]
    try:
        plan = bridge.plan(widths, MEMORY_UNITS, parts)
    except ValueError as error:
        with pytest.raises(ValueError, match=re.escape(str(error))):
            bridge.build_for(widths, MEMORY_UNITS, parts)
        return
    bridge.build_for(widths, MEMORY_UNITS, parts)
    wanted = [projection for start in plan for projection in start.projections]
    assert list(bridge.projections) == [projection.name for projection in wanted]
    for projection, dense in zip(wanted, bridge.projections.values(), strict=True):
        assert dense.kernel.shape == (projection.source_units, projection.units)
    assert list(bridge.vectors) == [vector.name for start in plan for vector in start.vectors]
    assert bridge.wires == [start.wire for start in plan]
    random = np.random.default_rng(1)
    for weight in bridge.weights:
        if len(weight.shape) == 1:  # biases and trained vectors start at zero, which would hide mistakes
            weight.assign(random.normal(size=weight.shape))

    def project(name, value):
        kernel, bias = bridge.projections[name].get_weights()
        return ACTIVATIONS[activation_of(settings)](value @ kernel + bias)

    encoded = encoded_example(tuple(encoder_units), tuple(both_ways), encoder_cell)
    routes = expected_routes(settings, len(encoder_units), len(units))
    state = bridge.call(encoded)
    for layer, name in itertools.product(range(len(units)), bridge.parts):
        expected = expected_state(bridge, settings, encoded, parts, routes, layer, name, project, bridge.vectors)
        made = getattr(state[layer][0], name)
        np.testing.assert_allclose(made, expected, atol=1e-5, err_msg=f"{settings} {directions}")
    assert all(type(one) is CELL_STATES[bridge.cell] for layer in state for one in layer)
    # Keras hands plain lists over after loading a functional model.
    plain = [encoded.memory, encoded.mask, [[list(direction) for direction in layer] for layer in encoded.state]]
    np.testing.assert_array_equal(np.concatenate(bridge.call(plain)[0][0]), np.concatenate(state[0][0]))


# --- named parts ------------------------------------------------------------------------------------------------

CELLS = [(encoder, decoder, missing) for encoder in PARTS for decoder in PARTS for missing in MISSING]


@pytest.mark.parametrize(("encoder_cell", "cell", "missing"), CELLS)
def test_named_parts_over_all_settings(encoder_cell, cell, missing):
    encoder_parts = PARTS[encoder_cell]
    for given, directions in itertools.product(SETTINGS, ("concat", "mean")):
        settings = {**given, "missing": missing}
        if missing == "project" and given.get("project") == "never":
            continue  # refused at construction
        for encoder_depth, decoder_depth in ((2, 3), (3, 3)):
            bridge = make_bridge(settings, directions, encoder_depth, DECODER_UNITS[:decoder_depth], cell=cell)
            encoder_units, both_ways = ENCODER_UNITS[:encoder_depth], [1, 0, 1][:encoder_depth]
            try:
                plan = bridge.plan(state_units(encoder_units, both_ways), MEMORY_UNITS, encoder_parts)
            except ValueError as error:
                assert re.search("same depth|project='never'|Nothing would be passed|neither side has", str(error))
                continue
            encoded = encoded_example(tuple(encoder_units), tuple(both_ways), encoder_cell)
            routes = expected_routes(settings, encoder_depth, decoder_depth)
            check_values(bridge, plan, settings, encoded, encoder_parts, routes)


@pytest.mark.parametrize(("encoder_cell", "cell", "missing"), CELLS)
@pytest.mark.parametrize("mode", [*MODES, "table"])
def test_named_parts_as_layers(mode, encoder_cell, cell, missing):
    settings = {"mode": mode, "missing": missing}
    check_built(settings, "concat", [2, 3], [3, 3], [1, 0], encoder_cell, cell=cell)


@pytest.mark.parametrize(
    ("encoder_cell", "settings", "ways"),
    [
        ("lstm", {}, {"hidden": "taken", "cell": "taken"}),
        ("lstm", {"cell": "gru"}, {"hidden": "taken", "cell": "dropped"}),
        ("lstm", {"cell": "gru", "states": "hidden"}, {"hidden": "taken", "cell": "left_out"}),
        ("gru", {"cell": "gru"}, {"hidden": "taken"}),
        ("gru", {}, {"hidden": "taken", "cell": "zero"}),
        ("gru", {"missing": "project"}, {"hidden": "taken", "cell": "replaced"}),
        ("gru", {"missing": "project", "project": "always"}, {"hidden": "projected", "cell": "replaced"}),
        ("gru", {"missing": "project", "states": "hidden"}, {"hidden": "taken", "cell": "left_out"}),
        ("gru", {"missing": "project", "states": "cell"}, {"hidden": "left_out", "cell": "replaced"}),
        ("gru", {"mode": "mean"}, {"hidden": "projected", "cell": "projected"}),
        ("gru", {"mode": "learned"}, {"hidden": "taken", "cell": "taken"}),
        ("lstm", {"mode": "learned", "cell": "gru"}, {"hidden": "taken"}),
    ],
)
def test_wires_tell_what_becomes_of_each_part(encoder_cell, settings, ways):
    (start,) = StateBridge([4], **settings).plan([(4,)], MEMORY_UNITS, PARTS[encoder_cell])
    assert start.wire.parts == ways


def test_knows_the_parts_of_a_named_state_without_being_told():
    bridge = StateBridge([4], missing="project")
    state = bridge(encoded_example((3,), (0,), "gru"))
    assert bridge.encoder_parts == ("hidden",) and list(bridge.projections) == ["layer0_hidden", "layer0_cell"]
    assert np.any(state[0][0].cell)


def test_plain_lists_are_taken_for_states_of_the_decoders_cell():
    memory, mask, state = encoded_example((3,), (0,))
    bridge = StateBridge([3])
    bridge([tf.constant(memory), tf.constant(mask), [[list(map(tf.constant, state[0][0]))]]])
    assert bridge.encoder_parts == ("hidden", "cell")


def test_refuses_a_state_of_other_parts():
    bridge = StateBridge([4])
    bridge.build_for([(3,)])
    with pytest.raises(ValueError, match=r"hidden, cell\. Received: states of 1\. Pass the encoder's parts"):
        bridge.call(encoded_example((3,), (0,), "gru"))


# --- what gets through ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "ignored"),
    [
        ({"mode": "zero"}, True),
        ({"mode": "learned"}, True),
        ({"mode": [[], []]}, True),
        ({"mode": "per_layer", "align": "top"}, False),
        ({"mode": "mean", "to": "first"}, False),
        ({"mode": [[], [0]]}, False),
    ],
)
def test_knows_whether_the_source_gets_through(settings, ignored):
    bridge = StateBridge([4, 4], **settings)
    bridge.build_for([(4,)], 4)
    assert bridge.ignores_source == ignored


REFUSALS = "|".join(
    [
        "align says which layer is level with which",
        "A routing table says itself where states go",
        "both need the same depth",
        "Nothing would be passed",
        "states asks for a part that neither side has",
    ]
)


@pytest.mark.parametrize("to", TO)
@pytest.mark.parametrize("align", ALIGN)
@pytest.mark.parametrize("mode", [*MODES, "table", "empty table"])
def test_something_is_passed_or_nothing_was_asked_for_or_it_is_refused(mode, align, to):
    for depth, states, cell, missing in itertools.product(DEPTHS, STATES, PARTS, MISSING):
        settings = {"to": to, "align": align, "states": states, "cell": cell, "missing": missing}
        tables = {"table": table(1, depth), "empty table": [[]] * depth}
        try:
            bridge = StateBridge([4] * depth, tables.get(mode, mode), **settings)
        except ValueError as error:
            assert re.search(REFUSALS, str(error)), error
            continue
        for encoder_depth, encoder_cell in itertools.product(DEPTHS, PARTS):
            try:
                plan = bridge.plan([(4,)] * encoder_depth, MEMORY_UNITS, PARTS[encoder_cell])
            except ValueError as error:
                assert re.search(REFUSALS, str(error)), error
                continue
            ways = {way for start in plan for way in start.wire.parts.values()}
            assert bool(ways & {"taken", "projected", "replaced"}) == (mode not in ("zero", "empty table"))
            reads = any(start.wire.source_units for start in plan)
            assert reads == (mode not in ("zero", "empty table", "learned"))


def test_hidden_and_cell_never_share_a_projection():
    bridge = StateBridge([4, 4], "concatenated")
    bridge.build_for([(3,), (2,)])
    assert sorted(bridge.projections) == ["layer0_cell", "layer0_hidden", "layer1_cell", "layer1_hidden"]
    assert len({id(dense.kernel) for dense in bridge.projections.values()}) == 4
    bridge = StateBridge([4], project="always", missing="project")
    bridge.build_for([(4,)], encoder_parts=["hidden"])
    assert len({id(dense.kernel) for dense in bridge.projections.values()}) == 2


# --- saving -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", PARTS)
def test_saved_and_loaded_in_a_functional_model(tmp_path, cell):
    encoded = encoded_example((3,), (0,), cell)
    parts, memory = [keras.Input((3,)) for _ in PARTS[cell]], keras.Input((None, 5))
    mask = keras.Input((None,), dtype="bool")
    bridge = StateBridge([4], "last_layer", missing="project")
    (top,) = bridge(Encoded(memory, mask, ((CELL_STATES[cell](*parts),),)))
    model = keras.Model([*parts, memory, mask], [top[0].hidden, top[0].cell])
    model.save(tmp_path / "bridge.keras")
    inputs = [*map(tf.constant, encoded.state[0][0]), tf.constant(encoded.memory), tf.constant(encoded.mask)]
    again = keras.models.load_model(tmp_path / "bridge.keras")
    for made, expected in zip(again(inputs), model(inputs), strict=True):
        np.testing.assert_allclose(made, expected)


def test_configurations_make_the_same_bridge_again():
    bridge = StateBridge([4, 3], [[0], [1, 0]], merge="sum", cell="gru", missing="project", directions="mean")
    bridge.build_for([(3, 3), (2,)], 5, ["hidden", "cell"])
    again = StateBridge.from_config(bridge.get_config())
    again.build_from_config(bridge.get_build_config())
    assert again.wires == bridge.wires and again.get_config() == bridge.get_config()
    assert again.get_build_config() == bridge.get_build_config()
    assert [weight.shape for weight in again.weights] == [weight.shape for weight in bridge.weights]


def test_reads_the_configuration_of_versions_before_there_were_other_cells():
    old = {"name": "bridge", "trainable": True, "dtype": "float32"}
    old |= {"units": [4], "mode": "per_layer", "to": "all", "directions": "concat", "merge": "concat"}
    old |= {"states": "both", "project": "auto", "activation": "auto", "align": "none"}
    bridge = StateBridge.from_config(old)
    bridge.build_from_config({"encoder_units": [[3]], "memory_units": 5})
    assert (bridge.cell, bridge.missing, bridge.encoder_parts) == ("lstm", "zero", ("hidden", "cell"))
    assert list(bridge.projections) == ["layer0_hidden", "layer0_cell"]


# --- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"mode": "last_layers"},
            "mode is one of: concatenated, last_layer, learned, mean, per_layer, zero. Received: mode='last_layers'. "
            "Did you mean 'last_layer'?",
        ),
        ({"to": "top"}, "to is one of: all, first"),
        ({"directions": "both"}, "directions is one of: backward, concat, forward, mean, sum"),
        ({"merge": "max"}, "merge is one of: concat, mean, sum"),
        ({"states": "none"}, "states is one of: both, cell, hidden"),
        ({"project": "maybe"}, "project is one of: always, auto, never"),
        ({"activation": "gelu"}, "activation is one of: auto, none, relu, tanh"),
        ({"align": "middle"}, "align is one of: bottom, none, spread, top"),
        ({"cell": "lstn"}, "cell is one of: gru, lstm. Received: cell='lstn'. Did you mean 'lstm'?"),
        ({"missing": "copy"}, "missing is one of: project, zero"),
        ({"mode": [[0]]}, r"Received: 1 lists [[0]], decoder depth=2"),
        ({"mode": [[0], []], "to": "first"}, "A routing table says itself where states go"),
        ({"mode": "zero", "align": "top"}, "align says which layer is level with which"),
        ({"mode": "concatenated", "project": "never"}, "concatenated always projects"),
        ({"mode": "concatenated", "merge": "sum"}, "concatenated puts all encoder layers side by side"),
        ({"mode": "mean", "project": "never"}, "mean always projects"),
        ({"project": "never", "missing": "project"}, "Received: project='never', missing='project'"),
    ],
)
def test_refused_at_construction(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        StateBridge([4, 4], **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mode": "per_layer"}, "Received: encoder depth=3, decoder depth=2. Use align='top'"),
        ({"mode": [[3], []]}, "Received: layer 3 in [[3], []], encoder depth=3"),
        ({"mode": [[-4], []]}, "Layers are 0 to 2, or -1 to -3 from the top"),
        ({"mode": [[2, -1], []]}, "names the same encoder layer twice"),
        ({"mode": "last_layer", "project": "never"}, "starts from encoder layers [2] with widths [5]"),
        ({"mode": "mean"}, "the bridge needs their width"),
    ],
)
def test_refused_for_an_encoder(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        StateBridge([4, 4], **settings).build_for([(4,), (4,), (5,)])


@pytest.mark.parametrize(
    ("encoder_cell", "settings", "message"),
    [
        (
            "lstm",
            {"align": "top", "to": "first"},
            "only decoder layer 0 is to get something, and no encoder layer is level with it. "
            "Received: to='first', align='top', encoder depth=1, decoder depth=2. Use to='all', or align='bottom'.",
        ),
        (
            "gru",
            {"mode": "last_layer", "states": "cell"},
            "states asks for the cell state alone, and the encoder has none. Received: states='cell', "
            "encoder parts hidden, cell='lstm' with hidden, cell. Use states='both' or missing='project'",
        ),
        (
            "lstm",
            {"mode": "last_layer", "states": "cell", "cell": "gru"},
            "and the decoder has none. Received: states='cell', encoder parts hidden, cell, cell='gru' with hidden.",
        ),
        ("gru", {"mode": "mean", "states": "cell", "cell": "gru"}, "states asks for a part that neither side has"),
        ("lstm", {"mode": "learned", "states": "cell", "cell": "gru"}, "and the decoder has none"),
    ],
)
def test_refused_where_nothing_would_be_passed(encoder_cell, settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        StateBridge([4, 4], **settings).build_for([(4,)], MEMORY_UNITS, PARTS[encoder_cell])


def test_a_wire_says_what_its_layer_starts_from():
    with pytest.raises(ValueError, match="Give the encoder layers as sources, or say it in a label"):
        Wire(units=4)
    assert not Wire(units=4, label="pooled memory", source_units=[5]).projected
