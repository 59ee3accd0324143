import pytest

from seq2seq.settings import SettingsError, from_table, names, override, present_name
from seq2seq.system.terminal import silence

from .toy import STUDIO, TABLE, Studio


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "_told", set())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("camera.flm", r"no setting camera\.flm\. Did you mean camera\.film\?"),
        ("camera.blade", r"Did you mean camera\.lens\.blades\?"),
        ("camera.lens.film", r"Did you mean camera\.film\?"),
        ("camera.lens.pages", r"Did you mean album\.pages\?"),
        ("film", r"Did you mean camera\.film\?"),
        ("camera.lnes", r"no setting camera\.lnes\. Did you mean camera\.lens\.length\?"),
        ("triger", r"no setting triger\. Did you mean trigger\.kind\?"),
        ("camra.film", r"no setting camra\. Did you mean camera\?"),
        ("camera.lens.x.y", r"no setting camera\.lens\.x\. "),
        ("trigger.beeps", r'It belongs to trigger\.kind="self_timer"\.'),
        ("trigger.knid", r"no setting trigger\.knid\. Did you mean trigger\.kind\? \[trigger\] has: kind, seconds\."),
        ("camera.zzz", r"no setting camera\.zzz\. \[camera\] has: maker, size, film, lens\."),
        ("zzz", r"no setting zzz\. A recipe has: name, album, camera, trigger, seed\."),
    ],
)
def test_the_nearest_name_is_told(name: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        override(STUDIO, [f"{name}=1"])


def test_old_names_are_read_and_the_new_ones_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    found = from_table(Studio, TABLE | {"camera": {"lens": 20, "blades": [5], "colour": "none"}}, "s.toml")
    assert (found.camera.lens.length, found.camera.lens.blades, found.camera.film) == (20.0, (5,), "none")
    assert capsys.readouterr().err == (
        "s.toml: camera.lens is now camera.lens.length, camera.blades is now camera.lens.blades, camera.colour is now "
        "camera.film. The old names are read too.\n"
    )
    assert override(STUDIO, ["camera.lens=30", "camera.lens.blades=2"]).camera.lens.length == 30
    assert capsys.readouterr().err == ""


def test_one_old_name_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert override(STUDIO, ["camera.lens=30", "camera.lens=40"]).camera.lens.length == 40
    assert capsys.readouterr().err == "camera.lens is now camera.lens.length. The old name is read too.\n"


def test_one_of_several_processes_tells(capsys: pytest.CaptureFixture[str]) -> None:
    with silence():
        override(STUDIO, ["camera.lens=30"])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("camera", "message"),
    [
        ({"blades": [1], "lens": {"blades": [2]}}, r"camera\.blades is now camera\.lens\.blades, and both are there\."),
        ({"lens": 0}, r"camera\.lens\.length must be a number above 0\. Received: camera\.lens\.length=0\."),
    ],
)
def test_an_old_name_is_refused_like_the_new_one(camera: dict, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        from_table(Studio, TABLE | {"camera": camera})


def test_the_present_name_of_any_name() -> None:
    old = ["camera.lens", "camera.blades", "camera.lens.blades", "camera.film", "name", "album.pages", "x.y"]
    new = [
        "camera.lens.length",
        "camera.lens.blades",
        "camera.lens.blades",
        "camera.film",
        "name",
        "album.pages",
        "x.y",
    ]
    assert [present_name(Studio, name) for name in old] == new
