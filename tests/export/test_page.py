"""The page in a real browser: what it translates, what it asks for, and who can use it."""

import json
import shutil
from pathlib import Path
from urllib.parse import quote

import pytest

pytest.importorskip("onnx", reason="exporting needs onnx: pip install 'seq2seq[export]'")
pytest.importorskip("onnxruntime", reason="exporting needs onnxruntime: pip install 'seq2seq[export]'")

from seq2seq.export import browser
from seq2seq.runtime import load
from seq2seq.search import Beam
from tests.export import chromium
from tests.export.models import WORDS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium.found() is None, reason="a page needs a browser: a Chromium on the PATH"),
]
TEXTS = [" ".join(WORDS[(place * step) % len(WORDS)] for step in range(1, 2 + place % 5)) for place in range(100)]


@pytest.fixture(scope="module")
def site(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        engine = browser.engine()
    except (FileNotFoundError, ValueError) as error:
        pytest.skip(f"a page needs npm and what it brings: {error}")
    folder = tmp_path_factory.mktemp("site") / "page"
    shutil.copytree(exported, folder)
    browser.add_page(folder, "tiny", engine)
    return folder


def translated(page: chromium.Chromium, texts: list[str]) -> list[str]:
    """What the page writes of each line."""
    page.run(
        f"source = document.getElementById('source'); source.focus(); source.value = {json.dumps(chr(10).join(texts))};"
        "source.setSelectionRange(0, 0); source.dispatchEvent(new Event('input'))"
    )
    page.until("document.getElementById('translation').ariaBusy === 'false'")
    return page.run("[...document.querySelectorAll('#translation li')].map((item) => item.textContent)")


def ready(page: chromium.Chromium, address: str) -> None:
    page.open(address)
    page.until("document.getElementById('beam').options.length")


def test_translates_as_python_does_and_asks_nobody_else(site: Path):
    runtime = load(site)
    expected = runtime.hypotheses(TEXTS, Beam(3, n_best=3))
    with chromium.browser() as page:
        with chromium.served(site) as address:
            ready(page, address)
            assert translated(page, [*TEXTS, "", "  "]) == [*(best.text for best, *_ in expected), "", ""]
            shown = page.run("[...document.querySelectorAll('#hypotheses label')].map((one) => one.innerText)")
            for text, one in zip(shown, expected[0], strict=True):
                assert one.text in text and f"{one.score:.3f}" in text
            page.run("navigator.serviceWorker.ready.then(() => 1)")
        # The server is gone: what was loaded once is enough.
        ready(page, address)
        assert translated(page, TEXTS[:3]) == [best.text for best, *_ in expected[:3]]
        assert all(asked.startswith((address, "data:")) for asked in page.asked) and not page.said
    own = sum((site / name).stat().st_size for name in browser.PAGE)
    assert own < 64 * 1024  # a reader of the page can read all of it


def test_is_for_everybody(site: Path):
    with chromium.browser() as page, chromium.served(site) as address:
        ready(page, address)
        translated(page, TEXTS[3:5])
        page.open("about:blank")
        ready(page, f"{address}#text={quote(TEXTS[4])}")
        page.until("document.getElementById('translation').innerText")
        assert page.run("document.getElementById('source').value") == TEXTS[4]
        reached = []
        for _ in range(5):
            page.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
            reached.append(page.run("document.activeElement.id || document.activeElement.type || 'attention'"))
        assert reached[:3] == ["beam", "radio", "attention"]
        nodes = page.call("Accessibility.getFullAXTree")["nodes"]
        usable = [
            one for one in nodes
            if one.get("role", {}).get("value") in ("textbox", "combobox", "radio", "table", "list", "group")
        ]  # fmt: skip
        assert {one["role"]["value"] for one in usable} >= {"textbox", "combobox", "radio", "table", "list"}
        assert not [one for one in usable if not one["name"]["value"]]
        # What is read out when it changes: the translation, and the one line that tells of it.
        assert [one["role"]["value"] for one in nodes if one.get("role", {}).get("value") == "status"] == ["status"]
        for width in (320, 390):
            page.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=True)
            assert page.run("document.documentElement.scrollWidth") <= width


def test_a_folder_that_is_not_whole_is_told(site: Path, tmp_path: Path):
    shutil.copytree(site, tmp_path / "broken")
    step = tmp_path / "broken" / "step.onnx"
    with chromium.browser() as page, chromium.served(tmp_path / "broken") as address:
        step.write_bytes(step.read_bytes()[:-1] + b"?")
        page.open(address)
        page.until("document.getElementById('state').textContent.includes('step.onnx is damaged: copy the folder')")
        step.unlink()
        page.open(address)
        page.until("document.getElementById('state').textContent.includes('step.onnx is missing (404)')")
