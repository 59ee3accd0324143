"""Typed settings: frozen dataclasses, read from plain tables (TOML) or ``section.key=value``, checked by annotation.

A field that is a settings class itself is a section, to any depth; a field of several such classes is one of them, told
by its key ``kind``. A class names its section (``section``) and what its settings were called before (``renamed``).
"""

from seq2seq.settings.docstrings import meanings
from seq2seq.settings.fields import (
    Count,
    CountOrNone,
    Matching,
    NoSuchSettingError,
    NotNegative,
    Positive,
    Range,
    SettingsError,
    Share,
    StartsFrom,
    check_settings,
    convert,
    defaults,
    kind_name,
    kinds,
    parse_value,
    section_classes,
    section_of,
    sections,
    words,
)
from seq2seq.settings.names import present_name
from seq2seq.settings.tables import by_name, changes, differences, filled, from_table, override, to_table, to_toml
from seq2seq.settings.toml import write_value

__all__ = [
    "Count",
    "CountOrNone",
    "Matching",
    "NoSuchSettingError",
    "NotNegative",
    "Positive",
    "Range",
    "SettingsError",
    "Share",
    "StartsFrom",
    "by_name",
    "changes",
    "check_settings",
    "convert",
    "defaults",
    "differences",
    "filled",
    "from_table",
    "kind_name",
    "kinds",
    "meanings",
    "override",
    "parse_value",
    "present_name",
    "section_classes",
    "section_of",
    "sections",
    "to_table",
    "to_toml",
    "words",
    "write_value",
]
