"""What a command does and takes, read from its parser when the docs are built."""

import argparse
import os
import re
from unittest import mock

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from seq2seq.commands import arguments, command, decoding_options, script


def parsers():
    """Give the parser of every command by its name, that of all commands first."""
    whole = command.make_parser()
    (commands,) = (action for action in whole._actions if isinstance(action, argparse._SubParsersAction))
    return {whole.prog: whole, **commands.choices}


def rows(parser):
    """Give a row per argument and option of a parser: how it is written, and what it means."""
    return [(_written(action), _meaning(action)) for action in parser._actions if action.help != argparse.SUPPRESS]


def _written(action):
    if isinstance(action, argparse._SubParsersAction):
        return action.metavar
    if not action.option_strings:
        return action.metavar or action.dest.upper()
    if action.nargs == 0:
        return ", ".join(action.option_strings)
    value = f"{{{','.join(action.choices)}}}" if action.choices else action.metavar or action.dest.upper()
    more = f" [{value} ...]" if action.nargs == "+" else ""
    return f"{', '.join(action.option_strings)} {value}{more}"


def _meaning(action):
    if isinstance(action, argparse._SubParsersAction):
        return f"one of {', '.join(f'`{name}`' for name in action.choices)}, below"
    needed = " (needed)" if action.required and action.option_strings else ""
    return (action.help or "") % {"prog": "seq2seq"} + needed


def _inline(text):
    """Make what stands between single backticks code, as in our docstrings, and the names of options."""
    for part in re.split(r"(`[^`]+`|(?<!\w)--[\w-]*)", text):
        yield nodes.literal(text=part.strip("`")) if part.startswith(("`", "--")) else nodes.Text(part)


class Commands(SphinxDirective):
    """``.. commands::``: what every command does, how it is called, and every option; a section for each."""

    def run(self):
        """Lay them out, and again when a file of the commands changes."""
        for module in (arguments, command, decoding_options, script, *command.COMMANDS):
            self.env.note_dependency(module.__file__)
        self.env.note_dependency(__file__)
        return [section(parser) for parser in parsers().values()]


def section(parser):
    """Make the section of a command."""
    with mock.patch.dict(os.environ, COLUMNS="100"):  # the usage is broken into lines for a terminal of that width
        usage = parser.format_usage().removeprefix("usage: ").rstrip()
    made = nodes.section(
        "",
        nodes.title("", "", nodes.literal(text=parser.prog)),
        nodes.paragraph("", "", *_inline(parser.description)),
        nodes.literal_block(usage, usage, language="text"),
        ids=[nodes.make_id(parser.prog)],
        names=[parser.prog],
    )
    options = nodes.definition_list()
    for written, meaning in rows(parser):
        term = nodes.term("", "", nodes.literal(text=written))
        options += nodes.definition_list_item(
            "", term, nodes.definition("", nodes.paragraph("", "", *_inline(meaning)))
        )
    made += options
    if parser.epilog:
        made += nodes.paragraph("", "", *_inline(parser.epilog))
    return made


def setup(app):
    """Make the directive known to Sphinx."""
    app.add_directive("commands", Commands)
    return {"version": "1", "parallel_read_safe": True}
