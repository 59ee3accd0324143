"""The best few of many: exact, and several times faster than TensorFlow's own over a large vocabulary."""

import tensorflow as tf

BLOCK = 64
"""Values per block."""


def best_of_row(values: tf.Tensor, count: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Find the greatest values of each row; of equal ones the first.

    `tf.math.top_k` on a CPU compares value by value. The greatest of each block is found with vector instructions, and
    the best `count` values of a row lie in its best `count` blocks: only those are sorted.

    Args:
        values: `[rows, n]` float32, without NaN.
        count: How many; all of them where a row has fewer.

    Returns:
        values `[rows, count]`, best first, and their places in the row `[rows, count]` int32.

    Example:
        >>> values, places = best_of_row(tf.constant([[1.0, 3.0, 2.0, 3.0]]), 3)
        >>> values.numpy().tolist(), places.numpy().tolist()
        ([[3.0, 3.0, 2.0]], [[1, 3, 2]])
    """
    width = values.shape[1]
    if width is None:
        width = tf.shape(values)[1]
        # As many blocks as are picked, the last of them empty where the row is short.
        blocks, found = tf.maximum(-(-width // BLOCK), count), tf.minimum(count, width)
    else:
        blocks, found = -(-width // BLOCK), min(count, width)
        if blocks < 2 * count:  # sorted whole at the same price
            return tf.math.top_k(values, found)
    if values.shape[1] is None or width % BLOCK:
        values = tf.pad(values, [[0, 0], [0, blocks * BLOCK - width]], constant_values=float("-inf"))
    rows = tf.shape(values)[0]
    best_blocks = tf.math.top_k(tf.reduce_max(tf.reshape(values, [rows, blocks, BLOCK]), axis=2), count)[1]
    # In their order, so that of equal values the first is found, as by tf.math.top_k.
    best_blocks = tf.sort(best_blocks, axis=1)
    flat = tf.reshape(best_blocks + tf.range(rows)[:, tf.newaxis] * blocks, [-1])
    kept = tf.reshape(tf.gather(tf.reshape(values, [-1, BLOCK]), flat), [rows, count * BLOCK])
    best, places = tf.math.top_k(kept, found)
    return best, tf.gather(best_blocks, places // BLOCK, batch_dims=1) * BLOCK + places % BLOCK
