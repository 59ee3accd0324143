"""The matrices that steps multiply by, laid out once for all of them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

Product = Callable[[tf.Tensor], list[tf.Tensor]]
"""Multiplies `[rows, m]` (or `[rows, queries, m]`) by a matrix, and gives the parts of the result."""


class Weight(NamedTuple):
    """A matrix that each step of a loop multiplies something by.

    Attributes:
        matrix: `[m, n]`; or one for each row of the batch, `[batch, m, n]`.
        parts: Into how many tensors, side by side, the result is cut.
        bias: Added to every product, `[n]`, or None.
    """

    matrix: tf.Tensor
    parts: int = 1
    bias: tf.Tensor | None = None


def product(weight: Weight) -> Product:
    """Multiply at once: one wide product, cut afterwards, which is the fastest where there are few rows.

    Args:
        weight: What to multiply by.

    Example:
        >>> by_two = product(Weight(2 * tf.eye(2), parts=2))
        >>> [part.numpy().tolist() for part in by_two(tf.constant([[1.0, 3.0]]))]
        [[[2.0]], [[6.0]]]
    """

    def multiply(values: tf.Tensor) -> list[tf.Tensor]:
        result = tf.matmul(values, weight.matrix)
        if weight.bias is not None:
            result = tf.nn.bias_add(result, weight.bias)
        return [result] if weight.parts == 1 else tf.split(result, weight.parts, axis=-1)

    return multiply


def products(weights: Sequence[Weight]) -> list[Product]:
    """Multiply at once by each of several weights."""
    return [product(weight) for weight in weights]
