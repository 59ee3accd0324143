"""StateBridge: what it refuses, and that nothing else passes nothing."""

import itertools
import re

import pytest

from seq2seq.layers import CELLS, StateBridge, Wire
from seq2seq.layers.bridge import MISSING, STATES, TO
from seq2seq.layers.routes import ALIGN, MODES
from tests.layers.bridge_reference import DEPTHS, MEMORY_UNITS, PARTS, table


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
        (
            {"cell": "lstn"},
            f"cell is one of: {', '.join(sorted(CELLS))}. Received: cell='lstn'. Did you mean 'lstm'?",
        ),
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


@pytest.mark.parametrize("table", [[0, 1], [[0], 1], [["0"], [1]], [[0.5], [1]]])
def test_a_table_that_is_no_list_of_lists(table):
    with pytest.raises(ValueError, match=r"one list of encoder layers for each decoder layer, as \[\[0\], \[1\]\]"):
        StateBridge([4, 4], table)
