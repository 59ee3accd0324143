"""Names whose things are imported when they are first used, so that the names are known without what stands behind."""

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, TypeVar

Part = TypeVar("Part")


class LazyTable(Mapping[str, Part]):
    """Parts by name, each imported when it is looked up: who only asks for the names needs no TensorFlow.

    Args:
        where: For every name the module of the part, a colon, and what it is called there.

    Example:
        >>> table = LazyTable({"tell": "seq2seq.system.terminal:tell", "shout": "seq2seq.absent:shout"})
        >>> list(table), "shout" in table, table["tell"].__name__
        (['tell', 'shout'], True, 'tell')
    """

    def __init__(self, where: Mapping[str, str]) -> None:
        self._where = dict(where)

    def __getitem__(self, name: str) -> Part:
        module, _, called = self._where[name].partition(":")
        part: Part = getattr(import_module(module), called)
        return part

    def __contains__(self, name: object) -> bool:  # that of Mapping would import the part
        return name in self._where

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def __len__(self) -> int:
        return len(self._where)


def lazily(
    package: str, table: Mapping[str, Sequence[str]], *, keras: Collection[str] = (), together: bool = False
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the ``__getattr__`` and the ``__dir__`` of a package from a table of its names.

    A type checker reads the same names from imports under ``TYPE_CHECKING``, and from ``__all__``; a test compares the
    three. No name may be that of a module of the package: once the module is imported, it would hide what is meant.

    Args:
        package: ``__name__`` of the package.
        table: The names that each module has.
        keras: The modules whose names stand on Keras: another backend is refused in words, before Keras itself or
            something deep inside fails.
        together: Whether the first name that is used brings all the others, so that Keras knows every class of the
            package when it loads a file.

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
        if where[name] in keras:
            import_module("seq2seq.system.backend")
        if together:
            for module in table:
                import_module(module)
        value = getattr(import_module(where[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    def known() -> list[str]:
        return sorted({*vars(sys.modules[package]), *where})

    return get, known
