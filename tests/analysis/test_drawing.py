import re
import xml.etree.ElementTree as ET
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq import Seq2Seq
from seq2seq.analysis.drawing import draw
from seq2seq.layers import Wire
from tests.analysis.wired_models import MODELS, build, each_model

SVG = "{http://www.w3.org/2000/svg}"

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


@pytest.mark.slow
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


def test_the_drawing_reads_wires_only() -> None:
    model = build([8, 8], [8, 8])
    model.bridge.wires = [
        Wire(units=8, sources=[0, 1], source_units=[8, 8], label="trained mix"),
        Wire(units=8, sources=[1], source_units=[8], parts={"hidden": "taken", "cell": "replaced"}),
    ]
    labels = [text.text for text in ET.fromstring(draw(model)).iter(f"{SVG}text")]
    assert {"trained mix", "W", "cell from hidden", "W trained projection"} <= set(labels)
    assert "++ W" not in labels
    check_layout(model)
