"""StateBridge: every mode over the full product of depths, widths and directions, and every refusal."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.layers import Encoded, LSTMState, StateBridge

DEPTHS = range(1, 5)
ENCODER_UNITS, DECODER_UNITS = [2, 3, 4, 1], [3, 1, 2, 4]
READING = {"never": [0] * 4, "first": [1, 0, 0, 0], "all": [1] * 4}
MEMORY_UNITS = 5

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


def encoded_example(encoder_units, both_ways):
    rng = np.random.default_rng(0)
    state = tuple(
        tuple(LSTMState(*rng.normal(size=(2, 2, units)).astype("float32")) for _ in range(1 + both))
        for units, both in zip(encoder_units, both_ways, strict=True)
    )
    memory = rng.normal(size=(2, 3, MEMORY_UNITS)).astype("float32")
    return Encoded(memory, np.array([[True, True, True], [True, False, False]]), state)


def join(parts, how):
    return {
        "concat": lambda: np.concatenate(parts, axis=-1),
        "sum": lambda: np.sum(parts, axis=0),
        "mean": lambda: np.mean(parts, axis=0),
        "forward": lambda: parts[0],
        "backward": lambda: parts[-1],
    }[how]()


def expected_routes(settings, encoder_depth, decoder_depth):
    """The routing table as the design writes it, or None where a mode has no table."""
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


def expected_state(bridge, settings, encoded, routes, layer, part):
    """The initial hidden (part 0) or cell (part 1) state of one decoder layer, from the definition."""
    name, units = ("hidden", "cell")[part], bridge.units[layer]
    zeros = np.zeros((2, units), "float32")
    if settings.get("states", "both") not in ("both", name) or (settings.get("to") == "first" and layer > 0):
        return zeros
    activation = settings.get("activation", "tanh" if settings["mode"] == "mean" else "none")

    def project(key, value):
        kernel, bias = bridge.projections[f"{key}_{name}"].get_weights()
        return ACTIVATIONS[activation](value @ kernel + bias)

    if settings["mode"] == "mean":
        real = encoded.mask[..., None]
        return project(f"layer{layer}", (encoded.memory * real).sum(1) / real.sum(1))
    if settings["mode"] == "learned":
        return np.tile(np.asarray(bridge.vectors[f"layer{layer}_{name}"]), (2, 1))
    if not routes[layer]:
        return zeros
    parts = [join([d[part] for d in encoded.state[source]], bridge.directions) for source in routes[layer]]
    widths = {value.shape[1] for value in parts}
    if bridge.merge != "concat" and len(widths) > 1:
        parts = [project(f"layer{layer}_from{s}", value) for s, value in zip(routes[layer], parts, strict=True)]
        return join(parts, bridge.merge)
    merged = join(parts, bridge.merge)
    always = settings.get("project") == "always" or settings["mode"] == "concatenated"
    return project(f"layer{layer}", merged) if always or merged.shape[1] != units else merged


def allowed_refusal(settings, encoder_depth, decoder_units, joined):
    """The whole list of combinations that may be refused, with what the message says."""
    if settings["mode"] == "per_layer" and settings.get("align") == "none" and encoder_depth != len(decoder_units):
        return "both need the same depth"
    if settings.get("project") == "never":
        routes = expected_routes(settings, encoder_depth, len(decoder_units))
        if any(joined[source] != units for route, units in zip(routes, decoder_units, strict=True) for source in route):
            return "project='never'"
    return None


@pytest.mark.parametrize(("encoder_depth", "decoder_depth"), list(itertools.product(DEPTHS, DEPTHS)))
def test_full_product(encoder_depth, decoder_depth):
    check_all(ENCODER_UNITS[:encoder_depth], DECODER_UNITS[:decoder_depth])


def test_equal_widths():
    check_all([3, 3], [3, 3])
    check_all([2, 2], [4, 4])


def check_all(encoder_units, units):
    random_biases = np.random.default_rng(1)
    for reading in READING:
        both_ways = READING[reading][: len(encoder_units)]
        encoded = encoded_example(encoder_units, both_ways)
        for settings in SETTINGS:
            for directions in ("concat", "sum", "mean", "forward", "backward") if any(both_ways) else ("concat",):
                check_one(settings, directions, encoded, encoder_units, units, both_ways, random_biases)


def check_one(settings, directions, encoded, encoder_units, units, both_ways, random_biases):
    mode = table(len(encoder_units), len(units)) if settings["mode"] == "table" else settings["mode"]
    bridge = StateBridge(units, **{**settings, "mode": mode}, directions=directions)
    state_units = [(width,) * (1 + both) for width, both in zip(encoder_units, both_ways, strict=True)]
    joined = [sum(w) if directions == "concat" else w[0] for w in state_units]
    refusal = allowed_refusal(settings, len(encoder_units), units, joined)
    if refusal:
        with pytest.raises(ValueError, match=refusal):
            bridge.build_for(state_units, MEMORY_UNITS)
        return
    bridge.build_for(state_units, MEMORY_UNITS)
    for weight in bridge.weights:
        if len(weight.shape) == 1:  # biases and trained vectors start at zero, which would hide mistakes
            weight.assign(random_biases.normal(size=weight.shape))
    routes = expected_routes(settings, len(encoder_units), len(units))
    assert bridge.routes(len(encoder_units)) == routes
    assert [wire.sources for wire in bridge.wires] == routes
    state = bridge.call(encoded)
    for layer, part in itertools.product(range(len(units)), range(2)):
        expected = expected_state(bridge, settings, encoded, routes, layer, part)
        np.testing.assert_allclose(state[layer][0][part], expected, atol=1e-5, err_msg=f"{settings} {directions}")


@pytest.mark.parametrize(
    ("settings", "ignored"),
    [
        ({"mode": "zero"}, True),
        ({"mode": "learned"}, True),
        ({"mode": [[], []]}, True),
        ({"mode": "per_layer", "align": "top", "to": "first"}, True),  # layer 0 has no partner, layer 1 is not reached
        ({"mode": "per_layer", "align": "top"}, False),
        ({"mode": "mean", "to": "first"}, False),
        ({"mode": [[], [0]]}, False),
    ],
)
def test_knows_whether_the_source_gets_through(settings, ignored):
    bridge = StateBridge([4, 4], **settings)
    bridge.build_for([(4,)], 4)
    assert bridge.ignores_source == ignored


def test_hidden_and_cell_never_share_a_projection():
    bridge = StateBridge([4, 4], "concatenated")
    bridge.build_for([(3,), (2,)])
    assert sorted(bridge.projections) == ["layer0_cell", "layer0_hidden", "layer1_cell", "layer1_hidden"]
    assert len({id(dense.kernel) for dense in bridge.projections.values()}) == 4


def test_saved_and_loaded_in_a_functional_model(tmp_path):
    hidden, cell, memory = keras.Input((3,)), keras.Input((3,)), keras.Input((None, 5))
    mask = keras.Input((None,), dtype="bool")
    (top,) = StateBridge([4], "last_layer")(Encoded(memory, mask, ((LSTMState(hidden, cell),),)))
    model = keras.Model([hidden, cell, memory, mask], top[0].cell)
    model.save(tmp_path / "bridge.keras")
    encoded = encoded_example([3], [0])
    inputs = [*map(tf.constant, encoded.state[0][0]), tf.constant(encoded.memory), tf.constant(encoded.mask)]
    again = keras.models.load_model(tmp_path / "bridge.keras")
    np.testing.assert_allclose(again(inputs), model(inputs))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"mode": "last"},
            "mode is one of per_layer, last_layer, concatenated, mean, learned, zero. Received: mode='last'",
        ),
        ({"to": "top"}, "to is one of all, first"),
        ({"directions": "both"}, "directions is one of concat, sum, mean, forward, backward"),
        ({"merge": "max"}, "merge is one of concat, sum, mean"),
        ({"states": "none"}, "states is one of both, hidden, cell"),
        ({"project": "maybe"}, "project is one of auto, always, never"),
        ({"activation": "gelu"}, "activation is one of auto, none, tanh, relu"),
        ({"align": "middle"}, "align is one of none, bottom, top, spread"),
        ({"mode": [[0]]}, r"Received: 1 lists \[\[0\]\], decoder depth=2"),
        ({"mode": [[0], []], "to": "first"}, "A routing table says itself where states go"),
        ({"mode": "zero", "align": "top"}, "align says which layer is level with which"),
        ({"mode": "concatenated", "project": "never"}, "concatenated always projects"),
        ({"mode": "concatenated", "merge": "sum"}, "concatenated puts all encoder layers side by side"),
        ({"mode": "mean", "project": "never"}, "mean always projects"),
    ],
)
def test_refused_at_construction(settings, message):
    with pytest.raises(ValueError, match=message):
        StateBridge([4, 4], **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mode": "per_layer"}, "Received: encoder depth=3, decoder depth=2. Use align='top'"),
        ({"mode": [[3], []]}, r"Received: layer 3 in \[\[3\], \[\]\], encoder depth=3"),
        ({"mode": [[-4], []]}, "Layers are 0 to 2, or -1 to -3 from the top"),
        ({"mode": [[2, -1], []]}, "names the same encoder layer twice"),
        ({"mode": "last_layer", "project": "never"}, r"starts from encoder layers \[2\] with widths \[5\]"),
        ({"mode": "mean"}, "the bridge needs their width"),
    ],
)
def test_refused_for_an_encoder(settings, message):
    with pytest.raises(ValueError, match=message):
        StateBridge([4, 4], **settings).build_for([(4,), (4,), (5,)])
