"""The tables of the date forms of the quickstart, counted from the corpus itself when the docs are built."""

from collections import Counter

from sphinx.util.docutils import SphinxDirective

from seq2seq.text import dates
from seq2seq.text.dates import SIZES, form_table


def language_rows():
    """Give a row per language, and one for all: language, script, locales, forms, then its sources in each split."""
    counts = {split: Counter() for split in SIZES}
    for split, count in counts.items():
        for row in form_table(split):
            count[row.language] += row.pairs
    forms = Counter(row.language for row in form_table())
    rows = [
        (language, script, ", ".join(locales), forms[language], *(count[language] for count in counts.values()))
        for language, (script, locales) in dates.LANGUAGES.items()
    ]
    scripts = len({script for _, script, *_ in rows})
    return [*rows, ("all", f"{scripts} scripts", "", *(sum(row[column] for row in rows) for column in range(3, 7)))]


def form_rows():
    """Give a row per form: locale, CLDR's name and pattern, an example, its sources in the training split."""
    return [(row.locale, row.form, row.pattern, row.example, row.pairs) for row in form_table()]


class DateForms(SphinxDirective):
    """``.. date-forms:: languages`` or ``.. date-forms:: forms``: one of the tables."""

    required_arguments = 1

    def run(self):
        """Make the table, and make it again when one of these files changes."""
        for file in (dates.__file__, __file__):
            self.env.note_dependency(file)
        if self.arguments[0] == "languages":
            header, rows = ("language", "script", "CLDR locales", "forms", *SIZES), language_rows()
        else:
            header, rows = ("locale", "form", "pattern", "3 May 1979", "train"), form_rows()
        lines = [".. list-table::", "   :header-rows: 1", ""]
        for row in [header, *rows]:
            for number, cell in enumerate(row):
                text = f"{cell:,}" if isinstance(cell, int) else cell
                # As code: signs of markup in a pattern are signs of the pattern.
                code = row is not header and header[number] in ("pattern", "3 May 1979")
                lines.append(f"   {'* -' if number == 0 else '  -'} {f'``{text}``' if code else text}".rstrip())
        return self.parse_text_to_nodes("\n".join(lines) + "\n")


def setup(app):
    """Make the directive known to Sphinx."""
    app.add_directive("date-forms", DateForms)
    return {"version": "1", "parallel_read_safe": True}
