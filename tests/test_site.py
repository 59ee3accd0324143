"""The site and the README: pictures, notebooks, ways to every page, and what is said of speed."""

import importlib
import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.test_docs import PAGES, ROOT, python_blocks

DOCS = ROOT / "docs"


@pytest.fixture
def docs(monkeypatch: pytest.MonkeyPatch):
    """Import what builds the docs, by name."""
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module


def shown_under(page: Path) -> list[Path]:
    """The pages that a page lists in its toctrees."""
    trees = re.findall(r"^```\{toctree\}\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    names = [line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")]
    return [(page.parent / f"{name}.md").resolve() for name in names]


def test_every_page_is_reached_in_two_clicks():
    sections = shown_under(DOCS / "index.md")
    near = {DOCS / "index.md", *sections, *(page for section in sections for page in shown_under(section))}
    assert near == {path for path in PAGES if path.is_relative_to(DOCS)}


@pytest.mark.parametrize("section", ["how-to", "explanation", "tutorials"])
def test_a_section_links_its_pages_for_those_who_read_the_files(section):
    index = DOCS / section / "index.md"
    read = re.sub(r"^```.*?^```", "", index.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    linked = [(index.parent / name).resolve() for name in re.findall(r"^- \[[^]]+\]\((\S+?\.md)\)", read, re.MULTILINE)]
    assert linked == shown_under(index)


def test_what_may_be_wider_than_a_page_scrolls_by_keyboard(docs):
    reachable = docs("reading").reachable
    assert reachable('<p><img alt="a" src="b.svg" /></p>') == (
        '<div class="picture" tabindex="0"><img alt="a" src="b.svg" /></div>'
    )
    assert reachable('<div class="table-wrapper docutils">') == '<div tabindex="0" class="table-wrapper docutils">'
    long = "<span>" + "x" * 25 + "</span>"
    assert reachable(f"<pre>a\n{long}</pre><pre>{'&lt;' * 20}</pre>") == (
        f'<pre tabindex="0">a\n{long}</pre><pre>{"&lt;" * 20}</pre>'
    )


def test_the_pictures_of_the_readme_are_drawn_by_their_program(docs):
    plain = docs("plain_pictures")
    for name, (title, bridge) in plain.PICTURES.items():
        assert (DOCS / "images" / f"{name}.svg").read_text("utf-8") == plain.plain(title, bridge), "run the program"


def test_a_notebook_has_the_blocks_of_its_page_and_what_they_print(docs, tmp_path: Path):
    notebooks = docs("notebooks")
    notebooks.write(tmp_path)
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(Path(name).name for name in notebooks.LESSONS)
    for lesson in notebooks.LESSONS:
        written = json.loads((tmp_path / f"{Path(lesson).name}.ipynb").read_text("utf-8"))
        cells = [cell for cell in written["cells"] if cell["cell_type"] == "code"]
        blocks = python_blocks(DOCS / f"{lesson}.md")
        assert [cell["source"] for cell in cells] == [str(block.parsed).rstrip("\n") for block in blocks]
        assert sum(bool(cell["outputs"]) for cell in cells) > len(cells) / 3
        read = "".join(cell["source"] for cell in written["cells"] if cell["cell_type"] == "markdown")
        assert read.startswith("# ") and not re.search(r"\]\((?!https?:|#)", read) and "```" in read
        assert len({cell["id"] for cell in written["cells"]}) == len(written["cells"])


def test_the_readme_tells_the_speed_that_was_measured():
    measured = (DOCS / "explanation" / "performance.md").read_text("utf-8")
    for page in (ROOT / "README.md", DOCS / "explanation" / "performance.md"):
        told = re.findall(
            r"(\d\.\d\d)\s+times\s+as\s+(?:fast\s+as\s+)?(stock Keras|PyTorch|JoeyNMT|eole)", page.read_text("utf-8")
        )
        assert len(told) >= 3
        for figure, system in told:
            rows = re.findall(rf"^\| seq2seq / {system}[^|]*\| +(\S+)", measured, re.MULTILINE)
            assert figure in rows, f"{page.name}: {figure} times {system}"
    readme = (ROOT / "README.md").read_text("utf-8")
    (told,) = re.findall(r"(\d\.\d\d) \(greedy\) and (\d\.\d\d) times \(beam 5\) as PyTorch tuned", readme)
    assert told == tuple(
        re.findall(r"^- .*each in its fastest precision:.* PyTorch, tuned .*: (\S+)\.$", measured, re.M)
    )


def test_a_page_that_translates_is_told_with_its_size(docs, tmp_path: Path):
    assert list(docs("demos").lines(tmp_path)) == []
    sizes = {"step.onnx": 1_000_000, "page.js": 400_000, "ort.wasm.bundle.min.js": 2_000_000}
    for name in ("dates", "quickstart"):
        (tmp_path / "demo" / name).mkdir(parents=True)
        (tmp_path / "demo" / name / "files.json").write_text(json.dumps(sizes))
    told = "1.4 MB, and 2.0 MB of onnxruntime-web"
    plain, quickstart = docs("demos").lines(tmp_path)
    assert plain == ("dates", "demo/dates/index.html", told)
    assert quickstart[1].startswith("demo/quickstart/index.html#text=%3Cfr%3E%20")


def test_the_image_of_the_server_takes_the_versions_that_are_declared():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    page = (DOCS / "how-to" / "serve.md").read_text("utf-8")
    assert all(f'"{requirement}"' in page for requirement in extras["serve"])
