"""The decoder: whole targets in training, one token at a time in decoding, with the same weights."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import ops

from seq2seq.layers import Attention, StackedLSTM
from seq2seq.layers.bias import add_bias
from seq2seq.layers.state import Encoded, Memory, StackState, as_stack_state
from seq2seq.models.embedding import build_embedding
from seq2seq.models.feeding import feed_through
from seq2seq.text.special_ids import PAD


class DecoderState(NamedTuple):
    """What changes at each target step, and what beam search reorders.

    Attributes:
        layers: The state of every layer.
        feed: The output of the step before, read with the next token (input feeding), `[rows, units]`; of width 0
            where there is no input feeding.
    """

    layers: StackState
    feed: tf.Tensor


@keras.saving.register_keras_serializable("seq2seq")
class Decoder(keras.layers.Layer):
    """Reads the target so far with a stack of LSTM layers, looks at the memory, and scores the next token.

    With attention, the output is the attentional vector `tanh(W [context; hidden])` (Luong et al. 2015, equation 5).
    Without, it is the output of the top layer and the memory is never read.

    Args:
        vocab_size: Number of target ids, special ids counted.
        embedding_dim: Width of the embeddings.
        units: The width of each layer, lowest first.
        attention: A score of `seq2seq.layers.attention.SCORES`, or None.
        input_feeding: Whether each step also reads the attentional vector of the step before (Luong et al. 2015,
            section 3.3).
        residual_from: See `StackedLSTM`.
        dropout: Fraction dropped between layers.
        embedding_dropout: Fraction of the embeddings' values dropped.
        output_dropout: Fraction of the outputs dropped, before the logits.
        tie_embeddings: Use the target embeddings as output weights (Press and Wolf 2017). Where their width is not
            the output's, one more projection lies between.

    Call arguments:
        target_in: Ids, each target starting with `<s>`, padding on the right, `[batch, target_time]`.
        state: The initial state of every layer, as a `StateBridge` gives it.
        encoded: What the encoder gave. (Not a prepared `Memory`: then this call works in functional Keras models too.)
        training: Whether dropout is on.

    Returns:
        logits `[batch, target_time, vocab]` and the state of every layer after the last real token. `read` gives the
        outputs before the logits, so that a loss can skip padding and never holds logits twice.

    Raises:
        ValueError: For input feeding without attention, an unknown attention, or dot attention of unequal widths.
    """

    built: bool

    def __init__(
        self,
        vocab_size: int,
        embedding_dim: int,
        units: Sequence[int],
        attention: str | None = None,
        input_feeding: bool = False,
        residual_from: int | None = None,
        dropout: float = 0.0,
        embedding_dropout: float = 0.0,
        output_dropout: float = 0.0,
        tie_embeddings: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if input_feeding and attention is None:
            raise ValueError(
                "Input feeding hands the attentional vector to the next step, so it needs attention. "
                "Received: input_feeding=True, attention=None. Choose an attention, or leave input_feeding out."
            )
        policy = self.dtype_policy
        self.vocab_size = vocab_size
        self.embedding_dim = embedding_dim
        self.attention_score = attention
        self.input_feeding = input_feeding
        self.embedding_dropout = embedding_dropout
        self.output_dropout = output_dropout
        self.tie_embeddings = tie_embeddings
        self.embedding = build_embedding(vocab_size, embedding_dim, policy, also_output=tie_embeddings)
        self.stack = StackedLSTM(
            units, "never", residual_from, dropout, return_sequences=True, return_state=True, dtype=policy, name="stack"
        )
        self.drop_embedding = keras.layers.Dropout(embedding_dropout, dtype=policy, name="embedding_dropout")
        self.drop_output = keras.layers.Dropout(output_dropout, dtype=policy, name="output_dropout")
        self.attention = None if attention is None else Attention(attention, dtype=policy, name="attention")
        self.combine = (
            None
            if attention is None
            else keras.layers.Dense(self.units[-1], "tanh", use_bias=False, dtype=policy, name="combine")
        )
        self.readout = (
            keras.layers.Dense(embedding_dim, use_bias=False, dtype=policy, name="readout")
            if tie_embeddings and embedding_dim != self.units[-1]
            else None
        )
        self.logits = None if tie_embeddings else keras.layers.Dense(vocab_size, dtype=policy, name="logits")

    @property
    def units(self) -> list[int]:
        """The width of each layer, lowest first."""
        return self.stack.units

    def build(self, target_in_shape: Any = None, state_shape: Any = None, encoded_shape: Any = None) -> None:  # noqa: D102
        self.build_for(encoded_shape[0][-1])

    def build_for(self, memory_units: int) -> None:
        """Make the weights for a memory of this width."""
        if self.built:
            return
        self.memory_units = memory_units
        width = self.units[-1]
        if not self.embedding.built:
            self.embedding.build((None, None))
        self.stack.build((None, None, self.embedding_dim + (width if self.input_feeding else 0)))
        if self.attention is not None and self.combine is not None:
            self.attention.build((None, None, width), (None, None, memory_units))
            self.combine.build((None, None, memory_units + width))
        if self.readout is not None:
            self.readout.build((None, width))
        if self.logits is not None:
            self.logits.build((None, width))
        else:
            self.bias = self.add_weight(shape=(self.vocab_size,), initializer="zeros", name="logits_bias")
        self.built = True

    def call(  # noqa: D102
        self, target_in: tf.Tensor, state: StackState, encoded: Encoded, training: bool | None = None
    ) -> tuple[tf.Tensor, StackState]:
        outputs, state = self._run(target_in, state, encoded, training, tf.not_equal(target_in, PAD))
        return self.project(outputs), state

    def read(
        self, target_in: tf.Tensor, state: StackState, encoded: Encoded, training: bool | None = None
    ) -> tf.Tensor:
        """Give the outputs `[batch, target_time, units]` that `project` turns into logits; arguments as in a call.

        Without the state after the last real token the loop needs no mask and is faster: padding is on the right, where
        it touches nothing before it.
        """
        return self._run(target_in, state, encoded, training, None)[0]

    def _run(
        self, target_in: tf.Tensor, state: StackState, encoded: Encoded, training: bool | None, mask: tf.Tensor | None
    ) -> tuple[tf.Tensor, StackState]:
        memory = self.prepare(Encoded(*encoded))
        embedded = self.drop_embedding(self.embedding(target_in), training=training)
        state = as_stack_state(state)
        if self.input_feeding:
            return feed_through(self, embedded, mask, state, memory, training)
        hidden, state = self.stack(embedded, initial_state=state, mask=mask, training=training)
        return self._look(hidden, memory, training), state

    def prepare(self, encoded: Encoded) -> Memory:
        """Compute what attention reads, once per source."""
        if self.attention is None:
            return Memory(encoded.memory, encoded.memory, encoded.mask)
        return self.attention.prepare(encoded)

    def start(self, state: StackState) -> DecoderState:
        """The state before the first step, from what the bridge gave."""
        hidden = state[-1][0].hidden
        width = self.units[-1] if self.input_feeding else 0
        return DecoderState(state, ops.zeros((ops.shape(hidden)[0], width), hidden.dtype))

    def step(
        self, tokens: tf.Tensor, state: DecoderState, memory: Memory, training: bool = False
    ) -> tuple[tf.Tensor, DecoderState]:
        """Read one token per row.

        Args:
            tokens: Ids, `[rows]`; rows may be a multiple of the memory's batch (beams), those of a sentence together.
            state: The state before the step, each part `[rows, …]`.
            memory: What `prepare` gave, `[batch, …]`; never repeated for beams.
            training: Whether dropout is on.

        Returns:
            outputs `[rows, units]` and the state after the step.
        """
        embedded = self.drop_embedding(self.embedding(tokens), training=training)
        return self._advance(embedded, state, memory, training)

    def project(self, outputs: tf.Tensor, words: tf.Tensor | None = None) -> tf.Tensor:
        """Turn outputs into logits.

        Args:
            outputs: `[…, units]`.
            words: Ids to score, `[words]`; None for the whole vocabulary.

        Returns:
            `[…, vocab]`, or `[…, words]`.
        """
        if self.readout is not None:
            outputs = self.readout(outputs)
        weights, bias = self.output_weights(outputs.dtype, words)
        rows = tf.reshape(outputs, [-1, outputs.shape[-1]])
        logits = add_bias(tf.matmul(rows, weights, transpose_b=self.tie_embeddings), bias)
        logits = tf.reshape(logits, [*tf.unstack(tf.shape(outputs)[:-1]), -1])
        logits.set_shape([*outputs.shape[:-1], bias.shape[0]])
        return logits

    def output_weights(self, dtype: Any, words: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Give what `project` multiplies by and adds.

        Args:
            dtype: Of the result.
            words: Ids to score, `[words]`; None for the whole vocabulary.

        Returns:
            weights `[units, vocab]`, or `[vocab, units]` where they are the embeddings, and bias `[vocab]`.
        """
        weights, bias = (
            (self.embedding.embeddings, self.bias) if self.logits is None else (self.logits.kernel, self.logits.bias)
        )
        if words is not None:
            # Taken before they are cast: casting the whole table would cost more than scoring the words.
            weights = tf.gather(weights, words, axis=0 if self.tie_embeddings else 1)
            bias = tf.gather(bias, words)
        return tuple(tf.cast(tf.convert_to_tensor(tensor), dtype) for tensor in (weights, bias))

    def get_config(self) -> dict[str, Any]:  # noqa: D102
        return {
            **super().get_config(),
            "vocab_size": self.vocab_size,
            "embedding_dim": self.embedding_dim,
            "units": self.units,
            "attention": self.attention_score,
            "input_feeding": self.input_feeding,
            "residual_from": self.stack.residual_from,
            "dropout": self.stack.dropout,
            "embedding_dropout": self.embedding_dropout,
            "output_dropout": self.output_dropout,
            "tie_embeddings": self.tie_embeddings,
        }

    def get_build_config(self) -> dict[str, Any]:  # noqa: D102
        return {"memory_units": self.memory_units}

    def build_from_config(self, config: dict[str, Any]) -> None:  # noqa: D102
        self.build_for(**config)

    def _advance(
        self, embedded: tf.Tensor, state: DecoderState, memory: Memory, training: bool | None
    ) -> tuple[tf.Tensor, DecoderState]:
        """One step from an embedding `[rows, embedding_dim]`."""
        inputs = ops.concatenate([embedded, state.feed], axis=-1) if self.input_feeding else embedded
        hidden, layers = self.stack.step(inputs, state.layers, training=training)
        rows, width = tf.shape(hidden)[0], hidden.shape[-1]
        # The rows of a sentence are its queries: one product per sentence, and the memory stays as it is.
        queries = tf.reshape(hidden, [tf.shape(memory.mask)[0], -1, width])
        outputs = tf.reshape(self._look(queries, memory, training), [rows, width])
        return outputs, DecoderState(layers, outputs if self.input_feeding else state.feed)

    def _look(self, hidden: tf.Tensor, memory: Memory, training: bool | None) -> tf.Tensor:
        """The outputs for top-layer outputs `[batch, queries, units]`: attend, combine, drop."""
        if self.attention is not None and self.combine is not None:
            context, _ = self.attention(hidden, memory)
            hidden = self.combine(ops.concatenate([context, hidden], axis=-1))
        return self.drop_output(hidden, training=training)
