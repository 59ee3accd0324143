"""Typed settings: frozen dataclasses, read from plain tables (TOML) or ``section.key=value``, checked by annotation."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import math
import re
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from seq2seq.system.terminal import UsageError

_Settings = TypeVar("_Settings")
_PLAIN = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


class SettingsError(UsageError):
    """A setting is unknown, of the wrong kind or out of its range; the message names it."""


@dataclass(frozen=True)
class Range:
    """The numbers that a setting takes, for use in ``Annotated[float, Range(0, 1)]``.

    Args:
        low: Smallest allowed number.
        high: Largest allowed number.
        open_low: Whether ``low`` itself is refused.
        open_high: Whether ``high`` itself is refused.

    Example:
        >>> Range(0, 1, open_high=True).words()
        'from 0 to below 1'
    """

    low: float = -float("inf")
    high: float = float("inf")
    open_low: bool = False
    open_high: bool = False

    def holds(self, number: float) -> bool:
        """Tell whether a number is allowed."""
        above = number > self.low if self.open_low else number >= self.low
        below = number < self.high if self.open_high else number <= self.high
        return above and below and math.isfinite(number)

    def words(self) -> str:
        """Say which numbers are allowed."""
        low = f"above {self.low:.12g}" if self.open_low else f"from {self.low:.12g}"
        if self.high == float("inf"):
            return low if self.open_low else f"{low} up"
        return f"{low} to {'below ' if self.open_high else ''}{self.high:.12g}"


@dataclass(frozen=True)
class Matching:
    """The texts that a setting takes: those that match a pattern as a whole, and what such a text is, in words."""

    pattern: str
    words: str


def check_settings(settings: object) -> None:
    """Check every field of a dataclass by its annotation, and turn lists into tuples; called from ``__post_init__``.

    Raises:
        SettingsError: A value is of the wrong kind or out of its range.
    """
    section = section_of(type(settings))
    for name, kind in kinds(type(settings)).items():
        value = getattr(settings, name)
        if dataclasses.is_dataclass(kind):
            expected = typing.cast(type, kind)
            if not isinstance(value, expected):
                raise SettingsError(f"{name} must be a {expected.__name__}. Received: {name}={value!r}.")
            continue
        value = convert(value, kind, f"{section}.{name}" if section else name)
        object.__setattr__(settings, name, value)


def section_of(cls: type) -> str:
    """Name the TOML section of a settings class; empty for the whole recipe."""
    return str(getattr(cls, "section", ""))


def kinds(cls: type) -> Mapping[str, Any]:
    """Give the annotation of every field of a settings class, by name."""
    return _kinds(typing.cast(Any, cls))


@functools.cache
def _kinds(cls: Any) -> Mapping[str, Any]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def convert(value: Any, kind: Any, where: str) -> Any:
    """Check one value against the annotation of its setting.

    Args:
        value: What was written: a plain value, a list or a tuple.
        kind: The annotation: bool, int, float, str, ``Literal``, ``tuple[X, ...]``, a union of them, or ``Annotated``.
        where: Name of the setting, for messages, as in ``model.dropout``.

    Returns:
        The value as the dataclass keeps it: whole numbers become floats, lists become tuples, as annotated.

    Raises:
        SettingsError: The value is of another kind or out of range.

    Example:
        >>> convert([[0], [1, 2], []], tuple[tuple[int, ...], ...], "model.bridge")
        ((0,), (1, 2), ())
    """
    fits, converted = _fit(value, kind)
    if fits:
        return converted
    raise SettingsError(f"{where} must be {words(kind)}. Received: {where}={_shown(value)}.{_nearest(value, kind)}")


def _fit(value: Any, kind: Any) -> tuple[bool, Any]:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        fits, value = _fit(value, args[0])
        return fits and all(_allows(rule, value) for rule in args[1:]), value
    if origin in (typing.Union, types.UnionType):
        fitting = (_fit(value, arg) for arg in args)
        return next((found for found in fitting if found[0]), (False, value))
    if origin is typing.Literal:
        return value in args and type(value) in {type(arg) for arg in args}, value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            return False, value
        items = [_fit(item, args[0]) for item in value]
        return all(fits for fits, _ in items), tuple(item for _, item in items)
    if kind is float and type(value) is int:
        return True, float(value)
    return type(value) is kind, value


def _allows(rule: Range | Matching, value: Any) -> bool:
    if isinstance(rule, Matching):
        return isinstance(value, str) and re.fullmatch(rule.pattern, value) is not None
    return isinstance(value, int | float) and rule.holds(value)


def words(kind: Any) -> str:
    """Say in words what an annotation allows.

    Example:
        >>> words(typing.Literal["dot", "general"] | tuple[int, ...])
        'one of "dot", "general", or a list, each item a whole number'
    """
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        rule = args[1]
        return rule.words if isinstance(rule, Matching) else f"{words(args[0])} {rule.words()}"
    if origin in (typing.Union, types.UnionType):
        return ", or ".join(words(arg) for arg in args)
    if origin is typing.Literal:
        return f'"{args[0]}"' if len(args) == 1 else "one of " + ", ".join(f'"{arg}"' for arg in args)
    if origin is tuple:
        return f"a list, each item {words(args[0])}"
    return _PLAIN[kind]


def _nearest(value: Any, kind: Any) -> str:
    """Name the nearest valid text where a text was meant to be one of a few."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return next(filter(None, (_nearest(value, arg) for arg in typing.get_args(kind))), "")
    if typing.get_origin(kind) is not typing.Literal or not isinstance(value, str):
        return ""
    close = difflib.get_close_matches(value, [str(arg) for arg in typing.get_args(kind)], n=1)
    return f' Did you mean "{close[0]}"?' if close else ""


