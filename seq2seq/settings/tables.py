"""Settings and plain tables: read, written, changed and compared."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from seq2seq.settings.fields import (
    KIND,
    NoSuchSettingError,
    SettingsError,
    StartsFrom,
    Written,
    convert,
    defaults,
    kind_name,
    kinds,
    section_classes,
    setting_names,
    shown,
)
from seq2seq.settings.names import Renaming, joined, need_section, unknown
from seq2seq.settings.toml import write_table

_Settings = TypeVar("_Settings")


def from_table(cls: type[_Settings], table: Mapping[str, Any], where: str = "") -> _Settings:
    """Build settings from a plain table, as TOML gives it; what is not there keeps its default.

    Args:
        cls: The settings class; fields that are settings classes themselves are sections. Where a section may be one of
            several classes, its key ``kind`` names the one (``"beam"`` for a class ``Beam``).
        table: Values by name. Old names (``renamed`` of the class) are read too, and the new one is told.
        where: What the table is, for messages: a file name.

    Returns:
        The settings.

    Raises:
        SettingsError: A name is unknown (the nearest is told), a needed one is missing, or a value is not allowed.
    """
    prefix = f"{where}: " if where else ""
    renaming = Renaming()
    try:
        found = _read(_Section(cls, cls, ""), renaming.moved(cls, table), {})
    except SettingsError as error:
        raise SettingsError(f"{prefix}{error}") from None
    renaming.tell(prefix)
    return found


def override(settings: _Settings, assignments: Iterable[str]) -> _Settings:
    """Change settings by texts like those of ``--set section.key=value``.

    A value is written as in TOML; quotes round a text may be left out, and so may the brackets of a flat list.

    Args:
        settings: The settings to start from; they stay as they are.
        assignments: Texts such as ``model.encoder.units=512,512`` or ``model.bridge.mode=[[0], [1, 2], []]``; a later
            one wins.

    Returns:
        Changed settings.

    Raises:
        SettingsError: An assignment has no ``=``, names no setting, or its value is not allowed.
    """
    cls, renaming = type(settings), Renaming()
    table: dict[str, Any] = {}
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals or not all(name.strip() for name in path.split(".")):
            raise SettingsError(f"A setting is changed by section.key=value. Received: {assignment}.")
        value: Any = Written(text.strip())
        for name in reversed(path.split(".")):
            value = {name.strip(): value}
        _merge(table, renaming.moved(cls, value))
    found = _read(_Section(cls, cls, ""), table, _values(settings))
    renaming.tell()
    return found


def to_table(settings: object) -> dict[str, Any]:
    """Give settings as a plain table of values, lists and sections: the inverse of :func:`from_table`."""
    table: dict[str, Any] = {}
    for name, kind in kinds(type(settings)).items():
        value, classes = getattr(settings, name), section_classes(kind)
        if len(classes) > 1:
            table[name] = {KIND: kind_name(type(value)), **to_table(value)}
        else:
            table[name] = to_table(value) if classes else _plain(value)
    return table


def to_toml(settings: object, onto: str = "") -> str:
    """Write settings as TOML, defaults included; ``onto`` is TOML whose comments are to stay."""
    return write_table(to_table(settings), onto)


def by_name(settings: object) -> dict[str, Any]:
    """List settings under the names that they have in messages: ``{"model.dropout": 0.3, ...}``."""
    return _flat(to_table(settings), "")


def changes(before: object, after: object) -> dict[str, Any]:
    """List what differs between two settings of one class: ``{"model.dropout": 0.3}`` with the values of ``after``."""
    first = by_name(before)
    return {name: value for name, value in by_name(after).items() if name not in first or first[name] != value}


def differences(before: object, after: object) -> dict[str, str]:
    """Say what differs between two settings of one class: ``{"seed": "seed was 0 and is now 5"}``."""
    first, second = by_name(before), by_name(after)
    return {
        name: f"{name} was {_shown(first, name)} and is now {_shown(second, name)}"
        for name in first | second
        if name not in first or name not in second or first[name] != second[name]
    }


def _shown(values: Mapping[str, Any], name: str) -> str:
    return shown(values[name]) if name in values else "not there"


def filled(part: _Settings, whole: object, mark: str) -> _Settings:
    """Give the settings of a part with those of the whole in the place of a mark.

    Args:
        part: The settings of a section inside another.
        whole: Those of the outer one, which has the same names.
        mark: What stands in the part where the whole decides, such as "as_model".
    """
    marked = [name for name, value in _values(part).items() if value == mark]
    return dataclasses.replace(typing.cast(Any, part), **{name: getattr(whole, name) for name in marked})


class _Section(NamedTuple):
    """Where a table is read: the class of the whole, that of the section, and its path from the whole."""

    root: type
    cls: type
    path: str


def _read(section: _Section, table: Mapping[str, Any], kept: Mapping[str, Any]) -> Any:
    """Build the settings of a section: what the table says, for the rest what is kept, else the defaults."""
    cls: Any = section.cls
    for key, value in table.items():
        if key not in kinds(cls):
            raise NoSuchSettingError(unknown(section.root, cls, section.path, key, value))
    before = defaults(cls) | dict(kept)
    values = _plain_values(section, table)
    values |= {key: _read_inner(section, key, table[key], before.get(key)) for key in table if key not in values}
    needed = [name for name in kinds(cls) if name not in before and name not in values]
    if needed:
        place = f"[{section.path}]" if section.path else "the recipe"
        raise SettingsError(f"{place} needs {', '.join(needed)}. Received: {', '.join(table) or 'nothing'}.")
    return cls(**before | values)


def _plain_values(section: _Section, table: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the values of a table that are no sections; names that there are not are passed over."""
    found, values = kinds(section.cls), {}
    for key, value in table.items():
        name = joined(section.path, key)
        if key in found and not section_classes(found[key]):
            if isinstance(value, Mapping):
                raise NoSuchSettingError(f"There is no setting {name}.{next(iter(value), '')}: {name} is no section.")
            values[key] = convert(value, found[key], name)
    return values


def _read_inner(outer: _Section, key: str, value: Any, start: Any) -> Any:
    """Build the settings of a section inside another, of those that it starts from; None for nothing."""
    kind, path = kinds(outer.cls)[key], joined(outer.path, key)
    classes = section_classes(kind)
    if isinstance(value, Written):
        raise NoSuchSettingError(
            f"{path} is a section; change one of its settings: {', '.join(setting_names(classes))}."
        )
    table = dict(need_section(value, path))
    cls = classes[0] if start is None else type(start)
    if len(classes) > 1 and KIND in table:
        names = {kind_name(each): each for each in classes}
        cls = names[convert(table.pop(KIND), typing.Literal[tuple(names)], joined(path, KIND))]
    section = _Section(outer.root, cls, path)
    for rule in getattr(kind, "__metadata__", ()):
        if isinstance(rule, StartsFrom):
            start = rule.choose(start, _plain_values(section, table))
    # Another kind keeps what both have.
    kept = {} if start is None else {name: each for name, each in _values(start).items() if name in kinds(cls)}
    return _read(section, table, kept)


def _values(settings: object) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in kinds(type(settings))}


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _flat(table: Mapping[str, Any], path: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in table.items():
        flat |= _flat(value, f"{path}{name}.") if isinstance(value, Mapping) else {path + name: value}
    return flat


def _merge(table: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Put the values of one table into another, section by section."""
    for name, value in more.items():
        there = table.get(name)
        if isinstance(value, Mapping) and isinstance(there, dict):
            _merge(there, value)
        elif not (isinstance(value, Mapping) and name in table):  # a value for a section stays, to be refused
            table[name] = value
