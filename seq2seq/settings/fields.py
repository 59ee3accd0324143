"""One setting: what its annotation allows, how a value is read, and what it is called in messages."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seq2seq.settings.toml import read_value
from seq2seq.system.choices import closest
from seq2seq.system.terminal import UsageError

_PLAIN = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


class SettingsError(UsageError):
    """A setting is unknown, of the wrong kind or out of its range; the message names it."""


class NoSuchSettingError(SettingsError):
    """There is no setting of that name, or it has no such value, whatever the others are."""


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

    def holds(self, value: Any) -> bool:
        """Tell whether a value is a number that is allowed."""
        if not isinstance(value, int | float):
            return False
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below and (isinstance(value, int) or math.isfinite(value))

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
    meaning: str

    def holds(self, value: Any) -> bool:
        """Tell whether a value is a text that is allowed."""
        return isinstance(value, str) and re.fullmatch(self.pattern, value) is not None


@dataclass(frozen=True)
class StartsFrom:
    """What a section starts from where its own values name it, for use in ``Annotated[ModelSettings, StartsFrom(f)]``.

    Args:
        choose: Gives the settings that everything keeps which is not written, of those that it would keep otherwise and
            of the plain values that are written.
    """

    choose: Callable[[Any, Mapping[str, Any]], Any]


class Written(str):
    """A value as it is written on a command line, where quotes and brackets may be left out; a text or not."""


# Often needed ones.
Count = typing.Annotated[int, Range(1)]
CountOrNone = typing.Annotated[int, Range(0)]
Share = typing.Annotated[float, Range(0, 1, open_high=True)]
Positive = typing.Annotated[float, Range(0, open_low=True)]
NotNegative = typing.Annotated[float, Range(0)]


def check_settings(settings: object) -> None:
    """Check every field of a dataclass by its annotation, and turn lists into tuples; called from ``__post_init__``.

    Raises:
        SettingsError: A value is of the wrong kind or out of its range.
    """
    cls = type(settings)
    for name, kind in kinds(cls).items():
        value, where = getattr(settings, name), ".".join(filter(None, (section_of(cls), name)))
        if classes := section_classes(kind):
            if not isinstance(value, classes):
                names = " or ".join(f"{_article(each.__name__)} {each.__name__}" for each in classes)
                inner = renamed_in(cls).get(name, "").removeprefix(f"{name}.")
                hint = f" Write {name}={classes[0].__name__}({inner}={value!r})." if inner else ""
                raise SettingsError(f"{where} must be {names}. Received: {where}={value!r}.{hint}")
        else:
            object.__setattr__(settings, name, convert(value, kind, where))


def section_of(cls: type) -> str:
    """Name the TOML section of a settings class; empty for the whole recipe."""
    return str(getattr(cls, "section", ""))


def renamed_in(cls: type) -> Mapping[str, str]:
    """Give the settings of a class that had another name: ``{"units": "encoder.units"}``, old name first."""
    return getattr(cls, "renamed", {})


def kinds(cls: type) -> Mapping[str, Any]:
    """Give the annotation of every field of a settings class, by name."""
    return _kinds(typing.cast(Any, cls))


@functools.cache
def _kinds(cls: Any) -> Mapping[str, Any]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def defaults(cls: type) -> dict[str, Any]:
    """Give the defaults of a settings class by name; a setting that is not there has none, and is needed."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(typing.cast(Any, cls)):
        if field.default is not dataclasses.MISSING:
            found[field.name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            found[field.name] = field.default_factory()
    return found


def section_classes(kind: Any) -> tuple[type, ...]:
    """Give the settings classes of which a section is one; none where the annotation is that of a plain value."""
    if typing.get_origin(kind) is typing.Annotated:
        kind = typing.get_args(kind)[0]
    is_union = typing.get_origin(kind) in (typing.Union, types.UnionType)
    classes = typing.get_args(kind) if is_union else (kind,)
    return classes if all(map(dataclasses.is_dataclass, classes)) else ()


KIND = "kind"
"""The key that tells the settings classes apart of which a section may be one."""


def setting_names(classes: Sequence[type]) -> list[str]:
    """Name the settings of a section: what tells its classes apart where it may be one of several, and theirs."""
    apart = [KIND] if len(classes) > 1 else []
    return [*dict.fromkeys([*apart, *(name for cls in classes for name in kinds(cls))])]


def kind_name(cls: type) -> str:
    """Name a settings class among several that a section may be.

    Example:
        >>> class Greedy: ...
        >>> kind_name(Greedy)
        'greedy'
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()


def sections(cls: type, path: str = "") -> Iterator[tuple[str, type]]:
    """Give a settings class and all those inside it, each with its path from the first: ``("model.encoder", ...)``."""
    yield path, cls
    for name, kind in kinds(cls).items():
        for inner in section_classes(kind):
            yield from sections(inner, f"{path}.{name}" if path else name)


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
        >>> convert([[0], [1, 2], []], tuple[tuple[int, ...], ...], "model.bridge.mode")
        ((0,), (1, 2), ())
    """
    if isinstance(value, Written):
        value = parse_value(value, kind)
    fits, converted = _fit(value, kind)
    if fits:
        return converted
    raise NoSuchSettingError(f"{where} must be {words(kind)}. Received: {where}={shown(value)}.{nearest(value, kind)}")


def _fit(value: Any, kind: Any) -> tuple[bool, Any]:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        fits, value = _fit(value, args[0])
        return fits and all(rule.holds(value) for rule in args[1:]), value
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
        try:
            return True, float(value)
        except OverflowError:
            return False, value
    return type(value) is kind, value


def words(kind: Any) -> str:
    """Say in words what an annotation allows.

    Example:
        >>> words(typing.Literal["dot", "general"] | tuple[int, ...])
        'one of "dot", "general", or a list, each item a whole number'
    """
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        rule = args[1]
        return rule.meaning if isinstance(rule, Matching) else f"{words(args[0])} {rule.words()}"
    if origin in (typing.Union, types.UnionType):
        return ", or ".join(words(arg) for arg in args)
    if origin is typing.Literal:
        return f'"{args[0]}"' if len(args) == 1 else "one of " + ", ".join(f'"{arg}"' for arg in args)
    if origin is tuple:
        return f"a list, each item {words(args[0])}"
    return _PLAIN[kind]


def nearest(value: Any, kind: Any) -> str:
    """Name the nearest valid text where a text was meant to be one of a few."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return next(filter(None, (nearest(value, arg) for arg in args)), "")
    if origin is tuple:
        items = value if isinstance(value, list | tuple) else [value]
        return next(filter(None, (nearest(item, args[0]) for item in items)), "")
    if origin is not typing.Literal or not isinstance(value, str) or value in args:
        return ""
    near = closest(value, [str(arg) for arg in args])
    return "" if near is None else f' Did you mean "{near}"?'


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
    text = str(text)
    value = read_value(text)
    if _fit(value, kind)[0]:
        return value
    if _fit(text, kind)[0]:
        return text
    inside = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    parts = [part.strip() for part in inside.split(",")] if inside.strip() else []
    if not all(parts):  # as of a variable that is not set
        return value
    items = [read_value(part) for part in parts]
    return items if _fit(items, kind)[0] else value


def shown(value: Any) -> str:
    """Write a value as TOML would, so that what a person wrote comes back."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except TypeError:
        return repr(value)


def _article(name: str) -> str:
    return "an" if name[0] in "AEIOU" else "a"
