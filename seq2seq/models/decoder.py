"""The decoder: whole targets in training, one token at a time in decoding, with the same weights."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from seq2seq.layers.arguments import hand_on_frozen, need_share
from seq2seq.layers.attention import ATTENTIONS, weigh
from seq2seq.layers.bias import add_bias
from seq2seq.layers.cells import Cell, cell_config
from seq2seq.layers.stack import StackedRNN
from seq2seq.layers.state import Encoded, Memory, StackState
from seq2seq.layers.weight_options import weight_config
from seq2seq.models.embedding import build_embedding
from seq2seq.models.feeding import feed_through
from seq2seq.models.inputs import need_floats, need_ids
from seq2seq.models.step import DecoderState, Look, Step, StepWeights, lay_out_attention
from seq2seq.system.choices import choose
from seq2seq.text.special_ids import PAD

_OF_ATTENTION = ("prepare", "scores", "query_weights", "multiplies")


@keras.saving.register_keras_serializable("seq2seq")
class Decoder(keras.layers.Layer):
    """Reads the target so far with a stack of recurrent layers, looks at the memory, and scores the next token.

    With attention, the output is the attentional vector `tanh(W [context; hidden])` (Luong et al. 2015, equation 5).
    Without, it is the output of the top layer and the memory is never read. A context is a mean of the memory's
    values, so that the part of `W` that reads it meets the values first: `prepare` does that, once per source.

    Args:
        vocab_size: Number of target ids, special ids counted.
        embedding_dim: Width of the embeddings.
        units: The width of each layer, lowest first.
        attention: A name of `seq2seq.layers.ATTENTIONS`, a layer with the methods of `Attention`, or None.
        input_feeding: Whether each step also reads the attentional vector of the step before (Luong et al. 2015,
            section 3.3).
        residual_from: See `StackedLSTM`.
        dropout: Fraction dropped between layers.
        embedding_dropout: Fraction of the embeddings' values dropped.
        output_dropout: Fraction of the outputs dropped, before the logits.
        tie_embeddings: Use the target embeddings as output weights (Press and Wolf 2017). Where their width is not
            the output's, one more projection lies between.
        cell: Of the layers: a name of `seq2seq.layers.CELLS`, or a `Cell`.
        recurrent_dropout: See `StackedRNN`.
        kernel_initializer: What draws the kernels of the layers, as Keras takes it; None for Glorot's uniform.
        recurrent_initializer: The same of their recurrent kernels; None for orthogonal ones.

    Call arguments:
        target_in: Ids, each target starting with `<s>`, padding on the right, `[batch, target_time]`.
        state: The initial state of every layer, as a `StateBridge` gives it.
        encoded: What the encoder gave. (Not a prepared `Memory`: then this call works in functional Keras models too.)
        training: Whether dropout is on.

    Returns:
        logits `[batch, target_time, vocab]` and the state of every layer after the last real token. `read` gives the
        outputs before the logits, so that a loss can skip padding and never holds logits twice.

    Raises:
        ValueError: For input feeding without attention, an unknown attention, or one that multiplies unequal widths;
            in a call, for a target that is no ids.

    Example:
        >>> from seq2seq.layers import LSTMState
        >>> decoder = Decoder(30, 8, [12], attention="general")
        >>> encoded = Encoded(keras.ops.ones((2, 5, 16)), keras.ops.ones((2, 5), "bool"), ())
        >>> zeros = keras.ops.zeros((2, 12))
        >>> logits, state = decoder(keras.ops.ones((2, 4), "int32"), ((LSTMState(zeros, zeros),),), encoded)
        >>> logits.shape, state[0][0].cell.shape
        (TensorShape([2, 4, 30]), TensorShape([2, 12]))

    Source:
        Sutskever et al. 2014; Luong et al. 2015, sections 3 and 3.3 (attention and input feeding).
    """

    built: bool
    memory_units: int

    def __init__(
        self,
        vocab_size: int,
        embedding_dim: int,
        units: Sequence[int],
        attention: str | keras.layers.Layer | None = None,
        input_feeding: bool = False,
        residual_from: int | None = None,
        dropout: float = 0.0,
        embedding_dropout: float = 0.0,
        output_dropout: float = 0.0,
        tie_embeddings: bool = False,
        cell: str | Cell = "lstm",
        recurrent_dropout: float = 0.0,
        kernel_initializer: Any = None,
        recurrent_initializer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, share in (("embedding_dropout", embedding_dropout), ("output_dropout", output_dropout)):
            need_share(name, share)
        if input_feeding and attention is None:
            raise ValueError(
                "Input feeding hands the attentional vector to the next step, so it needs attention. "
                "Received: input_feeding=True, attention=None. Choose an attention, or leave input_feeding out."
            )
        policy = self.dtype_policy
        self.vocab_size = vocab_size
        self.embedding_dim = embedding_dim
        self.input_feeding = input_feeding
        self.embedding_dropout = embedding_dropout
        self.output_dropout = output_dropout
        self.tie_embeddings = tie_embeddings
        self.embedding = build_embedding(vocab_size, embedding_dim, policy, also_output=tie_embeddings)
        self.stack = StackedRNN(
            units,
            cell,
            "never",
            residual_from,
            dropout,
            recurrent_dropout,
            return_sequences=True,
            return_state=True,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            dtype=policy,
            name="stack",
        )
        self.drop_embedding = keras.layers.Dropout(embedding_dropout, dtype=policy, name="embedding_dropout")
        self.drop_output = keras.layers.Dropout(output_dropout, dtype=policy, name="output_dropout")
        if isinstance(attention, dict):
            attention = keras.saving.deserialize_keras_object(attention)
        self.attention_by_name = isinstance(attention, str)
        self.attention_name = attention if isinstance(attention, str | None) else type(attention).__name__
        if isinstance(attention, str):
            attention = choose("attention", attention, ATTENTIONS)(dtype=policy, name="attention")
        self.attention: Any = _checked(attention)
        self.combine: Any = (
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
            if memory_units != self.memory_units:
                raise ValueError(
                    "A decoder is made for memories of one width. "
                    f"Received: memory_units={memory_units}, where it was built for {self.memory_units}. Make another."
                )
            return
        self.memory_units = memory_units
        width = self.units[-1]
        if not self.embedding.built:
            self.embedding.build((None, None))
        self.stack.build((None, None, self.embedding_dim + (width if self.input_feeding else 0)))
        if self.attention is not None:
            if not self.attention.built:  # one that was given as an object may come from a file
                self.attention.build((None, None, width), (None, None, memory_units))
            self.combine.build((None, None, memory_units + width))
        if self.readout is not None:
            self.readout.build((None, width))
        if self.logits is not None:
            self.logits.build((None, width))
        else:
            self.bias = self.add_weight(shape=(self.vocab_size,), initializer="zeros", name="logits_bias")
        hand_on_frozen(self)
        self.built = True

    def call(  # noqa: D102
        self, target_in: tf.Tensor, state: StackState, encoded: Encoded, training: bool | None = None
    ) -> tuple[tf.Tensor, StackState]:
        need_ids(target_in, "target_in")
        outputs, state = self._run(target_in, state, encoded, training, tf.not_equal(target_in, PAD))
        return self.project(outputs), state

    def read(
        self, target_in: tf.Tensor, state: StackState, encoded: Encoded, training: bool | None = None
    ) -> tf.Tensor:
        """Give the outputs `[batch, target_time, units]` that `project` turns into logits; arguments as in a call.

        Without the state after the last real token the loop needs no mask and is faster: padding is on the right, where
        it touches nothing before it.
        """
        need_ids(target_in, "target_in")
        return self._run(target_in, state, encoded, training, None)[0]

    def look(self, target_in: tf.Tensor, state: StackState, encoded: Encoded) -> tf.Tensor:
        """Give the attention of a whole target, without gradients: `[batch, target_time, source_time]`.

        Args:
            target_in: As in a call; rows of padding are those of the steps that they stand for.
            state: As in a call.
            encoded: As in a call.

        Raises:
            ValueError: There is no attention.
        """
        need_ids(target_in, "target_in")
        if self.attention is None:
            raise ValueError("Without attention there are no weights to look at. Received: attention=None.")
        memory, weights = self.prepare(Encoded(*encoded)), self.lay_out()
        rows = tf.transpose(target_in)
        first = self.start(self.stack.named(state))

        def one_more(time: tf.Tensor, state: DecoderState, seen: tf.TensorArray) -> tuple[Any, ...]:
            step = self.step(rows[time], state, memory, weights)
            return time + 1, step.state, seen.write(time, step.attention)

        steps = tf.shape(rows)[0]
        seen = tf.TensorArray(first.feed.dtype, steps)
        *_, seen = tf.while_loop(lambda time, *_: time < steps, one_more, (0, first, seen), maximum_iterations=steps)
        return tf.transpose(seen.stack(), [1, 0, 2])

    def _run(
        self, target_in: tf.Tensor, state: StackState, encoded: Encoded, training: bool | None, mask: tf.Tensor | None
    ) -> tuple[tf.Tensor, StackState]:
        memory = self.prepare(Encoded(*encoded))
        embedded = self.drop_embedding(self.embedding(target_in), training=training)
        state = self.stack.named(state)
        if self.input_feeding:
            return feed_through(self, embedded, mask, state, memory, training)
        outputs, state = self.stack(embedded, initial_state=state, mask=mask, training=training)
        outputs = tf.identity(outputs)  # without a Keras mask: what is real is told by the targets
        look = self._lay_out_look(outputs.dtype)
        if look is not None:
            shape, width = tf.shape(outputs), self.units[-1]
            outputs, _ = self._look(tf.reshape(outputs, [-1, width]), memory, look)
            outputs = tf.reshape(outputs, shape)
        return self.drop_output(outputs, training=training), state

    def prepare(self, encoded: Encoded, dtype: Any = None) -> Memory:
        """Compute what attention reads, once per source.

        Args:
            encoded: What the encoder gave.
            dtype: Of products; None: that of the decoder.

        Returns:
            The keys, and as values `W_c · memory`, where W_c is the part of the attentional vector's matrix that reads
            the context; the memory as it is without attention.
        """
        dtype = self.compute_dtype if dtype is None else dtype
        if self.attention is None:
            return Memory(encoded.memory, encoded.memory, encoded.mask)
        memory = self.attention.prepare(encoded)
        values = tf.cast(memory.values, dtype)
        of_context = tf.cast(self.combine.kernel, dtype)[: self.memory_units]
        projected = tf.matmul(tf.reshape(values, [-1, self.memory_units]), of_context)
        values = tf.reshape(projected, [*tf.unstack(tf.shape(values)[:2]), self.units[-1]])
        return Memory(values, tf.cast(memory.keys, dtype), memory.mask)

    def lay_out(self, dtype: Any = None, vocabulary: tf.Tensor | None = None) -> StepWeights:
        """Lay the weights out for steps, once per target or per search.

        Args:
            dtype: In which products are taken; None: that of the decoder.
            vocabulary: The ids that tokens number, `[shortlisted]`; None: all ids.
        """
        dtype = self.compute_dtype if dtype is None else dtype
        table = tf.convert_to_tensor(self.embedding.embeddings)
        table = table if vocabulary is None else tf.gather(table, vocabulary)
        layers = self.stack.prepare(dtype)
        return StepWeights(lambda tokens: tf.cast(tf.gather(table, tokens), dtype), layers, self._lay_out_look(dtype))

    def _lay_out_look(self, dtype: Any) -> Look | None:
        if self.attention is None:
            return None
        return lay_out_attention(self.attention, tf.cast(self.combine.kernel, dtype)[self.memory_units :])

    def start(self, state: StackState) -> DecoderState:
        """The state before the first step, from what the bridge gave."""
        hidden = state[-1][0].hidden
        width = self.units[-1] if self.input_feeding else 0
        return DecoderState(state, ops.zeros((ops.shape(hidden)[0], width), hidden.dtype))

    def step(self, tokens: tf.Tensor, state: DecoderState, memory: Memory, weights: StepWeights | None = None) -> Step:
        """Read one token per row: the one step of search, of input feeding and of checks; without dropout.

        Args:
            tokens: Ids, `[rows]`; rows may be a multiple of the memory's batch (beams), those of a sentence together.
            state: The state before the step, each part `[rows, …]`.
            memory: What `prepare` gave, `[batch, …]`; never repeated for beams.
            weights: What `lay_out` gave; None lays them out anew.

        Returns:
            outputs, state and attention after the step.
        """
        weights = self.lay_out() if weights is None else weights
        embedded = weights.embed(tokens)
        inputs = tf.concat([embedded, state.feed], axis=1) if self.input_feeding else embedded
        return self.advance(inputs, state, memory, weights)

    def advance(
        self,
        inputs: tf.Tensor,
        state: DecoderState,
        memory: Memory,
        weights: StepWeights,
        projected: Sequence[tf.Tensor] = (),
        between: Sequence[tf.Tensor | None] = (),
        at_output: tf.Tensor | None = None,
    ) -> Step:
        """Take a step from what its lowest layer reads, with the dropout that is given.

        Args:
            inputs: `[rows, features]`: embedding and fed-back output side by side, or what of them is not projected.
            state: See `step`.
            memory: See `step`.
            weights: See `step`.
            projected: See `StackedRNN.step`.
            between: See `StackedRNN.step`.
            at_output: What dropout multiplies the outputs by, `[rows, units]`; None without.
        """
        outputs, layers = self.stack.step(inputs, state.layers, weights.layers, projected, between)
        attention = None
        if weights.look is not None:
            outputs, attention = self._look(outputs, memory, weights.look)
        if at_output is not None:
            outputs *= at_output
        return Step(outputs, DecoderState(layers, outputs if self.input_feeding else state.feed), attention)

    def _look(self, hidden: tf.Tensor, memory: Memory, look: Look) -> tuple[tf.Tensor, tf.Tensor]:
        """The attentional vectors for top-layer outputs `[rows, units]`, and the attention `[rows, source_time]`."""
        rows, width = tf.shape(hidden)[0], hidden.shape[1]
        # The rows of a sentence are its queries: one product per sentence, and the memory stays as it is.
        queries = tf.reshape(hidden, [tf.shape(memory.mask)[0], -1, width])
        attention = weigh(look.scores(queries, memory), memory.mask, hidden.dtype)
        context = look.context(attention, memory)
        (combined,) = look.combine(hidden)
        outputs = tf.tanh(combined + tf.reshape(context, [rows, width]))
        return outputs, tf.reshape(attention, [rows, -1])

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
        # Of no rows -1 would say nothing.
        logits = tf.reshape(logits, [*tf.unstack(tf.shape(outputs)[:-1]), tf.shape(bias)[0]])
        logits.set_shape([*outputs.shape[:-1], bias.shape[0]])
        return logits

    def output_weights(self, dtype: Any, words: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Give what `project` multiplies by and adds.

        Args:
            dtype: Of the result.
            words: Ids to score, `[words]`; None for the whole vocabulary.

        Returns:
            weights `[units, vocab]`, or `[vocab, units]` where they are the embeddings, and bias `[vocab]`.

        Raises:
            ValueError: A layer was quantized.
        """
        need_floats([self.embedding, self.combine, self.readout, self.logits])
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
            "attention": self._attention_config(),
            "input_feeding": self.input_feeding,
            "residual_from": self.stack.residual_from,
            "dropout": self.stack.dropout,
            "embedding_dropout": self.embedding_dropout,
            "output_dropout": self.output_dropout,
            "tie_embeddings": self.tie_embeddings,
            "cell": cell_config(self.stack.cell),
            "recurrent_dropout": self.stack.recurrent_dropout,
            **weight_config(self.stack.weight_options),
        }

    def _attention_config(self) -> Any:
        if self.attention is None or self.attention_by_name:
            return self.attention_name
        return keras.saving.serialize_keras_object(self.attention)

    def get_build_config(self) -> dict[str, Any] | None:  # noqa: D102
        return {"memory_units": self.memory_units} if self.built else None

    def build_from_config(self, config: dict[str, Any]) -> None:  # noqa: D102
        self.build_for(**config)


def _checked(attention: Any) -> Any:
    """Refuse a layer that is no attention."""
    if isinstance(attention, type):
        raise ValueError(
            "An attention is a layer, not the class of one. "
            f"Received: attention={attention.__name__}. Write {attention.__name__}()."
        )
    missing = [] if attention is None else [name for name in _OF_ATTENTION if name not in dir(attention)]
    if missing:
        raise ValueError(
            f"An attention is a layer with {', '.join(_OF_ATTENTION)}, as seq2seq.layers.Attention has them. "
            f"Received: {type(attention).__name__}, without {', '.join(missing)}. Add them, or name one of "
            f"{', '.join(ATTENTIONS)}."
        )
    return attention
