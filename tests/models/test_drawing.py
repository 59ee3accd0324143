import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from itertools import combinations
from typing import Any

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge
from seq2seq.layers import Wire
from seq2seq.models import Ensemble
from seq2seq.models.drawing import draw
from seq2seq.models.unrolled import unroll
from seq2seq.models.wiring import layer_table, state_table
from seq2seq.system.picture import Picture
from tests.models.wired_models import MODELS, build, each_model

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


def check_layout(picture: Picture) -> None:
    drawing = ET.fromstring(picture)
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
    check_layout(draw(model))
    check_layout(unroll(model))
    check_layout(unroll(model, ["w"], []))


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
    model = build(encoder, decoder, bridge, bidirectional=bidirectional, feeding=feeding)
    check_layout(draw(model))
    check_layout(unroll(model))


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
    assert {"projection", "side by side", "zeros", "state bridge: [[0], [1, 2], []]"} <= set(labels)
    assert labels[labels.index("side by side") + 1] == "projection"  # joined first, projected then
    labels = [text.text for text in ET.fromstring(draw(MODELS["summed"])).iter(f"{SVG}text")]
    assert labels[labels.index("sum") - 1] == "projection"  # widths differ: projected first, added then
    labels = [text.text for text in ET.fromstring(draw(MODELS["both directions"])).iter(f"{SVG}text")]
    assert {"→ 6", "6 ←", "embedding 8 (shared)"} <= set(labels)
    assert not any("projection" in str(label) for label in labels)
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
    assert {"trained mix", "projection", "cell from hidden"} <= set(labels)
    assert "projection: trained, one for cell" in labels
    assert "side by side" not in labels
    check_layout(draw(model))


def test_the_legend_names_what_is_projected() -> None:
    for cell, legend in (("gru", "one for hidden"), ("lstm", "one for hidden and one for cell")):
        model = Seq2Seq(Encoder(9, 4, [8], cell=cell), StateBridge([12], cell=cell), Decoder(9, 4, [12], cell=cell))
        labels = [str(text.text) for text in ET.fromstring(draw(model)).iter(f"{SVG}text")]
        assert f"projection: trained, {legend}" in labels


@each_model
def test_a_drawing_tells_what_it_shows_and_turns_dark(model: Seq2Seq) -> None:
    for picture in (draw(model), unroll(model)):
        drawing = ET.fromstring(picture)
        title, told = (drawing.findtext(f"{SVG}{name}") for name in ("title", "desc"))
        assert title and told
        assert not re.search(r"\b1 (en|de)coder layers", title)
        assert all(f"decoder layer {number} starts from" in told for number in range(len(model.decoder.units)))
        dark = re.findall(r'\[(fill|stroke)="(#\w+)"\]\{', picture)
        used = re.findall(r' (fill|stroke)="(#\w+)"', picture[picture.index("<rect") :])
        assert set(used) <= set(dark)


def test_the_plus_of_a_residual_connection_lies_over_the_arrows() -> None:
    parts = list(ET.fromstring(draw(MODELS["four by four"])))
    circles = [place for place, part in enumerate(parts) if part.tag == f"{SVG}circle"]
    arrows = [place for place, part in enumerate(parts) if re.fullmatch(r"M\S+ \S+ V\S+", str(part.get("d")))]
    assert len(circles) == 6 and min(circles) > max(arrows)


def steps(picture: Picture) -> dict[int, list[ET.Element]]:
    """What is drawn in each step of a picture that moves."""
    found: dict[int, list[ET.Element]] = {}
    for group in ET.fromstring(picture).iter(f"{SVG}g"):
        found.setdefault(int(str(group.get("class")).split("-")[1]), []).extend(group)
    return found


def words(parts: list[ET.Element]) -> list[str]:
    return [str(part.text) for part in parts if part.tag == f"{SVG}text"]


def dashed(parts: list[ET.Element]) -> tuple[int, int]:
    """Lines of hidden states, and of cell states."""
    lines = [part for part in parts if part.get("stroke-width") == "1.8"]
    return sum("stroke-dasharray" not in part.attrib for part in lines), sum(
        "stroke-dasharray" in part.attrib for part in lines
    )


def test_time_unrolled_reads_then_passes_then_writes() -> None:
    found = steps(unroll(MODELS["table"], ["a", "b"], ["x"]))
    assert sorted(found) == [0, 1, 2, 3, 4, 5]  # a b </s>, the bridge, <s> x
    assert [dashed(found[step]) for step in (0, 1, 2)] == [(0, 0), (3, 3), (3, 3)]
    assert words(found[3]) == ["projection", "side by side", "projection", "zeros"]
    assert dashed(found[3]) == (6, 6)  # 3 routes into nodes, 3 ways out of them: zeros start too
    assert words(found[4]) == ["<s>", "attention", "x"] and words(found[5]) == ["x", "attention", "</s>"]


def test_time_unrolled_goes_both_ways() -> None:
    picture = unroll(MODELS["both directions"], ["a", "b"], [])
    found = steps(picture)
    assert sorted(found) == [0, 1, 2, 3, 4, 5, 6, 7]  # layer 1 waits until layer 0 has read both ways
    assert words(found[0]) == ["→", "←"] and words(found[1]) == ["→", "←"]
    assert [dashed(found[step]) for step in (1, 2)] == [(2, 2), (3, 3)]  # the last step backwards goes to the bridge
    assert dashed(found[6]) == (4, 4)  # two layers, two directions
    assert words(found[7])[0] == "<s>"
    turned = unroll(MODELS["four by four"], ["a", "b"], [])
    assert [text for text in words(list(ET.fromstring(turned))) if text in ("a", "b")] == ["b", "a"]


def test_time_unrolled_shows_what_a_cell_state_starts_from() -> None:
    model = build([8], [8], "per_layer", states="hidden")
    passed = steps(unroll(model))[4]
    assert words(passed) == ["0"] and dashed(passed) == (1, 0)


def test_a_source_of_no_token_is_refused() -> None:
    with pytest.raises(ValueError, match=r"A source is a token at least. Received: source=\(\)"):
        unroll(MODELS["one by one"], [])


def test_any_token_can_be_drawn() -> None:
    shown = words(
        list(ET.fromstring(unroll(MODELS["one by one"], ["\x00<", "\udc80", "\n"], ["\x1b"])).iter(f"{SVG}text"))
    )
    assert "\ufffd<" in shown and shown.count("\ufffd") == 3  # written, and read again


def test_a_long_token_is_cut() -> None:
    assert "Donaudam…" in unroll(MODELS["one by one"], ["Donaudampfschiff"])


def test_models_show_themselves_in_a_notebook() -> None:
    model = MODELS["table"]
    assert model._repr_svg_() == draw(model) == draw(model)._repr_svg_()
    assert Ensemble([model, model])._repr_svg_() == draw(model)
    silent = build([8], [8])
    del silent.bridge.wires  # as a bridge of one's own that does not say how it is wired
    assert silent._repr_svg_() is None
    for take in (draw, unroll, state_table):
        with pytest.raises(ValueError, match=rf"{take.__name__} tells .* Received: a StateBridge without wires"):
            take(silent)


@pytest.mark.parametrize("take", [draw, unroll, layer_table, state_table])
def test_what_is_no_seq2seq_is_refused(take: Callable[[Any], object]) -> None:
    for other in (keras.Sequential(), Ensemble([MODELS["table"]])):
        message = rf"{take.__name__} takes a Seq2Seq. Received: {type(other).__name__}. Use translator.model, "
        with pytest.raises(ValueError, match=message):
            take(other)
