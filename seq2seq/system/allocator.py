"""Where TensorFlow keeps tensors in main memory: in a pool of its own."""

import os


def choose() -> None:
    """Have TensorFlow take main memory from its pool, as it does on a GPU; before its first tensor.

    The tensors of a training step have many sizes and are freed by many threads. The C library keeps freed pieces apart
    for each thread, so that a process holds more the longer it trains; the pool joins them, and what is held stays
    flat. `TF_CPU_ALLOCATOR_USE_BFC=0` in the environment is the way to the C library. The pool may take all of the
    machine's memory: TensorFlow's own limit is 64 GiB, whatever there is.
    """
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "1")
    if hasattr(os, "sysconf"):
        mib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
        os.environ.setdefault("TF_CPU_BFC_MEM_LIMIT_IN_MB", str(mib))
