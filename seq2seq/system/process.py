"""What the `seq2seq` command and recipe scripts do to their own process; `import seq2seq` leaves it as it is."""

from seq2seq.system import allocator
from seq2seq.system.quiet import quiet


def prepare() -> None:
    """Keep TensorFlow quiet, and have it take memory from its pool; before anything of TensorFlow is imported."""
    quiet()
    allocator.choose()
