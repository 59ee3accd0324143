"""The encoder: source ids to a memory and the final state of every layer."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from seq2seq.layers.arguments import hand_on_frozen, need_share
from seq2seq.layers.cells import Cell, cell_config
from seq2seq.layers.stack import StackedRNN, reverse_time
from seq2seq.layers.state import Encoded
from seq2seq.layers.weight_options import weight_config
from seq2seq.models.embedding import build_embedding
from seq2seq.models.inputs import need_ids
from seq2seq.text.special_ids import PAD


@keras.saving.register_keras_serializable("seq2seq")
class Encoder(keras.layers.Layer):
    """Embeds the source, reads it with a stack of recurrent layers, and hands over outputs and states.

    Args:
        vocab_size: Number of source ids, special ids counted.
        embedding_dim: Width of the embeddings.
        units: The width of each layer, lowest first; per direction.
        bidirectional: `"never"`, `"first"`, `"all"`, one flag for all, or one per layer.
        reverse: Read each source from its last word to its first, `</s>` staying last (Sutskever et al. 2014, section
            3.3). The memory comes back in source order.
        residual_from: See `StackedLSTM`.
        dropout: Fraction dropped between layers.
        embedding_dropout: Fraction of the embeddings' values dropped.
        cell: Of the layers: a name of `seq2seq.layers.CELLS`, or a `Cell`.
        recurrent_dropout: See `StackedRNN`.
        kernel_initializer: What draws the kernels of the layers, as Keras takes it; None for Glorot's uniform.
        recurrent_initializer: The same of their recurrent kernels; None for orthogonal ones.

    Call arguments:
        source: Ids, each sentence ending with `</s>`, padding on the right, `[batch, source_time]`.
        training: Whether dropout is on.

    Returns:
        An `Encoded`: memory `[batch, source_time, memory_units]` in source order, mask `[batch, source_time]`, and the
        final state per layer and direction.

    Raises:
        ValueError: If the source is to be both reversed and read both ways; in a call, for a source that is no ids.

    Example:
        >>> encoder = Encoder(vocab_size=20, embedding_dim=8, units=[16, 16], bidirectional="first")
        >>> encoded = encoder(keras.ops.convert_to_tensor([[5, 6, 2], [7, 2, 0]]))
        >>> encoded.memory.shape, [len(layer) for layer in encoded.state]
        (TensorShape([2, 3, 16]), [2, 1])
    """

    built: bool

    def __init__(
        self,
        vocab_size: int,
        embedding_dim: int,
        units: Sequence[int],
        bidirectional: str | bool | Sequence[bool] = "never",
        reverse: bool = False,
        residual_from: int | None = None,
        dropout: float = 0.0,
        embedding_dropout: float = 0.0,
        cell: str | Cell = "lstm",
        recurrent_dropout: float = 0.0,
        kernel_initializer: Any = None,
        recurrent_initializer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        need_share("embedding_dropout", embedding_dropout)
        self.stack = StackedRNN(
            units,
            cell,
            bidirectional,
            residual_from,
            dropout,
            recurrent_dropout,
            return_sequences=True,
            return_state=True,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            dtype=self.dtype_policy,
            name="stack",
        )
        if reverse and any(self.stack.both_ways):
            raise ValueError(
                "A bidirectional encoder already reads the source from both ends; reversing it changes nothing but "
                f"which direction is called forward. Received: reverse=True, bidirectional={bidirectional!r}. "
                "Use one of the two."
            )
        self.vocab_size = vocab_size
        self.embedding_dim = embedding_dim
        self.reverse = reverse
        self.embedding_dropout = embedding_dropout
        self.embedding = build_embedding(vocab_size, embedding_dim, self.dtype_policy)
        self.drop = keras.layers.Dropout(embedding_dropout, dtype=self.dtype_policy, name="embedding_dropout")

    @property
    def state_units(self) -> list[tuple[int, ...]]:
        """The width of the state, per layer and direction."""
        return self.stack.state_units

    @property
    def memory_units(self) -> int:
        """The width of the memory."""
        return self.stack.output_units

    def build(self, source_shape: Any = None) -> None:
        """Make the weights; every width is known without an input."""
        if self.built:
            return
        if not self.embedding.built:
            self.embedding.build(source_shape)
        self.stack.build((None, None, self.embedding_dim))
        hand_on_frozen(self)
        self.built = True

    def call(self, source: tf.Tensor, training: bool | None = None) -> Encoded:  # noqa: D102
        need_ids(source, "source")
        mask = tf.not_equal(source, PAD)
        outputs, state = self.stack(self.embed(source, training), mask=mask, training=training)
        # A copy, without the Keras mask that the stack attaches: ours stands beside it.
        memory = reverse_time(outputs, _words(source)) if self.reverse else tf.identity(outputs)
        return Encoded(memory, mask, state)

    def embed(self, source: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Give what the stack reads, in the order in which it reads, `[batch, source_time, embedding_dim]`."""
        read = reverse_time(source, _words(source)) if self.reverse else source
        return self.drop(self.embedding(read), training=training)

    def get_config(self) -> dict[str, Any]:  # noqa: D102
        return {
            **super().get_config(),
            "vocab_size": self.vocab_size,
            "embedding_dim": self.embedding_dim,
            "units": self.stack.units,
            "bidirectional": self.stack.bidirectional,
            "reverse": self.reverse,
            "residual_from": self.stack.residual_from,
            "dropout": self.stack.dropout,
            "embedding_dropout": self.embedding_dropout,
            "cell": cell_config(self.stack.cell),
            "recurrent_dropout": self.stack.recurrent_dropout,
            **weight_config(self.stack.weight_options),
        }


def _words(source: tf.Tensor) -> tf.Tensor:
    """Tell which tokens are turned round: words, which have a real token behind them; `</s>` keeps its place."""
    return tf.pad(tf.not_equal(source[:, 1:], PAD), [[0, 0], [0, 1]])
