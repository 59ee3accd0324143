"""The type of what needs more than half precision: gates, cell states, softmax and loss."""

import tensorflow as tf


def fine(dtype: tf.DType) -> tf.DType:
    """Give the type in which to compute beside products of this type: float32, or finer where it is so.

    Args:
        dtype: A floating type.

    Returns:
        float64 for float64, float32 for all others.

    Example:
        >>> fine(tf.bfloat16).name, fine(tf.float64).name
        ('float32', 'float64')
    """
    return tf.float64 if dtype == tf.float64 else tf.float32
