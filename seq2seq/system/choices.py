"""Choices by name: an unknown name is answered with the nearest valid one."""

import difflib
from collections.abc import Mapping
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
    if name in table:
        return table[name]
    near = difflib.get_close_matches(str(name), list(table), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{what} is one of: {', '.join(sorted(table))}. Received: {what}={name!r}.{hint}")
