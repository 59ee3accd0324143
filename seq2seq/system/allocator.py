"""Where TensorFlow keeps tensors in main memory: in a pool of its own."""

import os
from collections.abc import Iterator
from pathlib import Path

_LIMITS = {"": "memory.max", "memory": "memory.limit_in_bytes"}  # of control groups, version 2 and version 1


def choose() -> None:
    """Have TensorFlow take main memory from its pool, as it does on a GPU; before its first tensor.

    The tensors of a training step have many sizes and are freed by many threads. The C library keeps freed pieces apart
    for each thread, so that a process holds more the longer it trains; the pool joins them, and what is held stays
    flat. `TF_CPU_ALLOCATOR_USE_BFC=0` in the environment is the way to the C library. The pool may take all of the
    memory that the process may: TensorFlow's own limit is 64 GiB, whatever there is.
    """
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "1")
    limit = memory_limit()
    if limit:
        os.environ.setdefault("TF_CPU_BFC_MEM_LIMIT_IN_MB", str(limit >> 20))


def memory_limit(root: Path = Path("/")) -> int:
    """Tell how much main memory this process may take, in bytes: what the machine has, or less in a container.

    Args:
        root: Where `/proc` and `/sys` are.

    Returns:
        The smallest limit of the machine and of the control groups of the process; 0 where the system tells none.

    Example:
        >>> memory_limit() >= 0
        True
    """
    machine = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")] if hasattr(os, "sysconf") else []
    return min([*machine, *_limits(root)], default=0)


def _limits(root: Path) -> Iterator[int]:
    """Give the limits of the control groups that the process lies in, and of those round these."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in {"memory"} & set(controllers.split(",")) or {controllers}:
            if controller not in _LIMITS:
                continue
            top = root / "sys/fs/cgroup" / controller
            group = top / path.lstrip("/")
            # A container sees its own group as the top one, whatever its path says outside.
            for folder in {top, group, *(parent for parent in group.parents if parent.is_relative_to(top))}:
                try:
                    yield int((folder / _LIMITS[controller]).read_text(encoding="utf-8"))
                except (OSError, ValueError):  # not there, or "max"
                    continue
