"""Plain tables as TOML text: written anew, or into a text that a person wrote, whose comments stay."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any


def read_value(text: str) -> Any:
    """Read one value as TOML writes it; what is none comes back as the text that it is.

    Example:
        >>> read_value("[1, 2]"), read_value("dot")
        ([1, 2], 'dot')
    """
    try:
        table = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):  # of numbers and brackets without an end too
        return text
    return table["value"] if len(table) == 1 else text


def write_value(value: Any) -> str:
    """Write one plain value as TOML.

    Example:
        >>> write_value([256, 256]), write_value("none")
        ('[256, 256]', '"none"')
    """
    import tomlkit  # here, because it takes as long to load as all else that --help needs

    return tomlkit.item(value).as_string()


def write_table(table: Mapping[str, Any], onto: str = "") -> str:
    """Write a table as TOML: plain values first, then one section after the other.

    Args:
        table: Values, lists and sections by name.
        onto: TOML to change into that table. What stays in it keeps its place and its comments.

    Returns:
        TOML of exactly that table.

    Example:
        >>> print(write_table({"name": "b", "model": {"units": [8]}}, onto='name = "a"  # short'))
        name = "b"  # short
        <BLANKLINE>
        [model]
        units = [8]
        <BLANKLINE>
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    if not onto:
        document = tomlkit.document()
        _change(document, table)
        return tomlkit.dumps(document)
    try:
        document = tomlkit.parse(onto)
        _change(document, table)
        text = tomlkit.dumps(document)
        if tomllib.loads(text) == table:
            return text
    except (TOMLKitError, tomllib.TOMLDecodeError):
        pass
    return write_table(table)  # laid out in a way that cannot be changed in place: comments matter less than values


def _change(document: Any, table: Mapping[str, Any]) -> None:
    """Make a table of TOML, the whole or a section, have the values of a plain one."""
    import tomlkit
    from tomlkit.items import InlineTable

    for name, there in list(document.items()):
        if name not in table or isinstance(there, Mapping) != isinstance(table[name], Mapping):
            del document[name]
    for name, value in sorted(table.items(), key=lambda entry: isinstance(entry[1], Mapping)):
        if isinstance(value, Mapping):
            if name not in document:
                inline = isinstance(document, InlineTable)  # on one line, in braces, has no other tables inside
                document[name] = tomlkit.inline_table() if inline else tomlkit.table()
            _change(document[name], value)
        elif name not in document or document[name] != value:
            document[name] = value
