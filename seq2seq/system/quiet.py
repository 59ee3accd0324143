"""TensorFlow without the log lines that it prints while it is being loaded.

`TF_CPP_MIN_LOG_LEVEL` silences TensorFlow's C++ log only once the library has started. What its shared objects say
before (oneDNN, CUDA, "All log messages before absl::InitializeLog()") goes straight to file descriptor 2, so it can
only be held back there.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_NOISE = re.compile(rb"[IWE]\d{4} \d\d:\d\d:\d\d|WARNING: All log messages before absl::InitializeLog\(\)")


def quiet() -> None:
    """Make the first `import tensorflow` of this process a quiet one, whoever does it.

    The `seq2seq` command and recipe scripts do so; a program of your own calls `seq2seq.quiet()` before anything of
    TensorFlow or Keras is imported, or lets TensorFlow talk. Nothing happens where TensorFlow is loaded already, or
    where the user chose another `TF_CPP_MIN_LOG_LEVEL` than our "3" (fatal errors only): setting it to "0" is the way
    to see everything, such as why a GPU was not found.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "3" and "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _QuietTensorFlow())


class _QuietTensorFlow:
    """Finds `tensorflow` where it would be found anyway, and has it loaded under `_quiet_stderr`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "tensorflow":
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            # On the loader's instance: it stays the loader that resources and inspection expect.
            spec.loader.exec_module = self._quietly(spec.loader.exec_module)  # type: ignore[assignment]
        return spec

    def _quietly(self, execute: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
        def exec_module(module: ModuleType) -> None:
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            with _quiet_stderr():
                execute(module)

        return exec_module


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Hold back what goes to file descriptor 2, then pass on all but TensorFlow's log lines."""
    import tempfile  # not at the top: `seq2seq --help` does without it

    try:
        if sys.stderr is not None:
            sys.stderr.flush()
        real = os.dup(2)
    except OSError:  # no stderr, so no noise either
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(real, 2)
            os.close(real)
            held.seek(0)
            for line in held:
                if not _NOISE.match(line):
                    os.write(2, line)
