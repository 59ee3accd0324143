"""`Seq2Seq`: encoder, bridge and decoder as one Keras model."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import keras
import tensorflow as tf

from seq2seq.distribution.replicas import expect_summed_gradients, several_workers, sum_gradients, sum_totals
from seq2seq.layers.bridge import StateBridge
from seq2seq.layers.precision import fine
from seq2seq.models.decoder import Decoder
from seq2seq.models.drawing import draw
from seq2seq.models.encoder import Encoder
from seq2seq.models.freezing import frozen_weights
from seq2seq.models.generator import Generator
from seq2seq.models.inputs import need_ids, need_names, need_one_batch
from seq2seq.models.loss import Perplexity, Totals, cross_entropy
from seq2seq.models.sampled_softmax import draw_words, inclusion_probabilities
from seq2seq.models.settings import TeacherForcingSettings
from seq2seq.models.teacher_forcing import feed_own
from seq2seq.models.update import apply_if_finite
from seq2seq.search import Constraints, Greedy, Hypotheses, Search
from seq2seq.system.fork import need_own_threads, with_own_threads
from seq2seq.text.special_ids import PAD


@keras.saving.register_keras_serializable("seq2seq")
class Seq2Seq(keras.Model):
    """A sequence-to-sequence model: a real `keras.Model` over `{"source", "target_in"}` with targets `target_out`.

    In training it owns the loss: the label-smoothed cross-entropy of all real target tokens, divided by the number of
    target tokens of the global batch, whatever the number of replicas. Logits are computed for real tokens only.
    `fit` and `evaluate` report `loss` (nats per target token, `</s>` counted), `perplexity` and `accuracy` (share of
    target tokens predicted right, without smoothing). So `compile` takes an optimizer and no loss.

    A training step whose loss or gradient is not finite is left out: it changes nothing but the place in the data, and
    `optimizer.iterations` does not count it, nor does any mean: a loss of 0 with an accuracy of 0 says that every step
    was left out. `seq2seq.training.train` stops there and says why.

    Args:
        encoder: An `Encoder`.
        bridge: A `StateBridge`, or any layer from `Encoded` to the decoder's initial state with the methods and
            attributes of one (`docs/how-to/own-bridge.md`).
        decoder: A `Decoder`.
        label_smoothing: Share of the target distribution spread over the vocabulary.
        share_embeddings: One embedding for source and target ids (a joint vocabulary); the decoder's is used.
        sampled_softmax: Words that a training step scores beside its targets, drawn anew for each batch (see
            `seq2seq.models.sampled_softmax`); 0 scores the whole vocabulary. The loss that `fit` reports is then an
            estimate, its accuracy that among the scored words; `evaluate` and decoding are exact.
        sampling_seed: Seed of what is drawn, beside the number of the optimizer step.
        teacher_forcing: What the decoder reads in a training step: `target_in`, or in the place of some of its tokens
            what the model itself predicts (`seq2seq.recipe.TeacherForcingSettings`). The loss and the accuracy that
            `fit` reports are those after what was fed; `evaluate` feeds the right tokens.

    Call arguments:
        inputs: `{"source": [batch, source_time], "target_in": [batch, target_time]}`, ids.
        training: Whether dropout is on.

    Returns:
        logits `[batch, target_time, vocab]`.

    Raises:
        TypeError: At construction, for parts that are no encoder, bridge and decoder.
        ValueError: At construction, for parts that do not fit together. In `fit` and `evaluate`, for weights of samples
            or classes, or no targets; in `fit` for layers with regularizers or other losses.

    Example:
        >>> from seq2seq.layers import StateBridge
        >>> model = Seq2Seq(Encoder(20, 8, [16]), StateBridge([12]), Decoder(30, 8, [12], attention="general"))
        >>> model({"source": keras.ops.ones((2, 5), "int32"), "target_in": keras.ops.ones((2, 4), "int32")}).shape
        TensorShape([2, 4, 30])
    """

    built: bool

    def __init__(
        self,
        encoder: Encoder,
        bridge: keras.layers.Layer,
        decoder: Decoder,
        label_smoothing: float = 0.0,
        share_embeddings: bool = False,
        sampled_softmax: int = 0,
        sampling_seed: int = 0,
        teacher_forcing: TeacherForcingSettings = TeacherForcingSettings(),
        **kwargs: Any,
    ) -> None:
        need_own_threads()
        super().__init__(**kwargs)
        _check_parts(encoder, bridge, decoder, share_embeddings)
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                "label_smoothing is a share of probability, from 0 to below 1. "
                f"Received: label_smoothing={label_smoothing}."
            )
        if share_embeddings:
            encoder.embedding = decoder.embedding
        self.encoder = encoder
        self.bridge = bridge
        self.decoder = decoder
        self.label_smoothing = label_smoothing
        self.share_embeddings = share_embeddings
        self.sample_softmax(sampled_softmax, sampling_seed)
        self.teacher_forcing = teacher_forcing
        self.loss_mean = keras.metrics.Mean("loss")
        self.accuracy_mean = keras.metrics.Mean("accuracy")
        self.perplexity = Perplexity("perplexity")
        self._generator = Generator([self])
        self._frozen: frozenset[int] = frozenset()  # no list of weights, which Keras would take for the model's own
        self.build()

    def build(self, input_shape: Any = None) -> None:
        """Make the weights; every width is known without an input."""
        if self.built:
            return
        self.decoder.build_for(self.encoder.memory_units)
        self.encoder.build()
        parts = self.encoder.stack.cell.part_names
        self.bridge.build_for(self.encoder.state_units, self.encoder.memory_units, parts)
        if self.decoder.attention is None and self.bridge.ignores_source:
            raise ValueError(
                "Without attention and with no state passed, the decoder would never see the source. "
                f"Received: attention=None, bridge mode={self.bridge.mode!r}. Use an attention, or pass a state."
            )
        self.built = True

    __call__ = with_own_threads(keras.Model.__call__)

    def call(self, inputs: dict[str, tf.Tensor], training: bool | None = None) -> tf.Tensor:  # noqa: D102
        need_names(inputs)
        encoded = self.encoder(inputs["source"], training=training)
        return self.decoder(inputs["target_in"], self.bridge(encoded), encoded, training=training)[0]

    def _repr_svg_(self) -> str | None:
        """Show itself in a notebook; a bridge of one's own need not say how it is wired."""
        return draw(self) if "wires" in dir(self.bridge) else None

    def attention_weights(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """Give the attention of given targets, token by token and without gradients.

        Args:
            inputs: As for a call.

        Returns:
            For the step that reads each target token, the weight of each source position,
            `[batch, target_time, source_time]`; those of a step sum to 1 over the real positions.

        Raises:
            ValueError: The decoder has no attention.
            RuntimeError: The process was forked from one that had used TensorFlow.
        """
        need_own_threads()
        need_names(inputs)
        encoded = self.encoder(inputs["source"], training=False)
        return self.decoder.look(tf.convert_to_tensor(inputs["target_in"]), self.bridge(encoded), encoded)

    def compile(
        self,
        optimizer: str | keras.optimizers.Optimizer = "rmsprop",
        loss: None = None,
        loss_weights: None = None,
        metrics: None = None,
        weighted_metrics: None = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = False,
        auto_scale_loss: bool = True,
    ) -> None:
        """Set the optimizer of `fit`; the loss is the model's own.

        Args:
            optimizer: An optimizer, or the name of one.
            loss: None, as `loss_weights`, `metrics` and `weighted_metrics`.
            loss_weights: None.
            metrics: None.
            weighted_metrics: None.
            run_eagerly: Whether steps run without a graph, to look inside.
            steps_per_execution: Steps in one call of the graph.
            jit_compile: Not True.
            auto_scale_loss: Whether an optimizer for float16 scales the loss.

        Raises:
            ValueError: A loss or metrics are given, XLA is asked for, the optimizer accumulates gradients, or there is
                none of this name.
            RuntimeError: The process was forked from one that had used TensorFlow.
        """
        need_own_threads()
        given = {"loss": loss, "loss_weights": loss_weights, "metrics": metrics, "weighted_metrics": weighted_metrics}
        received = ", ".join(f"{name}={value!r}" for name, value in given.items() if value)
        if received:
            raise ValueError(
                "Seq2Seq owns its loss and reports loss, perplexity and accuracy: compile takes neither. "
                f"Received: {received}. Leave them out; label_smoothing is an argument of Seq2Seq."
            )
        if jit_compile is True:
            raise ValueError(
                "A step scores the real tokens of a batch alone, whose number XLA cannot know, and would be compiled "
                "anew for every shape of a batch. Received: jit_compile=True. Leave it out."
            )
        super().compile(
            optimizer=optimizer,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=False,
            auto_scale_loss=auto_scale_loss,
        )
        with self.distribute_strategy.scope():
            expect_summed_gradients(self.optimizer)
        if steps := max(map(_accumulated, _with_inner(self.optimizer))):
            raise ValueError(
                "The loss is a mean over the tokens of a whole batch; Keras would accumulate a mean of such means, in "
                f"which the tokens of short batches count more. Received: gradient_accumulation_steps={steps}. "
                "Leave it out."
            )

    def compile_from_config(self, config: dict[str, Any]) -> None:  # noqa: D102
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def sample_softmax(self, words: int, seed: int = 0) -> None:
        """Score some words of the vocabulary in training, or all again.

        Args:
            words: See `sampled_softmax` of the class.
            seed: See `sampling_seed` of the class.

        Raises:
            ValueError: For more words than the vocabulary has.
        """
        self.sampled_softmax, self.sampling_seed = words, seed
        self._drawn = inclusion_probabilities(self.decoder.vocab_size, words) if words else None
        self.train_function = None  # traced for what was drawn before

    # --- training -----------------------------------------------------------------------------------------------

    def quantize(self, *given: Any, **named: Any) -> None:
        """Refuse what Keras offers: steps multiply by the weights themselves, and numbers of 8 bits are none yet.

        Raises:
            ValueError: Always; the message says what to do instead.
        """
        raise ValueError(
            f"The steps of a Seq2Seq read weights in floats. Received: quantize of {self.name}. For numbers of 8 bits "
            "export it: seq2seq export MODEL --precision int8."
        )

    def freeze(self, paths: Sequence[str]) -> None:
        """Keep parts as they are in training, and let all others learn; before `compile`, whose optimizer follows it.

        A model file does not keep it, nor what was set on a layer within encoder, bridge or decoder: whoever loads one
        decides anew, and Keras lets an optimizer of other weights than those of the file begin anew.

        Args:
            paths: Parts by path: `["encoder.embedding", "decoder.stack.layer0_forward", "decoder.logits.bias"]`; none
                lets everything learn.

        Raises:
            ValueError: There is no such part, or nothing would be left to learn.
        """
        frozen = frozen_weights(self, paths)
        for weight in self.frozen:
            weight.trainable = True
        for part in self._flatten_layers(include_self=False):
            part.trainable = True
        for weight in frozen:
            weight.trainable = False
        self._frozen = frozenset(map(id, frozen))
        self.train_function = None  # traced for what learnt before

    @property
    def frozen(self) -> list[keras.Variable]:
        """The weights that `freeze` keeps as they are."""
        return [weight for weight in self.weights if id(weight) in self._frozen]

    fit = with_own_threads(keras.Model.fit)
    evaluate = with_own_threads(keras.Model.evaluate)
    predict = with_own_threads(keras.Model.predict)
    train_on_batch = with_own_threads(keras.Model.train_on_batch)
    test_on_batch = with_own_threads(keras.Model.test_on_batch)
    predict_on_batch = with_own_threads(keras.Model.predict_on_batch)

    def totals(self, inputs: dict[str, tf.Tensor], target_out: tf.Tensor, training: bool = False) -> Totals:
        """Sum loss, nats, right tokens and tokens over a batch.

        Args:
            inputs: As for a call.
            target_out: Ids, each target ending with `</s>`, padding on the right, `[batch, target_time]`.
            training: Whether dropout is on, and `teacher_forcing` says what is read.

        Returns:
            Scalars; divide by `tokens` for means.
        """
        if training:
            inputs = feed_own(self, inputs, self._place())
        encoded = self.encoder(inputs["source"], training=training)
        outputs = self.decoder.read(inputs["target_in"], self.bridge(encoded), encoded, training)
        return self.totals_of(outputs, target_out, training)

    def totals_of(self, outputs: tf.Tensor, target_out: tf.Tensor, training: bool = False) -> Totals:
        """Sum up, as `totals`, over the outputs of the decoder, `[batch, target_time, units]`."""
        real = tf.where(tf.not_equal(target_out, PAD))
        targets = tf.gather_nd(target_out, real)
        outputs = tf.gather_nd(outputs, real)
        if training and self._drawn is not None:
            candidates = draw_words(targets, tf.constant(self._drawn, tf.float32), self._place())
            targets = candidates.places
            logits = self.decoder.project(outputs, candidates.words)
            sample = {"weights": candidates.weights, "vocab_size": self.decoder.vocab_size}
        else:
            logits, sample = self.decoder.project(outputs), {}
        logits = tf.cast(logits, fine(logits.dtype))
        loss, nats = cross_entropy(logits, targets, self.label_smoothing, **sample)
        right = tf.equal(tf.argmax(logits, axis=1), tf.cast(targets, tf.int64))
        count = tf.cast(tf.shape(targets)[0], loss.dtype)
        return Totals(tf.reduce_sum(loss), tf.reduce_sum(nats), tf.reduce_sum(tf.cast(right, loss.dtype)), count)

    def _place(self) -> tf.Tensor:
        """What decides the draws of this step: nothing but seed and step, so that a resumed run draws the same."""
        step = self.optimizer.iterations if self.compiled else 0
        return tf.stack([tf.constant(self.sampling_seed, tf.int64), tf.cast(step, tf.int64)])

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:  # noqa: D102
        inputs, target_out = _unpacked(data)
        # Those of the random generators, and of any layer that keeps something of what it saw.
        before = [
            (variable, tf.identity(variable.value))
            for variable in self.non_trainable_variables
            if id(variable) not in self._frozen
        ]
        with tf.GradientTape() as tape:
            share = self.totals(inputs, target_out, training=True)
            self._need_no_other_losses()
            # Gradients are summed over replicas: each divides by the tokens of all.
            totals = sum_totals(share)
            loss = self.optimizer.scale_loss(share.loss / tf.maximum(totals.tokens, 1))
        weights = self.trainable_weights
        gradients = sum_gradients(tape.gradient(loss, weights))
        finite = apply_if_finite(self.optimizer, gradients, weights, totals.loss, before)
        # A step that was left out is in no mean.
        return self._report(Totals(*(tf.where(finite, total, 0) for total in totals)))

    def _need_no_other_losses(self) -> None:
        """Refuse regularizers, as a layer of one's own may have."""
        number = len(self.losses)
        if number:
            raise ValueError(
                "Seq2Seq owns its loss: what layers add to it by regularizers or add_loss would not count. "
                f"Received: a model that adds {number} loss{'es' * (number > 1)}. Take weight decay "
                "(keras.optimizers.AdamW), or no regularizers."
            )

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:  # noqa: D102
        inputs, target_out = _unpacked(data)
        return self._report(sum_totals(self.totals(inputs, target_out)))

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Build nothing: it is built, and Keras would take a batch away and fail on one of several workers."""

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The running means behind `loss`, `perplexity` and `accuracy`; Keras resets them at every epoch."""
        return [self.loss_mean, self.accuracy_mean, self.perplexity]

    def _report(self, totals: Totals) -> dict[str, tf.Tensor]:
        means = (self.loss_mean, totals.loss), (self.perplexity, totals.nats), (self.accuracy_mean, totals.correct)
        for mean, total in means:
            mean.update_state(tf.math.divide_no_nan(total, totals.tokens), sample_weight=totals.tokens)
        # Every replica has the totals of all. Keras takes the mean over them, and between workers over a first axis.
        results = self.get_metrics_result()
        return {name: tf.reshape(value, [1]) for name, value in results.items()} if several_workers() else results

    def get_metrics_result(self) -> dict[str, tf.Tensor]:
        """The means so far, by name."""
        return {mean.name: mean.result() for mean in (self.loss_mean, self.perplexity, self.accuracy_mean)}

    @property
    def attends(self) -> bool:
        """Whether it can tell what each token looked at."""
        return self.decoder.attention is not None

    # --- decoding -----------------------------------------------------------------------------------------------

    def decode(
        self,
        source: tf.Tensor,
        max_length: tf.Tensor | int | None = None,
        search: Search = Greedy(),
        vocabulary: tf.Tensor | None = None,
        precision: str | None = None,
        attention: bool = False,
        constraints: Constraints | None = None,
    ) -> Hypotheses:
        """Translate ids to ids; safe to call from several threads.

        Args:
            source: Ids, each sentence ending with `</s>`, padding on the right, `[batch, source_time]`.
            max_length: The most tokens per target, `</s>` counted: `[batch]`, or one number for all. None: as
                `search.max_length_factor` says; a model alone has learnt no limit, and takes 2 times the source's
                tokens and 10 more.
            search: What to search with: `Greedy()`, `Beam(5, n_best=3)`, `Sample(seed=1)`. The first search of another
                kind, `beam_size` or `n_best` traces a graph; other numbers cost nothing.
            vocabulary: The target ids that may be produced, `[shortlisted]`, ascending, with padding, start and
                end, as `Shortlist.of` gives them; probabilities are taken among them. None: every id.
            precision: Type of the matrix products of the steps, such as `"bfloat16"`; None: that of the model.
            attention: Whether to give what each token looked at, too.
            constraints: What the targets of each sentence begin with, must not and must have, in ids; a
                `vocabulary` has to have these ids. None: nothing.

        Returns:
            The hypotheses, best first.

        Raises:
            ValueError: Attention is asked for, and the decoder has none; fractions where whole numbers are needed.
            RuntimeError: The process was forked from one that had used TensorFlow.
        """
        need_own_threads()
        return self._generator.search(search, source, max_length, vocabulary, precision, attention, constraints)

    def score(self, inputs: dict[str, tf.Tensor], target_out: tf.Tensor) -> tf.Tensor:
        """Give the log-probability of every token of given targets, without dropout or smoothing.

        Args:
            inputs: As for a call.
            target_out: Ids, each target ending with `</s>`, padding on the right, `[batch, target_time]`.

        Returns:
            Nats, `[batch, target_time]`, float32 or finer; 0 at padding.

        Raises:
            ValueError: A name is missing, what is given are no ids, or another number of sentences or tokens each.
            RuntimeError: The process was forked from one that had used TensorFlow.
        """
        need_own_threads()
        return self._generator.score(inputs, target_out)

    # --- saving -------------------------------------------------------------------------------------------------

    def export(
        self, filepath: Any, format: str = "tf_saved_model", verbose: bool | None = None, **options: Any
    ) -> None:
        """Write what a call computes, as Keras' `export` does; the model need not have been called before.

        Args:
            filepath: See `keras.Model.export`, as for all arguments.
            format: The format.
            verbose: Whether to print what was written.
            **options: `input_signature` and others; by default source and target ids of any batch and length.
        """
        ids = keras.InputSpec(shape=(None, None), dtype="int32")
        super().export(filepath, format, verbose, **{"input_signature": [{"source": ids, "target_in": ids}], **options})

    def get_config(self) -> dict[str, Any]:  # noqa: D102
        parts = {"encoder": self.encoder, "bridge": self.bridge, "decoder": self.decoder}
        configs = {name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}
        for config in configs.values():
            # The model builds its parts itself, once embeddings are shared.
            config.pop("build_config", None)
        return {
            **super().get_config(),
            **configs,
            "label_smoothing": self.label_smoothing,
            "share_embeddings": self.share_embeddings,
            "sampled_softmax": self.sampled_softmax,
            "sampling_seed": self.sampling_seed,
            "teacher_forcing": asdict(self.teacher_forcing),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "Seq2Seq":  # noqa: D102
        config = dict(config)
        for part in ("encoder", "bridge", "decoder"):
            config[part] = keras.saving.deserialize_keras_object(config[part], custom_objects)
        config["teacher_forcing"] = TeacherForcingSettings(**config.get("teacher_forcing", {}))  # none in an older file
        return cls(**config)


def _with_inner(optimizer: keras.optimizers.Optimizer) -> list[keras.optimizers.Optimizer]:
    """An optimizer and those that it hands gradients on to."""
    inner = getattr(optimizer, "inner_optimizer", None)  # of one that scales the loss
    within = ([inner] if inner is not None else []) + list(getattr(optimizer, "optimizers", None) or [])
    return [optimizer, *(each for one in within for each in _with_inner(one))]


def _accumulated(optimizer: keras.optimizers.Optimizer) -> int:
    return getattr(optimizer, "gradient_accumulation_steps", None) or 0


def _unpacked(data: Any) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    inputs, target_out, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    need_names(inputs)
    if target_out is None:
        raise ValueError(
            "A loss needs the targets, each ending with </s>, beside what the model reads. Received: y=None. "
            'Write fit({"source": source, "target_in": target_in}, target_out).'
        )
    if not hasattr(target_out, "dtype"):
        keys = f" of {', '.join(map(repr, target_out))}" if isinstance(target_out, dict) else ""
        raise ValueError(
            f"Targets are ids alone, [batch, time], without a name. Received: a {type(target_out).__name__}{keys}. "
            'Write fit({"source": source, "target_in": target_in}, target_out).'
        )
    need_ids(target_out, "target_out")
    need_one_batch(inputs["source"], inputs["target_in"], target_out)
    if sample_weight is not None:
        raise ValueError(
            "Every real target token counts the same: weights of samples or classes are not supported. "
            f"Received: sample_weight of shape {tuple(sample_weight.shape)}. Leave it out."
        )
    return inputs, target_out


def _check_parts(encoder: Encoder, bridge: Any, decoder: Decoder, share_embeddings: bool) -> None:
    if not (isinstance(encoder, Encoder) and isinstance(decoder, Decoder) and hasattr(bridge, "build_for")):
        raise TypeError(
            "A Seq2Seq model is an Encoder, a bridge and a Decoder, in this order. Received: "
            f"{', '.join(type(part).__name__ for part in (encoder, bridge, decoder))}. Layers of Keras alone stand in "
            "a keras.Model, as any of seq2seq.layers do."
        )
    if list(bridge.units) != list(decoder.units):
        raise ValueError(
            "The bridge makes the initial state of the decoder, so both need the same widths. "
            f"Received: bridge.units={list(bridge.units)}, decoder.units={list(decoder.units)}."
        )
    if isinstance(bridge, StateBridge) and bridge.cell.name != decoder.stack.cell.name:
        raise ValueError(
            "The bridge makes the initial state of the decoder, so both need the same cell. "
            f"Received: bridge cell={bridge.cell.name!r}, decoder cell={decoder.stack.cell.name!r}."
        )
    if share_embeddings and (encoder.vocab_size, encoder.embedding_dim) != (decoder.vocab_size, decoder.embedding_dim):
        raise ValueError(
            "Shared embeddings need one vocabulary and one width. Received: "
            f"encoder vocab_size={encoder.vocab_size}, embedding_dim={encoder.embedding_dim}; "
            f"decoder vocab_size={decoder.vocab_size}, embedding_dim={decoder.embedding_dim}."
        )
