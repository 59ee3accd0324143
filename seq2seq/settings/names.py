"""What settings are called: the nearest name to one that there is not, and the new name of one that has moved."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from seq2seq.settings.fields import KIND, SettingsError, kind_name, kinds, renamed_in, section_classes, sections, shown
from seq2seq.system.terminal import tell

_told: set[str] = set()


def unknown(root: type, cls: type, path: str, name: str, value: Any) -> str:
    """Say that there is no such setting, and which one may be meant.

    Args:
        root: The class of all settings.
        cls: That of the section where the name was looked for.
        path: The path of this section; empty for the whole.
        name: What was looked for.
        value: What stood there.
    """
    own = _keys([*sections(root)], path, cls)
    place = f"[{path}] has" if path else "A recipe has"
    return f"There is no setting {joined(path, name)}.{_hint(root, cls, path, name, value)} {place}: {', '.join(own)}."


def _keys(everywhere: Sequence[tuple[str, type]], path: str, cls: type) -> list[str]:
    """Name what may be written in a section of this class."""
    several = sum(place == path for place, _ in everywhere) > 1
    return [*([KIND] if several else []), *kinds(cls)]


def _hint(root: type, cls: type, path: str, name: str, value: Any) -> str:
    """Name what may be meant: in the same section, else in those inside it, else anywhere."""
    everywhere = list(sections(root))
    if close := difflib.get_close_matches(name, _keys(everywhere, path, cls), n=1):
        name = close[0] if isinstance(value, Mapping) else _of_a_value(cls, close[0])
        return f" Did you mean {joined(path, name)}?"
    for place, other in everywhere:
        if place == path and name in kinds(other):
            return f' It belongs to {joined(path, "kind")}="{kind_name(other)}".'
    for scope in ([found for found in everywhere if found[0].startswith(f"{path}.")], everywhere):
        paths: dict[str, str] = {}
        for place, other in scope:
            for key in _keys(everywhere, place, other):
                paths.setdefault(key, joined(place, key))
        if close := [name] if name in paths else difflib.get_close_matches(name, paths, n=1):
            return f" Did you mean {paths[close[0]]}?"
    return ""


def _of_a_value(cls: type, name: str) -> str:
    """Name what a plain value is for where a section is named: the setting that had its name, or tells its kind."""
    several = len(section_classes(kinds(cls).get(name))) > 1
    return renamed_in(cls).get(name, joined(name, KIND) if several else name)


def present_name(cls: type, name: str) -> str:
    """Give the present name of a setting, by its path from the class of the whole: its own where it never had another.

    Args:
        cls: The class of the whole.
        name: The path: ``model.bridge``, for what is now ``model.bridge.mode``.
    """
    *outer, last = name.split(".")
    for part in outer:
        cls = next(iter(section_classes(kinds(cls).get(part))), cls)
    return joined(".".join(outer), renamed_in(cls).get(last, last))


class Renaming:
    """Reads settings under the names that they had before, and tells the new ones: once in a process for each."""

    def __init__(self) -> None:
        self._now: dict[str, str] = {}

    def moved(self, cls: type, table: Mapping[str, Any], path: str = "") -> dict[str, Any]:
        """Give a table with every setting under its present name.

        Args:
            cls: The settings class of the table.
            table: Values by name, old or new.
            path: Where the table stands in the whole.

        Raises:
            SettingsError: A setting is there under both names.
        """
        renamed = renamed_in(cls)
        # An old name may be that of a section now.
        old = {name: value for name, value in table.items() if name in renamed and not isinstance(value, Mapping)}
        found = {name: value for name, value in table.items() if name not in old}
        for name, value in old.items():
            before, now = joined(path, name), joined(path, renamed[name])
            *outer, last = renamed[name].split(".")
            place, where = found, path
            for part in outer:
                where = joined(where, part)
                place[part] = place = dict(need_section(place.get(part, {}), where))
            if last in place:
                raise SettingsError(f"{before} is now {now}, and both are there. Leave {before} out.")
            place[last] = value
            self._now[before] = now
        for name, kind in kinds(cls).items():
            for inner in section_classes(kind):
                if isinstance(found.get(name), Mapping):
                    found[name] = self.moved(inner, found[name], joined(path, name))
        return found

    def tell(self, where: str = "") -> None:
        """Tell what the settings are called now that were read under old names; ``where`` says where they stand."""
        new = [f"{before} is now {now}" for before, now in self._now.items() if before not in _told]
        _told.update(self._now)
        if new:
            tell(f"{where}{', '.join(new)}. The old {'name is' if len(new) == 1 else 'names are'} read too.")


def need_section(value: Any, name: str) -> Mapping[str, Any]:
    """Give the table of a section.

    Raises:
        SettingsError: It is a plain value.
    """
    if isinstance(value, Mapping):
        return value
    raise SettingsError(f"{name} is a section, [{name}]. Received: {name}={shown(value)}.")


def joined(path: str, name: str) -> str:
    """Name a setting from the whole.

    Example:
        >>> joined("model.encoder", "units"), joined("", "seed")
        ('model.encoder.units', 'seed')
    """
    return f"{path}.{name}" if path else name
