"""What the `seq2seq` command and recipe scripts do to their own process; `import seq2seq` leaves it as it is."""

from pathlib import Path

from seq2seq.system import allocator
from seq2seq.system.quiet import quiet
from seq2seq.system.terminal import tell

_DRIVERS = ("/proc/driver/nvidia/gpus", "/dev/kfd")  # where the drivers of NVIDIA and of AMD show what is there


def prepare() -> None:
    """Keep TensorFlow quiet, and have it take memory from its pool; before anything of TensorFlow is imported."""
    quiet()
    allocator.choose()


def tell_of_unused_gpu() -> None:
    """Say that there is a graphics processor which TensorFlow does not use: its own words about that are held back."""
    import tensorflow as tf

    there = [driver for driver in _DRIVERS if Path(driver).exists()]
    if there and not tf.config.list_physical_devices("GPU"):
        tell(
            f"This machine has a graphics processor ({there[0]}), and TensorFlow does not use it. To see why, set "
            "TF_CPP_MIN_LOG_LEVEL=0 in the environment."
        )
