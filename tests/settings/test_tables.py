from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.settings import SettingsError, by_name, changes, differences, from_table, override, sections, to_table

from .toy import STUDIO, TABLE, Album, ByHand, Camera, Lens, SelfTimer, Studio


def studio(**table: object) -> Studio:
    return from_table(Studio, TABLE | table)


def test_sections_nest_to_any_depth() -> None:
    assert studio() == STUDIO
    found = studio(camera={"film": "colour", "lens": {"blades": [5, 6]}})
    assert found == replace(STUDIO, camera=Camera(film="colour", lens=Lens(blades=(5, 6))))
    assert from_table(Studio, to_table(found)) == found
    assert override(found, ["camera.lens.length=3"]).camera.lens == Lens(length=3.0, blades=(5, 6))
    assert changes(STUDIO, found) == {"camera.film": "colour", "camera.lens.blades": [5, 6]}
    assert by_name(found)["camera.lens.length"] == 50.0
    assert [path for path, _ in sections(Studio)] == ["", "album", "camera", "camera.lens", "trigger", "trigger"]


def test_a_text_may_look_like_a_number() -> None:
    assert override(STUDIO, ["name=7"]).name == "7"


def test_a_section_may_be_of_several_kinds() -> None:
    assert to_table(STUDIO)["trigger"] == {"kind": "by_hand", "seconds": 1.0}
    found = studio(trigger={"kind": "self_timer", "beeps": 2, "seconds": 5})
    assert found.trigger == SelfTimer(5.0, 2)
    assert from_table(Studio, to_table(found)) == found
    assert override(found, ["trigger.beeps=4"]).trigger == SelfTimer(5.0, 4)
    # Another kind keeps what both have, in whatever order it is said.
    assert override(found, ["trigger.kind=by_hand"]).trigger == ByHand(5.0)
    wanted = override(STUDIO, ["trigger.beeps=2", "trigger.seconds=3", "trigger.kind=self_timer"])
    assert wanted.trigger == SelfTimer(3.0, 2)
    assert changes(found, STUDIO) == {"trigger.kind": "by_hand", "trigger.seconds": 1.0}


def test_a_section_may_start_from_what_its_values_name() -> None:
    box = Camera("box", 2.0, "colour", Lens(200.0, (9, 9)))
    assert studio(camera={"maker": "box", "size": 2}).camera == box
    assert studio(camera={"lens": {"blades": [3]}, "maker": "box", "size": 2}).camera == replace(
        box, lens=Lens(200.0, (3,))
    )
    found = override(STUDIO, ["camera.film=none", "camera.size=2", "camera.maker=box"])
    assert found.camera == replace(box, film="none")
    assert from_table(Studio, to_table(found)) == found == override(found, ["camera.size=2.0"])


@given(
    st.builds(
        Studio,
        st.text(st.characters(exclude_categories=["Cs"])),
        st.builds(Album, st.integers(1), st.floats(0, 0.99)),
        st.builds(
            Camera,
            film=st.sampled_from(["none", "colour"]),
            lens=st.builds(Lens, st.floats(0.1, 1e9), st.lists(st.integers(1)).map(tuple)),
        ),
        st.builds(ByHand, st.floats(0.1, 9)) | st.builds(SelfTimer, st.floats(3, 9)),
    )
)
def test_what_differs_makes_the_other_settings(other: Studio) -> None:
    assert from_table(Studio, to_table(other)) == other
    table: dict = {}
    for name, value in changes(STUDIO, other).items():
        place, (*outer, last) = table, name.split(".")
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = value
    if "trigger" in table:
        table["trigger"]["kind"] = to_table(other)["trigger"]["kind"]
    assert from_table(Studio, TABLE | table | {"album": to_table(other.album)}) == other


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"camera": {"lens": {"length": 0}}},
            r"camera\.lens\.length must be a number above 0\. Received: .*length=0\.",
        ),
        ({"camera": {"lens": {"blades": [0]}}}, r"camera\.lens\.blades must be a list, each item a whole number"),
        ({"camera": {"film": ["colr"]}}, r'camera\.film must be one of .*Received: camera\.film=\["colr"\]'),
        ({"album": 3}, r"album is a section, \[album\]\. Received: album=3\."),
        ({"album": {"margin": 0.5}}, r"\[album\] needs pages\. Received: margin\."),
        ({"name": {"x": 1}}, r"There is no setting name\.x: name is no section\."),
        ({"trigger": {"kind": "selftimer"}}, r'trigger\.kind must be .*"self_timer"\..* Did you mean "self_timer"\?'),
        ({"trigger": {"kind": "self_timer", "seconds": 2}}, r"A beep takes a second\. Received: beeps=3"),
    ],
)
def test_what_is_refused(table: dict, message: str) -> None:
    with pytest.raises(SettingsError, match=rf"^s\.toml: {message}"):
        from_table(Studio, TABLE | table, "s.toml")


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["camera=box"], r"camera is a section; change one of its settings: maker, size, film, lens\."),
        (["album=3", "album.pages=2"], r"album is a section; change one of"),
        (["camera.lens"], r"changed by section\.key=value\. Received: camera\.lens\."),
        (["camera.lens.blades=many"], r'each item a whole number from 1 up\. Received: camera\.lens\.blades="many"'),
        (["camera.lens.blades=7\nseed=5"], r'Received: camera\.lens\.blades="7\\nseed=5"'),
        (["camera.lens.blades=7,,9"], r'each item a whole number from 1 up\. Received: camera\.lens\.blades="7,,9"'),
        (["camera.lens.blades=[[7]]"], r"Received: camera\.lens\.blades=\[\[7\]\]"),
        (["camera..film=none"], r"changed by section\.key=value\. Received: camera\.\.film=none\."),
        ([f"camera.lens.length=1{'0' * 400}"], r"camera\.lens\.length must be "),
        (["=3"], r"changed by section\.key=value\. Received: =3\."),
        (["trigger=by_hand"], r"trigger is a section; change one of its settings: kind, seconds, beeps\."),
        (["name.x=1"], r"There is no setting name\.x: name is no section"),
    ],
)
def test_what_is_refused_on_a_command_line(assignments: list[str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        override(STUDIO, assignments)


def test_what_is_no_section_is_named_where_python_builds_it() -> None:
    with pytest.raises(SettingsError, match=r"camera\.lens must be a Lens\. .*=3\. Write lens=Lens\(length=3\)\."):
        Camera(lens=3)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=r"^trigger must be a ByHand or a SelfTimer\. Received: trigger=3\.$"):
        replace(STUDIO, trigger=3)
    with pytest.raises(SettingsError, match=r"^album must be an Album\. "):
        replace(STUDIO, album=None)


def test_what_differs_is_told_with_both_values() -> None:
    other = override(STUDIO, ["seed=3", "trigger.kind=self_timer", "trigger.seconds=5"])
    assert list(differences(STUDIO, other).values()) == [
        'trigger.kind was "by_hand" and is now "self_timer"',
        "trigger.seconds was 1.0 and is now 5.0",
        "seed was 0 and is now 3",
        "trigger.beeps was not there and is now 3",
    ]
    assert differences(STUDIO, STUDIO) == {}
