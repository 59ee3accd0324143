"""The tables of a recipe's settings, made from the dataclasses when the docs are built."""

import inspect
import re

from sphinx.util.docutils import SphinxDirective

from seq2seq import recipe, settings
from seq2seq.settings import defaults, kind_name, kinds, meanings, section_classes, sections, words, write_value


def rows(path, cls):
    """Give a row per setting: its name, its default as TOML writes it, what it may be, what it means."""
    usual, told = defaults(cls), meanings(cls)
    found = [("kind", f'``"{kind_name(cls)}"``', "", "which one")] if _is_one_of_several(path) else []
    for name, kind in kinds(cls).items():
        if not section_classes(kind):
            default = f"``{write_value(usual[name])}``" if name in usual else "needed"
            found.append((name, default, _values(words(kind)), _values(told[name])))
    return [(f"{path}.{name}" if path else name, *rest) for name, *rest in found]


def _is_one_of_several(path):
    return [place for place, _ in sections(recipe.Recipe)].count(path) > 1


def _values(text):
    """Mark what is written in quotes as code, before Sphinx makes typographic quotes of them."""
    return re.sub(r'"[^"]*"', r"``\g<0>``", text)


class Settings(SphinxDirective):
    """``.. settings:: ModelSettings``: the settings of a section."""

    required_arguments = 1

    def run(self):
        """Make the table, and make it again when one of these files changes."""
        ((path, cls),) = {(path, cls) for path, cls in sections(recipe.Recipe) if cls.__name__ == self.arguments[0]}
        for file in (inspect.getsourcefile(cls), settings.__file__, __file__):
            self.env.note_dependency(file)
        lines = [".. list-table::", "   :header-rows: 1", "   :widths: 25 15 25 35", ""]
        for row in [("setting", "default", "may be", "what it is"), *rows(path, cls)]:
            for number, cell in enumerate(row):
                text = f"``{cell}``" if number == 0 and row[0] != "setting" else cell
                lines.append(f"   {'* -' if number == 0 else '  -'} {text}")
        return self.parse_text_to_nodes("\n".join(lines) + "\n")


def setup(app):
    """Make the directive known to Sphinx."""
    app.add_directive("settings", Settings)
    return {"version": "1", "parallel_read_safe": True}
