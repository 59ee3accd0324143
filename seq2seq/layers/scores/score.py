"""What a score is: the weights that it needs, and pure functions over them."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple

import tensorflow as tf


class ScoreWeight(NamedTuple):
    """A weight that a score needs.

    Attributes:
        name: In the layer.
        shape: Its shape.
        initializer: As Keras takes it.
    """

    name: str
    shape: tuple[int, ...]
    initializer: Any = "glorot_uniform"


class AttentionScore(ABC):
    """How a query is compared with a key: stateless, its weights are those of the `Attention` that has it.

    The first of the weights, if there are any, makes the keys, once per source; the others meet the queries.

    Attributes:
        multiplies: Whether a score is the product of query and key, and nothing else.
    """

    multiplies: ClassVar[bool] = True

    @abstractmethod
    def weights(self, units: int, memory_units: int) -> list[ScoreWeight]:
        """Name the weights, for queries and a memory of these widths.

        Raises:
            ValueError: The widths do not fit together.
        """

    def keys(self, memory: tf.Tensor, *weights: tf.Tensor) -> tf.Tensor:
        """Make keys of a memory; the memory itself where nothing else is said.

        Args:
            memory: `[batch, source_time, memory_units]`.
            *weights: The first weight, if there are any.

        Returns:
            `[batch, source_time, key_units]`.
        """
        return memory

    def compare(self, query: tf.Tensor, keys: tf.Tensor, *weights: tf.Tensor) -> tf.Tensor:
        """Compare queries with keys; their products where nothing else is said.

        Args:
            query: `[batch, queries, units]`.
            keys: `[batch, source_time, key_units]`.
            *weights: All weights but the first.

        Returns:
            `[batch, queries, source_time]`.
        """
        return tf.matmul(query, keys, transpose_b=True)


def need_one_width(title: str, units: int, memory_units: int) -> None:
    """Refuse to multiply an output of the decoder with a memory of another width."""
    if units != memory_units:
        raise ValueError(
            f"{title} attention multiplies the decoder's output with the memory, so both need the same width. "
            f"Received: decoder width={units}, memory width={memory_units}. Use attention='general'."
        )
