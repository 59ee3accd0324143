"""Public names of a package that are imported when they are first used, so that the package is quick to import."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazily(
    package: str, table: Mapping[str, Sequence[str]], *, keras: bool = False
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the ``__getattr__`` and the ``__dir__`` of a package from a table of its names.

    A type checker reads the same names from imports under ``TYPE_CHECKING``, and from ``__all__``; a test compares the
    three. No name may be that of a module of the package: once the module is imported, it would hide what is meant.

    Args:
        package: ``__name__`` of the package.
        table: The names that each module has.
        keras: Whether the names stand on Keras: another backend is refused in words, before something deep inside
            fails.

    Returns:
        The two functions.

    Example:
        >>> get, known = lazily("seq2seq.system", {"seq2seq.system.terminal": ["tell"]})
        >>> get("tell").__name__, "tell" in known()
        ('tell', True)
        >>> get("shout")
        Traceback (most recent call last):
        AttributeError: module 'seq2seq.system' has no attribute 'shout'
    """
    where = {name: module for module, names in table.items() for name in names}

    def get(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if keras:
            import_module("seq2seq.system.backend")
        value = getattr(import_module(where[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    def known() -> list[str]:
        return sorted({*vars(sys.modules[package]), *where})

    return get, known
