"""The table of a recipe's settings, made from the dataclasses when the docs are built."""

import dataclasses
import inspect
import re
import textwrap

from sphinx.util.docutils import SphinxDirective

from seq2seq import recipe, settings
from seq2seq.settings import kinds, section_of, to_toml, words

NEEDED = {"path": "corpus", "source": "de", "target": "en", "name": "name"}
"""Something for what has no default, to see the defaults of the rest."""


def rows(cls):
    """Give a row per setting: its name, its default as TOML writes it, what it may be, what it means."""
    fields = [field for field in dataclasses.fields(cls) if not dataclasses.is_dataclass(kinds(cls)[field.name])]
    needed = {field.name for field in fields if field.default is dataclasses.MISSING}
    if cls is recipe.Recipe:
        defaults = recipe.Recipe("name", recipe.Data("corpus", "de", "en"))
    else:
        defaults = cls(**{name: NEEDED[name] for name in needed})
    lines = to_toml(defaults).splitlines()
    values = dict(line.split(" = ", 1) for line in lines[: lines.index("") if "" in lines else None])
    meanings = _meanings(cls)
    prefix = f"{section_of(cls)}." if section_of(cls) else ""
    return [
        (
            prefix + field.name,
            "needed" if field.name in needed else f"``{values[field.name]}``",
            _values(words(kinds(cls)[field.name])),
            _values(meanings[field.name]),
        )
        for field in fields
    ]


def _values(text):
    """Mark what is written in quotes as code, before Sphinx makes typographic quotes of them."""
    return re.sub(r'"[^"]*"', r"``\g<0>``", text)


def _meanings(cls):
    """The texts of the Args section of a docstring, by name."""
    section = re.search(r"^Args:\n((?:    .*\n?|\n)*)", inspect.getdoc(cls), re.MULTILINE)[1]
    entries = re.findall(r"^(\w+): (.*(?:\n    .*)*)", textwrap.dedent(section), re.MULTILINE)
    return {name: re.sub(r"\s*\n\s*", " ", text) for name, text in entries}


class Settings(SphinxDirective):
    """``.. settings:: ModelSettings``: the settings of a section."""

    required_arguments = 1

    def run(self):
        """Make the table, and make it again when one of these files changes."""
        for file in (recipe.__file__, settings.__file__, __file__):
            self.env.note_dependency(file)
        lines = [".. list-table::", "   :header-rows: 1", "   :widths: 20 15 25 40", ""]
        for row in [("setting", "default", "may be", "what it is"), *rows(getattr(recipe, self.arguments[0]))]:
            for number, cell in enumerate(row):
                text = f"``{cell}``" if number == 0 and row[0] != "setting" else cell
                lines.append(f"   {'* -' if number == 0 else '  -'} {text}")
        return self.parse_text_to_nodes("\n".join(lines) + "\n")


def setup(app):
    """Make the directive known to Sphinx."""
    app.add_directive("settings", Settings)
    return {"version": "1", "parallel_read_safe": True}
