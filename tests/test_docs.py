"""The docs keep their word: code runs, commands parse, and the reference is what the packages export."""

import argparse
import contextlib
import importlib
import inspect
import re
import shlex
import tomllib
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser

import seq2seq
from seq2seq.commands.command import COMMANDS, make_parser
from seq2seq.commands.script import add_arguments
from seq2seq.recipe import Data, Recipe
from seq2seq.settings import kinds, sections
from seq2seq.text import dates
from tests.test_package import FLOORS, PACKAGE

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts)]
FENCE = re.compile(r"^(`{3,}|:{3,})(.*?)\n(.*?)^\1", re.MULTILINE | re.DOTALL)
# Their blocks train for a while.
TRAIN = {
    "README.md",
    "docs/tutorials/first-translator.md",
    "docs/tutorials/stacked-lstm.md",
    "docs/how-to/own-bridge.md",
    "docs/how-to/own-cell.md",
    "docs/how-to/own-decoder.md",
    "docs/how-to/combine.md",
    "docs/how-to/score-and-rerank.md",
    "docs/how-to/constrain.md",
    "docs/how-to/read-layers.md",
    "docs/how-to/autoencoder.md",
    "docs/how-to/numbers.md",
    "docs/how-to/sample.md",
    "docs/how-to/fine-tune.md",
    "docs/how-to/own-training-loop.md",
    "docs/how-to/details.md",
    "docs/how-to/nan.md",
}
# What a block may be: "python" runs, "sh" is parsed, the others are shown.
LANGUAGES = {
    "python",
    "sh",
    "text",
    "toml",
    "json",
    "dockerfile",
    "ini",
    "yaml",
    "{toctree}",
    "{eval-rst}",
    "{image}",
    "{figure}",
    "{note}",
    "{math}",
    "{container}",
    "{demos}",
}


def page_id(path):
    return path.relative_to(ROOT).as_posix()


def blocks(path, language):
    return [body for _, kind, body in FENCE.findall(path.read_text("utf-8")) if kind.split()[:1] == [language]]


