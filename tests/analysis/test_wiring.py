import re
import xml.etree.ElementTree as ET
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge
from seq2seq.analysis.wiring import LAYER_COLUMNS, STATE_COLUMNS, draw, layer_table, state_table

SVG = "{http://www.w3.org/2000/svg}"


def build(
    encoder: list[int],
    decoder: list[int],
    bridge: object = "concatenated",
    *,
    bidirectional: object = "never",
    reverse: bool = False,
    residual: bool = False,
    attention: str | None = "general",
    feeding: bool = False,
    tied: bool = False,
    shared: bool = False,
    **more: object,
) -> Seq2Seq:
    start = 1 if residual else None
    return Seq2Seq(
        Encoder(40, 8, encoder, bidirectional=bidirectional, reverse=reverse, residual_from=start),
        StateBridge(decoder, bridge, **more),
        Decoder(40, 8, decoder, attention=attention, input_feeding=feeding, residual_from=start, tie_embeddings=tied),
        share_embeddings=shared,
    )


MODELS = {
    "one by one": build([8], [8], "per_layer", attention=None),
    "four by four": build([8] * 4, [8] * 4, "per_layer", reverse=True, feeding=True, residual=True),
    "concatenated": build([4, 6, 8], [8, 4], bidirectional="first"),
    "both directions": build([6, 6], [12, 12], "per_layer", bidirectional="all", tied=True, shared=True),
    "table": build([6, 4, 2], [4, 4, 4], [[0], [1, 2], []]),
    "eight to one": build([8] * 8, [8], "last_layer", tied=True),
    "one to eight": build([8], [8] * 8, "mean", attention="additive"),
    "eight by eight": build([8] * 8, [8] * 8, bidirectional="first", feeding=True),
    "learned": build([8], [4, 8], "learned"),
    "summed": build([4, 6], [6, 4], [[0, 1], [1]], merge="sum"),
    "first": build([8, 8], [8, 8], "last_layer", to="first"),
    "settings": build(
        [8] * 3, [8] * 2, "per_layer", bidirectional="all", to="first", align="top", directions="sum", states="hidden"
    ),
}
each_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@each_model
def test_parameters_of_the_layers_sum_up_to_those_of_the_model(model: Seq2Seq) -> None:
    rows = layer_table(model)
    assert {len(row) for row in rows} == {len(LAYER_COLUMNS)}
    assert sum(int(str(row[-1])) for row in rows[:-1]) == rows[-1][-1] == model.count_params()


def test_layers_are_listed_with_their_widths() -> None:
    rows = {tuple(row[:2]): row[2:5] for row in layer_table(MODELS["concatenated"])}
    assert rows["encoder", "embedding"] == ["table", 40, 8]
    assert rows["encoder", "0"] == ["LSTM, both directions", 8, "2 × 4"]
    assert rows["encoder", "1"] == ["LSTM", 8, 6]
    assert rows["decoder", "combine"] == ["tanh", 8 + 4, 4]
    fed = {tuple(row[:2]): row[2:5] for row in layer_table(MODELS["four by four"])}
    assert fed["encoder", "0"][0] == "LSTM, reversed source"
    assert fed["decoder", "0"] == ["LSTM, input feeding", 8 + 8, 8]
    assert fed["decoder", "1"][0] == "LSTM, residual"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("four by four", [[str(i), f"encoder layer {i}", "8 → 8", "none"] for i in range(4)]),
        (
            "table",
            [
                ["0", "encoder layer 0", "6 → 4", "linear, hidden and cell apart"],
                ["1", "encoder layers 1, 2, side by side", "4 + 2 → 4", "linear, hidden and cell apart"],
                ["2", "zeros", "4", "none"],
            ],
        ),
        (
            "summed",
            [
                ["0", "encoder layers 0, 1, summed", "4 + 6 → 6", "linear, hidden and cell apart"],
                ["1", "encoder layer 1", "6 → 4", "linear, hidden and cell apart"],
            ],
        ),
        ("learned", [["0", "trained vector", "4", "none"], ["1", "trained vector", "8", "none"]]),
        ("first", [["0", "encoder layer 1", "8 → 8", "none"], ["1", "zeros", "8", "none"]]),
        (
            "settings",
            [["0", "encoder layer 1, directions summed, hidden only", "8 → 8", "none"], ["1", "zeros", "8", "none"]],
        ),
    ],
)
def test_states_are_listed_with_what_they_start_from(name: str, expected: list[list[str]]) -> None:
    assert state_table(MODELS[name]) == expected
    assert {len(row) for row in expected} == {len(STATE_COLUMNS)}


