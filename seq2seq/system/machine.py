"""What the machine is and can do: its processors, the rate of its matrix products, the memory that was taken."""

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple


class ProductRate(NamedTuple):
    """How fast square matrices are multiplied.

    Attributes:
        rate: Floating-point operations per second, the median of all rounds.
        best: The fastest round.
        size: Rows of the matrices.
        device: Where: "CPU" or "GPU".
    """

    rate: float
    best: float
    size: int
    device: str


def matrix_product_rate(precision: str = "float32", *, seconds: float = 1.0) -> ProductRate:
    """Measure the products of large square matrices, the upper bound of what a network can reach.

    Args:
        precision: "float32" or "bfloat16".
        seconds: About how long to measure.

    Returns:
        The rate on the device that TensorFlow chooses.

    Example:
        >>> matrix_product_rate(seconds=0.01).rate > 0
        True
    """
    import tensorflow as tf

    device = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    size = 8192 if device == "GPU" else 2048
    left = tf.cast(tf.random.uniform([size, size]), precision)
    right = tf.cast(tf.random.uniform([size, size]), precision)
    # A sum, so that waiting for the result moves one number.
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(left, right)[0]), autograph=False)
    product().numpy()
    rounds: list[float] = []
    end = time.monotonic() + seconds
    while not rounds or time.monotonic() < end:
        began = time.perf_counter()
        product().numpy()
        rounds.append(2.0 * size**3 / (time.perf_counter() - began))
    return ProductRate(sorted(rounds)[len(rounds) // 2], max(rounds), size, device)


def peak_memory() -> int:
    """Tell the most main memory that this process has had so far, in bytes; 0 where the system does not say.

    Example:
        >>> peak_memory() >= 0
        True
    """
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def peak_gpu_memory() -> int:
    """Tell the most memory of the first GPU that tensors had so far, in bytes; 0 without a GPU."""
    import tensorflow as tf

    if not tf.config.list_logical_devices("GPU"):
        return 0
    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])


def machine() -> dict[str, Any]:
    """Describe the machine as far as times depend on it: processor, cores of this process, graphics processors."""
    import tensorflow as tf

    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [line for line in information.read_text(encoding="utf-8").splitlines() if line.startswith("model name")]
        processor = names[0].partition(":")[2].strip() if names else processor
    gpus = [
        tf.config.experimental.get_device_details(device).get("device_name", "GPU")
        for device in tf.config.list_physical_devices("GPU")
    ]
    return {"processor": processor, "cores": cores(), "gpus": gpus}


def cores() -> int:
    """Count the processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