@pytest.fixture
def exports(monkeypatch):
    """What the docs are built with: the public names."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    return importlib.import_module("exports")


def python_blocks(path):
    return list(Sybil(parsers=[PythonCodeBlockParser()]).parse(path).examples())


def commands(path):
    """The commands of the shell blocks, word by word, without prompts, comments and redirections."""
    for body in blocks(path, "sh"):
        for line in body.replace("\\\n", " ").splitlines():
            for command in re.split(r" (?:\||&&) ", line.removeprefix("$ ")):
                words = shlex.split(re.sub(r" [<>]+ ?\S+", " ", command), comments=True)
                if words:
                    yield words


def slow_or_not(path):
    """A case of a test that runs the blocks of a page."""
    return pytest.param(path, id=page_id(path), marks=[pytest.mark.slow] if page_id(path) in TRAIN else [])


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_blocks_are_of_a_kind_that_is_checked(path):
    kinds = {kind.strip().split(" ")[0] for _, kind, _ in FENCE.findall(path.read_text("utf-8"))}
    assert kinds <= LANGUAGES
    assert len(python_blocks(path)) >= len(blocks(path, "python"))


@pytest.mark.parametrize("path", [slow_or_not(path) for path in PAGES if blocks(path, "python")])
def test_python_blocks_run_one_after_the_other(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    for example in python_blocks(path):
        example.evaluate()
        check_output(example, capsys.readouterr().out)
        made = example.document.namespace.get("recipe")
    check_drawings(path, tmp_path)
    if isinstance(made, Recipe):
        assert all(Recipe.from_text(body) == made for body in blocks(path, "toml"))


def check_output(example, printed):
    """A text block right under a block shows what it prints; `...` is any text. A sentence between unties them."""
    below = re.match(r"\s*```text\n(.*?)^```$", example.document.text[example.region.end :], re.MULTILINE | re.DOTALL)
    if below:
        parts = (re.escape(part) for part in below[1].split("..."))
        assert re.fullmatch(".*".join(parts), printed, re.DOTALL), f"shown:\n{below[1]}\nprinted:\n{printed}"


def check_drawings(path, folder):
    """A drawing that a page makes and shows is the stored one."""
    for made in folder.glob("*.svg"):
        stored = ROOT / "docs" / "images" / made.name
        if f"images/{made.name})" in path.read_text("utf-8"):
            assert stored.is_file(), f"cp {made} {stored}"
            assert stored.read_text("utf-8") == made.read_text("utf-8"), f"cp {made} {stored}"


def test_every_stored_image_is_shown():
    text = "".join(path.read_text("utf-8") for path in PAGES)
    assert not [file.name for file in (ROOT / "docs" / "images").iterdir() if f"images/{file.name}" not in text]


@pytest.mark.parametrize("path", [path for path in PAGES if blocks(path, "sh")], ids=page_id)
def test_commands_would_run(path):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for words in commands(path):
        if words[0] == "make":
            assert {word for word in words[1:] if "=" not in word} <= targets
        if words[0] == "seq2seq" and "--help" not in words:
            arguments = make_parser().parse_args(words[1:])  # exits where an option is wrong
            Recipe("any", Data("corpus", "de", "en"), start_from=getattr(arguments, "start_from", None) or "").override(
                getattr(arguments, "settings", [])
            )
        if words[0].startswith("python") and words[1].startswith("recipes/"):
            parser = argparse.ArgumentParser()
            add_arguments(parser)
            parser.parse_args(words[2:])
        for word in words:
            if word.startswith("recipes/"):
                assert (ROOT / word).is_file()


@pytest.mark.parametrize("path", [path for path in PAGES if blocks(path, "toml")], ids=page_id)
def test_recipes_in_toml_are_recipes(path):
    for body in blocks(path, "toml"):
        Recipe.from_text(body, page_id(path))


def test_settings_in_the_text_are_settings():
    known = {f"{place}.{name}" for place, section in sections(Recipe) for name in [*kinds(section), "kind"]}
    for path in PAGES:
        text = FENCE.sub("", path.read_text("utf-8"))
        for name, value in re.findall(r"`([a-z_]+(?:\.[a-z_]+)*) = ([^`\n]+)`", text):
            with contextlib.suppress(tomllib.TOMLDecodeError):  # else it is Python
                tomllib.loads(f"value = {value}")
                assert any(f".{each}".endswith(f".{name}") for each in known), f"{page_id(path)}: {name}"


def test_every_setting_stands_in_the_reference():
    page = (ROOT / "docs" / "reference" / "settings.md").read_text("utf-8")
    classes = [cls.__name__ for _, cls in sections(Recipe)]
    assert re.findall(r"^\.\. settings:: (\w+)$", page, re.MULTILINE) == classes


def test_every_command_and_every_option_stand_in_the_reference(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    import command_line

    page = (ROOT / "docs" / "reference" / "command-line.md").read_text("utf-8")
    parsers = command_line.parsers()
    names = [module.__name__.rpartition(".")[2].replace("_", "-") for module in COMMANDS]
    assert re.findall(r"^\.\. commands::$", page, re.MULTILINE) and list(parsers) == ["seq2seq", *names]
    for name, parser in parsers.items():
        title = command_line.section(parser)[0].astext()
        assert title == (name if name == "seq2seq" else f"seq2seq {name}")
        assert parser.description
        rows = command_line.rows(parser)
        assert len(rows) == len(parser._actions) and all(written and meaning for written, meaning in rows)
    options = dict(command_line.rows(parsers["verify-resume"]))
    assert "--kill-at K [K ...]" in options and options["--steps N"].endswith("(needed)")
    assert dict(command_line.rows(parsers["train"]))["--strategy {mirrored,multiworker}"].startswith("share each batch")


def test_the_forms_of_dates_are_listed_and_counted_by_language(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    import date_forms

    page = (ROOT / "docs" / "reference" / "dates.md").read_text("utf-8")
    assert re.findall(r"^\.\. date-forms:: (\w+)$", page, re.MULTILINE) == ["languages", "forms"]
    *languages, total = date_forms.language_rows()
    forms = date_forms.form_rows()
    assert [row[0] for row in languages] == list(dates.LANGUAGES)
    assert total[3:] == (len(dates.date_forms()), *dates.SIZES.values()) and len(forms) == total[3]
    for language, _, locales, count, train, *_ in languages:
        own = [row for row in forms if row[0].startswith(f"{language}_")]
        assert {row[0] for row in own} <= set(locales.split(", "))
        assert (len(own), sum(row[-1] for row in own)) == (count, train) and count > 0 < train
    header = (ROOT / "recipes" / "quickstart.py").read_text("utf-8")
    assert f"one of the {len(forms)} forms" in header and "docs/reference/dates.md" in header


def reference(kind):
    """What the pages of the reference name by a directive, in order."""
    text = "".join(path.read_text("utf-8") for path in sorted((ROOT / "docs" / "reference").glob("*.md")))
    return re.findall(rf"^\.\. {kind}:: (\S+)$", text, re.MULTILINE)


def test_the_reference_shows_what_the_packages_export_and_nothing_else(exports):
    assert sorted(reference("exports")) == sorted(exports.PACKAGES)
    assert reference(r"auto\w+") == ["seq2seq.quiet"]


def test_every_room_has_a_page_or_is_for_the_house_alone(exports):
    rooms = {path.name.removesuffix(".py") for path in (ROOT / "seq2seq").iterdir() if not path.name.startswith("_")}
    shown = {package.split(".")[1] for package in exports.PACKAGES}
    assert rooms - shown == {"system", "settings", "py.typed"}


def test_every_exported_name_has_an_entry_with_words_of_its_own(exports):
    for package in exports.PACKAGES:
        module = importlib.import_module(package)
        assert module.__doc__
        for name in exports.names(package):
            place, value = f"{package}.{name}", getattr(module, name)
            assert exports.entry(package, name)[0].endswith(f":: {name}")
            said = (
                exports.said_of_constant(package, name)
                if exports.is_constant(package, name)
                else vars(value).get("__doc__", inspect.getdoc(value))
            )
            assert said, f"{place} has no docstring"


def test_a_name_of_a_docstring_leads_to_its_public_place(exports):
    from seq2seq.text import Batches

    assert exports.found("seq2seq.text.batches.Batches.seek", None) == (Batches, ["seek"])
    assert exports.found("Batches", "seq2seq.text.batches") == (Batches, [])
    assert exports.found("seq2seq.text.batches.Batches.sought", None) == (None, [])
    assert exports.found("seq2seq.text.batches.Bundles", None) == (None, [])
    assert exports.public_places()[id(Batches)] == "seq2seq.text.Batches"


def test_the_names_of_the_package_itself_stand_in_the_reference():
    page = (ROOT / "docs" / "reference" / "package.md").read_text("utf-8")
    shown = dict(re.findall(r"^\| `(\w+)` \| (?:\{py:mod\}`)?([\w.]+)`? \|$", page, re.MULTILINE))
    where = {name: module for module, names in seq2seq._WHERE.items() for name in names}
    assert shown == where | {"quiet": "below"}


def test_the_rooms_of_the_map_are_the_rooms_on_their_floors():
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text("utf-8")
    floors = [rooms for rooms in FLOORS if rooms != {"__main__"}]
    shown = {(int(floor), room) for floor, room in re.findall(r"^\| (\d+) \| `(\w+)/` \|", page, re.MULTILINE)}
    assert shown == {(floor, room) for floor, rooms in enumerate(floors) for room in rooms}


def test_the_map_of_the_front_page_goes_from_the_lowest_floor_up():
    page = (ROOT / "README.md").read_text("utf-8")
    shown = re.findall(r"^\| `seq2seq/(\w+)/` \|", page, re.MULTILINE)
    floors = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms - {"__main__"}}
    assert set(shown) == set(floors) and [floors[room] for room in shown] == sorted(floors.values())


@pytest.mark.parametrize("page", ["docs/explanation/architecture.md", "CONTRIBUTING.md"])
def test_where_to_add_what_names_files_and_tables_that_there_are(page):
    text = (ROOT / page).read_text("utf-8")
    tops = "|".join(["seq2seq", "tests", *(room for rooms in FLOORS for room in rooms)])
    for place in re.findall(rf"(?<![\w/])((?:{tops})/[\w/]*)", text):
        assert any((folder / name).exists() for folder in (ROOT, PACKAGE) for name in (place, f"{place}.py")), place
    tables = re.findall(r"((?:`[A-Z_]+`(?: and in )?)+) of `(?:seq2seq/)?([\w/]+\.py)`", text)
    assert tables
    for names, place in tables:
        (path,) = (ROOT / top / place for top in ("", "seq2seq", "tests/search") if (ROOT / top / place).exists())
        defined = re.findall(r"^([A-Z_]+)\b.*=", path.read_text("utf-8"), re.MULTILINE)
        assert set(re.findall(r"[A-Z_]+", names)) <= {*defined}, place


def test_every_test_that_is_named_is_there():
    for page in PAGES:
        for place in re.findall(r"tests/[\w/]+\.py", page.read_text("utf-8")):
            assert (ROOT / place).exists(), (page, place)


def shown_to_people():
    """Every text that shows Python to people: docs, README, recipes, and the examples of a module."""
    for path in [*PAGES, *sorted((ROOT / "recipes").glob("*.py"))]:
        yield path, path.read_text("utf-8")
    for path in sorted((ROOT / "seq2seq").rglob("*.py")):
        lines = (line.strip() for line in path.read_text("utf-8").splitlines())
        yield path, "\n".join(line[4:] for line in lines if line.startswith((">>> ", "... ")))


def test_what_is_shown_to_people_imports_public_names_only(exports):
    known = {package: set(importlib.import_module(package).__all__) for package in ("seq2seq", *exports.PACKAGES)}
    found = 0
    for path, text in shown_to_people():
        for package, names in re.findall(r"^ *from (seq2seq[\w.]*) import (\([^)]*\)|.*)", text, re.MULTILINE):
            found += 1
            assert package in known, f"{page_id(path)}: from {package} import {names}"
            names = re.findall(r"\w+", re.sub(r" as \w+|#.*", "", names))
            assert set(names) <= known[package], f"{page_id(path)}: from {package} import {', '.join(names)}"
        assert set(re.findall(r"^ *import (seq2seq[\w.]*)", text, re.MULTILINE)) <= known.keys(), page_id(path)
    assert found > 20
