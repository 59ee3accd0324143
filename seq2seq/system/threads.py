"""How many cores TensorFlow gives an operation, and how many batches are then at work at a time."""

import os

from seq2seq.system.machine import cores

_CORES_OF_AN_OPERATION = "TF_NUM_INTRAOP_THREADS"


def one_core_per_operation() -> None:
    """Have each operation of this process take one core, unless the environment says otherwise.

    For who translates many batches: operations of a search are small, and cutting one in pieces for several cores costs
    more than it gains where another batch has work for them. TensorFlow reads it when it runs its first operation.
    """
    os.environ.setdefault(_CORES_OF_AN_OPERATION, "1")


def batches_at_a_time() -> int:
    """Count the batches to translate at a time: one for each core where an operation takes but one, else two.

    Two, since the small operations of one fill the gaps that those of the other leave; also on a GPU.
    """
    import tensorflow as tf

    alone = os.environ.get(_CORES_OF_AN_OPERATION) == "1" and not tf.config.list_physical_devices("GPU")
    return max(2, cores()) if alone else 2