Box = tuple[float, float, float, float]


def rectangles(drawing: ET.Element) -> list[Box]:
    boxes = []
    for rect in drawing.iter(f"{SVG}rect"):
        if rect.get("width") != "100%":
            x, y, wide, high = (float(str(rect.get(name))) for name in ("x", "y", "width", "height"))
            boxes.append((x, y, x + wide, y + high))
    return boxes


def texts(drawing: ET.Element) -> list[Box]:
    boxes = []
    for text in drawing.iter(f"{SVG}text"):
        size = float(str(text.get("font-size")))
        wide = 0.55 * size * len(text.text or "")
        x, y = float(str(text.get("x"))), float(str(text.get("y")))
        if text.get("transform"):
            boxes.append((x - size / 2, y - wide / 2, x + size / 2, y + wide / 2))
            continue
        left = {"middle": x - wide / 2, "start": x, "end": x - wide}[str(text.get("text-anchor"))]
        boxes.append((left, y - 0.75 * size, left + wide, y + 0.2 * size))
    return boxes


def overlap(first: Box, second: Box) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def inside(inner: Box, outer: Box) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def check_layout(model: Seq2Seq) -> None:
    drawing = ET.fromstring(draw(model))
    page = (0.0, 0.0, float(str(drawing.get("width"))), float(str(drawing.get("height"))))
    boxes, labels = rectangles(drawing), texts(drawing)
    assert all(inside(box, page) for box in [*boxes, *labels])
    assert not [pair for pair in combinations(boxes, 2) if overlap(*pair)]
    assert not [pair for pair in combinations(labels, 2) if overlap(*pair)]
    for label in labels:  # a label is in a box or clear of all boxes
        touched = [box for box in boxes if overlap(label, box)]
        assert all(inside(label, box) for box in touched)


@each_model
def test_nothing_in_a_drawing_overlaps(model: Seq2Seq) -> None:
    check_layout(model)


@settings(max_examples=15)
@given(
    encoder=st.lists(st.sampled_from([1, 7, 50, 300]), min_size=1, max_size=8),
    decoder=st.lists(st.sampled_from([2, 7, 50, 1000]), min_size=1, max_size=8),
    bridge=st.sampled_from(["concatenated", "mean", "learned", "last_layer"]),
    bidirectional=st.sampled_from(["never", "first", "all"]),
    feeding=st.booleans(),
)
def test_nothing_overlaps_whatever_depths_and_widths(
    encoder: list[int], decoder: list[int], bridge: str, bidirectional: str, feeding: bool
) -> None:
    check_layout(build(encoder, decoder, bridge, bidirectional=bidirectional, feeding=feeding))


@each_model
def test_every_route_is_one_curve_in_the_colour_of_its_encoder_layer(model: Seq2Seq) -> None:
    curves = re.findall(r'd="M[^"]* C[^"]*" fill="none" stroke="(#\w+)"', draw(model))
    routes = [source for wire in model.bridge.wires for source in wire.sources]
    if model.bridge.mode != "mean":
        assert len(curves) == len(routes)
        assert len(set(curves)) == len(set(routes))
    else:
        assert len(curves) == len(model.decoder.units)


def test_the_drawing_says_what_joins_and_what_is_projected() -> None:
    labels = [text.text for text in ET.fromstring(draw(MODELS["table"])).iter(f"{SVG}text")]
    assert {"W", "++ W", "0", "state bridge: [[0], [1, 2], []]"} <= set(labels)
    labels = [text.text for text in ET.fromstring(draw(MODELS["summed"])).iter(f"{SVG}text")]
    assert {"W +", "W"} <= set(labels)  # widths differ: projected first, added then
    labels = [text.text for text in ET.fromstring(draw(MODELS["both directions"])).iter(f"{SVG}text")]
    assert {"→ 6", "6 ←", "embedding 8 (shared)"} <= set(labels)
    assert "W" not in labels
    labels = [text.text for text in ET.fromstring(draw(MODELS["settings"])).iter(f"{SVG}text")]
    assert "to the first layer, align top, directions summed, hidden only" in labels
    reversed_source = draw(MODELS["four by four"])
    assert "source, turned round" in reversed_source and "input feeding" in reversed_source
