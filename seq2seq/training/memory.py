"""Memory that the C library keeps to itself, given back while a model trains."""

import ctypes
import sys
from typing import Any

import keras

EVERY = 25
"""Steps from one time to the next: 12 milliseconds each."""


class ReleaseMemory(keras.callbacks.Callback):
    """Gives freed memory back to the system, after the first step and after every `EVERY` from there.

    The tensors of a step have many sizes and are freed by many threads. glibc keeps the pieces for each thread apart,
    so that a process holds more the longer it trains. Where the C library is another one, nothing is done.
    """

    def __init__(self) -> None:
        super().__init__()
        library = ctypes.CDLL(None) if sys.platform == "linux" else None
        self._trim = getattr(library, "malloc_trim", None)
        self._steps = 0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        if self._trim and self._steps % EVERY == 0:
            self._trim(0)
        self._steps += 1
