"""StateBridge: every mode over the full product of depths, widths, directions and cells.

The product runs over plans, which have no weights: NumPy ones stand in. A part of it is built and run as Keras layers.
"""

import itertools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.layers import Encoded, StateBridge
from seq2seq.layers.bridge import MISSING
from seq2seq.layers.cells import cell_named
from seq2seq.layers.routes import MODES
from seq2seq.layers.starts import DIRECTIONS, Weights, take_apart
from tests.layers.bridge_reference import (
    ACTIVATIONS,
    DECODER_UNITS,
    DEPTHS,
    ENCODER_UNITS,
    MEMORY_UNITS,
    PARTS,
    READING,
    SETTINGS,
    NumpyWeights,
    activation_of,
    allowed_refusal,
    encoded_example,
    expected_routes,
    expected_state,
    make_bridge,
    refusal_of_parts,
    state_units,
)
from tests.marks import quick


@pytest.mark.parametrize(
    ("encoder_depth", "decoder_depth"), quick(itertools.product(DEPTHS, DEPTHS), (1, 2), (2, 1), (2, 2), (3, 2), (2, 3))
)
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
    joined = joined_units(bridge, widths)
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


def joined_units(bridge, widths):
    return [sum(width) if bridge.directions == "concat" else width[0] for width in widths]


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
    assert np.isfinite(np.concatenate(expected, axis=1)).all()
    np.testing.assert_allclose(
        np.concatenate(made, axis=1),
        np.concatenate(expected, axis=1),
        atol=1e-5,
        err_msg=f"{settings} {bridge.directions}",
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
    refusal = allowed_refusal(settings, len(widths), units, joined_units(bridge, widths))
    if refusal:
        for refused in (bridge.plan, bridge.build_for):
            with pytest.raises(ValueError, match=refusal):
                refused(widths, MEMORY_UNITS, parts)
        return
    plan = bridge.plan(widths, MEMORY_UNITS, parts)
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
    assert all(type(one) is bridge.cell.State for layer in state for one in layer)
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
            widths = state_units(encoder_units, both_ways)
            refusal = allowed_refusal(settings, encoder_depth, bridge.units, joined_units(bridge, widths))
            refusal = refusal_of_parts(settings, encoder_parts, bridge.parts) or refusal
            if refusal:
                with pytest.raises(ValueError, match=refusal):
                    bridge.plan(widths, MEMORY_UNITS, encoder_parts)
                continue
            plan = bridge.plan(widths, MEMORY_UNITS, encoder_parts)
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


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_refuses_what_is_not_what_an_encoder_gives(depth):
    message = "Encoded(memory, mask, state). Received: {}. Write bridge(Encoded(outputs, mask, state))."
    memory, mask, state = encoded_example((3,) * depth, (0,) * depth)
    given = {f"a state of depth {depth}": state, "tensor(2, 3, 5)": memory}
    given["[tensor(2, 3, 5), tensor(2, 3), [[tensor(2, 3), tensor(2, 3)]]]"] = (memory, mask, state[0])
    built = StateBridge([4], "last_layer")
    built(Encoded(memory, mask, state))
    for received, each in given.items():
        for bridge in (StateBridge([4], "last_layer"), built):
            with pytest.raises(ValueError, match=re.escape(message.format(received))):
                bridge(each)
    symbolic = [[[keras.Input((3,)), keras.Input((3,))]]] * depth
    with pytest.raises(ValueError, match=re.escape(message.format(f"a state of depth {depth}"))):
        StateBridge([4], "last_layer")(symbolic)


@pytest.mark.parametrize("mode", MODES)
def test_without_a_mask_every_step_is_real(mode):
    memory, mask, state = encoded_example((4,), (0,))
    bridge = StateBridge([4], mode)
    expected = bridge(Encoded(memory, np.ones_like(mask), state))
    np.testing.assert_array_equal(bridge(Encoded(memory, None, state)), expected)
    inputs = keras.Input((None, 5)), keras.Input((4,)), keras.Input((4,))
    ((start,),) = bridge(Encoded(inputs[0], None, [[inputs[1:]]]))
    np.testing.assert_array_equal(keras.Model(inputs, start)([memory, *state[0][0]]), expected[0][0])


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
    (top,) = bridge(Encoded(memory, mask, ((cell_named(cell).State(*parts),),)))
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
    assert (bridge.cell.name, bridge.missing, bridge.encoder_parts) == ("lstm", "zero", ("hidden", "cell"))
    assert list(bridge.projections) == ["layer0_hidden", "layer0_cell"]
