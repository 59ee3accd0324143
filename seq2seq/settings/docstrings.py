"""What settings mean: the words of their docstrings, for tables and for the options of a command."""

import inspect
import re
import textwrap


def meanings(cls: type) -> dict[str, str]:
    """Give the texts of the Args section of a settings class, by name; those of the classes that it comes from, too.

    Example:
        >>> from seq2seq.search import Beam
        >>> meanings(Beam)["beam_size"]
        'Open hypotheses per sentence; 1 is greedy search, but for a coverage penalty.'
    """
    found: dict[str, str] = {}
    for each in reversed(cls.__mro__[:-1]):
        section = re.search(r"^Args:\n((?:    .*\n?|\n)*)", inspect.getdoc(each) or "", re.MULTILINE)
        entries = re.findall(r"^(\w+): (.*(?:\n    .*)*)", textwrap.dedent(section[1]) if section else "", re.MULTILINE)
        found |= {name: re.sub(r"\s*\n\s*", " ", text) for name, text in entries}
    return found
