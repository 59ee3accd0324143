"""A process and its fork: TensorFlow's threads stay in the parent, and a child that needs them waits for ever."""

import os

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