def _shown(value: Any) -> str:
    """Write a value as TOML would, so that what a person wrote comes back."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except TypeError:
        return repr(value)


def from_table(cls: type[_Settings], table: Mapping[str, Any], where: str = "") -> _Settings:
    """Build settings from a plain table, as TOML gives it; what is not there keeps its default.

    Args:
        cls: The settings class; fields that are settings classes themselves are sections.
        table: Values by name.
        where: What the table is, for messages: a file name.

    Returns:
        The settings.

    Raises:
        SettingsError: A name is unknown (the nearest is told), a needed one is missing, or a value is not allowed.
    """
    prefix = f"{where}: " if where else ""
    found = kinds(cls)
    section = section_of(cls)
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name not in found:
            raise SettingsError(prefix + _unknown(cls, name))
        kind = found[name]
        if dataclasses.is_dataclass(kind):
            if not isinstance(value, Mapping):
                raise SettingsError(f"{prefix}{name} is a section, [{name}]. Received: {name}={_shown(value)}.")
            value = from_table(typing.cast(type, kind), value, where)
        values[name] = value
    needed = [
        field.name
        for field in dataclasses.fields(typing.cast(Any, cls))
        if field.default is dataclasses.MISSING and field.name not in values
    ]
    if needed:
        place = f"[{section}]" if section else "the recipe"
        raise SettingsError(f"{prefix}{place} needs {', '.join(needed)}. Received: {', '.join(table) or 'nothing'}.")
    try:
        return cls(**values)
    except SettingsError as error:
        raise SettingsError(f"{prefix}{error}") from None


def to_table(settings: object) -> dict[str, Any]:
    """Give settings as a plain table of values, lists and sections: the inverse of :func:`from_table`."""
    table: dict[str, Any] = {}
    for name in kinds(type(settings)):
        value = getattr(settings, name)
        table[name] = to_table(value) if dataclasses.is_dataclass(value) else _plain(value)
    return table


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _unknown(cls: type, name: str) -> str:
    """Say that a name is unknown and which one is nearest: here first, then in the other sections."""
    own = kinds(cls)
    section = section_of(cls)
    close = difflib.get_close_matches(name, own, n=1)
    inner = [
        f"{part}.{key}"
        for part, kind in own.items()
        if dataclasses.is_dataclass(kind)
        for key in kinds(typing.cast(type, kind))
    ]
    if not close:
        close = [path for path in inner if path.partition(".")[2] == name][:1]
    hint = f" Did you mean {section + '.' if section else ''}{close[0]}?" if close else ""
    place = f"[{section}] has" if section else "A recipe has"
    return f"There is no setting {section + '.' if section else ''}{name}.{hint} {place}: {', '.join(own)}."


def override(settings: _Settings, assignments: Iterable[str]) -> _Settings:
    """Change settings by texts like those of ``--set section.key=value``.

    A value is written as in TOML; quotes round a text may be left out, and so may the brackets of a flat list.

    Args:
        settings: The settings to start from; they stay as they are.
        assignments: Texts such as ``model.encoder=512,512`` or ``model.bridge=[[0], [1, 2], []]``; a later one wins.

    Returns:
        Changed settings.

    Raises:
        SettingsError: An assignment has no ``=``, names no setting, or its value is not allowed.
    """
    table = to_table(settings)
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals:
            raise SettingsError(f"A setting is changed by section.key=value. Received: {assignment}.")
        place, cls = table, type(settings)
        *sections, name = [part.strip() for part in path.split(".")]
        for section in sections:
            if section not in kinds(cls) or not dataclasses.is_dataclass(kinds(cls)[section]):
                raise SettingsError(_unknown(cls, section))
            place, cls = place[section], kinds(cls)[section]
        if name not in kinds(cls):
            raise SettingsError(_unknown(cls, name))
        kind = kinds(cls)[name]
        if dataclasses.is_dataclass(kind):
            raise SettingsError(
                f"{name} is a section; change one of its settings: {', '.join(kinds(typing.cast(type, kind)))}."
            )
        place[name] = convert(parse_value(text.strip(), kind), kind, path.strip())
    return from_table(type(settings), table)


def parse_value(text: str, kind: Any) -> Any:
    """Read one value as it is written on a command line.

    Args:
        text: The value, as in TOML, or a text without quotes, or a list without brackets.
        kind: The annotation of its setting.

    Returns:
        The plain value; not yet checked against the annotation.

    Example:
        >>> parse_value("no", str), parse_value("512,256", tuple[int, ...]), parse_value("bleu,chrf", tuple[str, ...])
        ('no', [512, 256], ['bleu', 'chrf'])
    """
    value = _toml_value(text)
    if _fit(value, kind)[0]:
        return value
    if _fit(text, kind)[0]:
        return text
    items = [_toml_value(item.strip()) for item in text.strip("[]").split(",") if item.strip()]
    return items if _fit(items, kind)[0] else value


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # of numbers and brackets without an end too
        return text


def to_toml(settings: object) -> str:
    """Write settings as TOML: plain values first, then one section after the other, defaults included."""
    table = to_table(settings)
    lines = [f"{name} = {_toml_text(value)}" for name, value in table.items() if not isinstance(value, dict)]
    for section, values in table.items():
        if isinstance(values, dict):
            lines += ["", f"[{section}]", *(f"{name} = {_toml_text(value)}" for name, value in values.items())]
    return "\n".join(lines) + "\n"


def _toml_text(value: Any) -> str:
    # JSON's texts, numbers, booleans and lists are TOML's, but for one control character.
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("\x7f", "\\u007f")


def changes(before: object, after: object) -> dict[str, Any]:
    """List what differs between two settings of one class: ``{"model.dropout": 0.3}`` with the values of ``after``."""
    first, second = to_table(before), to_table(after)
    found: dict[str, Any] = {}
    for name, value in second.items():
        if isinstance(value, dict):
            found |= {f"{name}.{key}": inner for key, inner in value.items() if first[name][key] != inner}
        elif first[name] != value:
            found[name] = value
    return found
