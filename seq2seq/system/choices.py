"""Choices by name: an unknown name is answered with the nearest valid one."""

import difflib
from collections.abc import Collection, Mapping
from typing import TypeVar

Choice = TypeVar("Choice")


def choose(what: str, name: str, table: Mapping[str, Choice]) -> Choice:
    """Look a name up, and say which names there are when it is not one of them.

    Args:
        what: What is chosen, for the message, with the argument's name: "optimizer".
        name: The name given.
        table: Valid names and what they stand for.

    Returns:
        What the name stands for.

    Raises:
        ValueError: The name is not in the table.

    Example:
        >>> choose("optimizer", "adma", {"adam": 1, "sgd": 2})
        Traceback (most recent call last):
        ValueError: optimizer is one of: adam, sgd. Received: optimizer='adma'. Did you mean 'adam'?
    """
    need_choice(what, name, table)
    return table[name]


def need_choice(what: str, name: str, names: Collection[str]) -> None:
    """Refuse a name that is not one of those there are, where it stands for itself.

    Args:
        what: What is chosen, for the message, with the argument's name: "unit".
        name: The name given.
        names: Valid names.

    Raises:
        ValueError: The name is not one of them.

    Example:
        >>> need_choice("unit", "tokens", ("sentences", "tokens"))
    """
    if name in names:
        return
    raise ValueError(
        f"{what} is one of: {', '.join(sorted(names))}. Received: {what}={name!r}.{did_you_mean(str(name), names)}"
    )


def did_you_mean(name: str, names: Collection[str]) -> str:
    """Ask for the nearest of the names that there are, to end a message with; nothing where none is near.

    Example:
        >>> did_you_mean("--beam-sise", ["--beam-size", "--seed"]), did_you_mean("x", ["beam"])
        (" Did you mean '--beam-size'?", '')
    """
    near = closest(name, names)
    return "" if near is None else f" Did you mean {near!r}?"


def closest(name: str, names: Collection[str]) -> str | None:
    """Find the nearest of some names, whatever its case; nothing where none is near.

    Example:
        >>> closest("LSTMs", ["gru", "lstm"]), closest("attention", ["lstm"])
        ('lstm', None)
    """
    folded = {known.casefold(): known for known in names}
    near = difflib.get_close_matches(name.casefold(), list(folded), n=1)
    return folded[near[0]] if near else None
