"""A process and its fork: TensorFlow's threads stay in the parent, and a child that needs them waits for ever."""

import functools
import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

_first: int | None = None  # the process that used TensorFlow first; a child inherits the number, not the threads


def need_own_threads() -> None:
    """Refuse to use TensorFlow in a process that was forked from one that had used it; called before it is used.

    Raises:
        RuntimeError: This is such a process.

    Example:
        >>> need_own_threads()
    """
    global _first
    process = os.getpid()
    _first = process if _first is None else _first
    if _first != process:
        raise RuntimeError(
            "A forked process cannot use TensorFlow where its parent has used it before: the threads stay behind, and "
            f"it would wait for ever. Received: process {process}, with a model made or loaded in process {_first}. "
            "Load or build models in the child alone (gunicorn without --preload), or start children afresh: "
            "multiprocessing.get_context('spawn')."
        )


def with_own_threads(method: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Give a method that begins with :func:`need_own_threads`; for those that a class inherits.

    Example:
        >>> with_own_threads(len)("four")
        4
    """

    # Not its docstring: inherited, it is that of the class which has the method.
    @functools.wraps(method, assigned=("__module__", "__name__", "__qualname__"))
    def checked(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        need_own_threads()
        return method(*args, **kwargs)

    return checked
