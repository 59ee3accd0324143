import re
from xml.etree import ElementTree

from seq2seq.analysis.pages.charts import draw_alignment, draw_bars, draw_curves
from seq2seq.analysis.pages.document import document, table

SVG = "{http://www.w3.org/2000/svg}"


def test_bars_are_as_high_as_their_values() -> None:
    picture = ElementTree.fromstring(draw_bars(["a<", "b", "c"], [10.0, 5.0, None], "t"))
    heights = [float(each.get("height")) for each in picture.iter(f"{SVG}rect")]
    assert len(heights) == 2 and abs(heights[0] - 2 * heights[1]) < 0.2
    assert [each.text for each in picture.iter(f"{SVG}text")] == ["10", "a<", "5", "b", "–", "c"]


def test_bars_have_the_numbers_and_names_that_there_is_room_for() -> None:
    def written(values: list[float]) -> list[str | None]:
        picture = ElementTree.fromstring(draw_bars([f"{10 * place}" for place in range(len(values))], values, "t"))
        return [each.text for each in picture.iter(f"{SVG}text")]

    assert written([98.5] * 10) == [text for place in range(10) for text in ("98.5", f"{10 * place}")]
    assert written([12345] * 10) == [f"{10 * place}" for place in range(10)]
    assert written([1] * 40) == [f"{10 * place}" for place in range(0, 40, 3)]


def test_bars_of_nothing() -> None:
    picture = ElementTree.fromstring(draw_bars(["a", "b"], [0, 0], "t"))
    assert [float(each.get("height")) for each in picture.iter(f"{SVG}rect")] == [0, 0]
    assert [each.text for each in picture.iter(f"{SVG}text")] == ["a", "b"]


def test_a_curve_of_one_point_is_seen() -> None:
    assert "<circle" in draw_curves(["a"], [[[(10, 1.0)]]], "t", wide=440)
    assert "<circle" not in draw_curves(["a"], [[[(10, 1.0), (20, 2.0)]]], "t", wide=440)


def test_a_value_that_stays_the_same_is_read_off_the_axis() -> None:
    picture = ElementTree.fromstring(draw_curves(["a"], [[[(10, 0.01), (20, 0.01)]]], "t", wide=440))
    ticks = [float(each.text) for each in picture.iter(f"{SVG}text") if each.get("text-anchor") == "end"]
    assert len(ticks) > 2 and all(0.009 < tick < 0.011 for tick in ticks)


def test_an_alignment_has_a_cell_where_the_model_looked() -> None:
    picture = ElementTree.fromstring(draw_alignment(["▁ein", "</s>"], ["▁a&b", "</s>"], [[0.9, 0.1], [0.0, 1.0]], "t"))
    cells = [(each.get("fill-opacity"), each[0].text) for each in picture.iter(f"{SVG}rect")]
    assert cells == [("0.90", "▁a&b ← ▁ein: 0.90"), ("0.10", "▁a&b ← </s>: 0.10"), ("1.00", "</s> ← </s>: 1.00")]


def test_labels_have_the_room_that_they_take() -> None:
    def size(source: list[str], target: list[str]) -> str:
        return draw_alignment(source, target, [[1.0]], "t").partition(">")[0]

    assert size(["<s>"], ["</s>"]) == size(["abc"], ["abcd"])  # not as they are escaped
    assert size(["日本"], ["日本語"]) == size(["abcd"], ["abcdef"])  # two columns each


def test_an_alignment_of_any_text_is_an_svg_file() -> None:
    picture = ElementTree.fromstring(draw_alignment(["\x00"], ["a\x1b"], [[1.0]], "\x07"))
    assert picture[0].text == "\ufffd" and [each.text for each in picture.iter(f"{SVG}text")] == ["\ufffd", "a\ufffd"]


def test_a_page_is_escaped_and_loads_nothing() -> None:
    html = document("<b>", [table(["x<"], [["&"]])], refresh=7)
    assert "&lt;b&gt;" in html and "x&lt;" in html and "<td>&amp;</td>" in html
    assert 'http-equiv="refresh" content="7"' in html and "refresh" not in document("t", [])
    assert not re.search(r"https?://|@import|url\(", html)


def test_curves_without_a_finite_value_are_none() -> None:
    assert '<path d="M64' in draw_curves(["a"], [[[(10, float("nan")), (20, float("inf"))]]], "t")


def test_more_curves_than_colours_are_told_apart() -> None:
    names = [f"layer {place}" for place in range(20)]
    picture = ElementTree.fromstring(draw_curves(names, [[[(0, place), (9, place)]] for place in range(20)], "t"))
    curves = [each for each in picture.iter(f"{SVG}path") if "curve" in str(each.get("class"))]
    looks = {each.get("class") for each in curves if "thick" not in str(each.get("class"))}
    assert len(looks) == 20 and [each.findtext(f"{SVG}title") for each in curves[:20]] == names
