"""Stock Keras: its LSTM layers, its attention, its optimizer and `fit`, in the plain graph."""

import functools
import itertools
import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tests.benchmarks.job import Architecture, Job
from tests.benchmarks.turns import Turns, Updates

POLICY = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def main() -> None:
    """Do the job of standard input."""
    turns = Turns()
    {"layer": layer, "training": training}[turns.job.part](turns)


def layer(turns: Turns) -> None:
    """The LSTM layer alone."""
    turns.repeat(stack_passes(turns.job, keras.layers.LSTM), least=0.3)


def stack_passes(job: Job, kind: type[keras.layers.LSTM]) -> dict:
    """Forward and backward pass of a stack of layers, by size and precision, for `Turns.repeat`."""
    works = {}
    for size, precision in itertools.product(job.sizes, POLICY):
        policy = POLICY[precision]
        layers = [kind(size.units, return_sequences=True, dtype=policy) for _ in range(size.layers)]
        shape = [size.batch, size.steps, size.units]
        dtype = tf.as_dtype(precision)
        inputs, d_outputs = (tf.cast(tf.random.normal(shape), dtype) for _ in range(2))
        for each in layers:
            each.build(shape)

        @tf.function(autograph=False)
        def passes(inputs, d_outputs, layers=layers):
            weights = [weight.value for each in layers for weight in each.trainable_weights]
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                outputs = inputs
                for each in layers:
                    outputs = each(outputs, training=True)
            return tape.gradient(outputs, [inputs, *weights], d_outputs)

        works[f"{size} {precision}"] = size.operations / 1e9, functools.partial(passes, inputs, d_outputs)
    return works


def training(turns: Turns) -> None:
    """Train a functional model by `fit`."""
    job = turns.job
    text = json.loads(Path(job.text).read_text("utf-8"))
    special, train = text["special"], text["train"]
    keras.config.set_dtype_policy(POLICY[job.precision])
    model = build(job.architecture)
    if model.count_params() != job.architecture.parameters:
        raise RuntimeError(f"Another model: {model.count_params():,}, not {job.architecture.parameters:,} parameters.")
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3, global_clipnorm=1.0),
        loss=functools.partial(smoothed, smoothing=job.architecture.label_smoothing),
        jit_compile=False,
    )
    batches = [_batch(train, places, special) for places in train["batches"]]
    tokens = itertools.cycle([int(np.count_nonzero(target_out)) for _, target_out in batches])
    ids = tf.TensorSpec([None, None], tf.int32)
    data = tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=((ids, ids), ids))
    updates = Updates(turns)

    class Count(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            updates.done(next(tokens))

    model.fit(data.prefetch(4), epochs=1000, verbose=0, callbacks=[Count()])


def build(architecture: Architecture) -> keras.Model:
    """Make the model from stock layers; padding is masked where it would change a result."""
    drop = functools.partial(keras.layers.Dropout, architecture.dropout)
    source, target_in = keras.Input([None], dtype="int32"), keras.Input([None], dtype="int32")
    mask = ops.not_equal(source, 0)
    hidden = drop()(keras.layers.Embedding(architecture.vocab, architecture.embedding)(source))
    states = []
    for number, units in enumerate(architecture.encoder):
        hidden = drop()(hidden) if number else hidden
        lstm = keras.layers.LSTM(units, return_sequences=True, return_state=True)
        hidden, *ends = keras.layers.Bidirectional(lstm)(hidden, mask=mask)
        states.append([ops.concatenate(ends[0::2], axis=-1), ops.concatenate(ends[1::2], axis=-1)])
    memory = hidden
    hidden = drop()(keras.layers.Embedding(architecture.vocab, architecture.embedding)(target_in))
    for number, units in enumerate(architecture.decoder):
        hidden = drop()(hidden) if number else hidden
        # Padding comes last in a target: nothing real is after it, so no mask.
        hidden = keras.layers.LSTM(units, return_sequences=True)(hidden, initial_state=states[number])
    width = architecture.decoder[-1]
    keys = keras.layers.Dense(width, use_bias=False)(memory)
    context = keras.layers.Attention()([hidden, memory, keys], mask=[None, mask])
    hidden = keras.layers.Dense(width, "tanh", use_bias=False)(ops.concatenate([context, hidden], axis=-1))
    logits = keras.layers.Dense(architecture.vocab, dtype=keras.config.dtype_policy())(drop()(hidden))
    return keras.Model((source, target_in), logits)


def smoothed(target_out, logits, smoothing: float):
    """Label-smoothed cross-entropy per real token, without a one-hot."""
    logits = ops.cast(logits, "float32")
    target_out = ops.cast(target_out, "int32")
    real = ops.cast(ops.not_equal(target_out, 0), "float32")
    nats = tf.nn.sparse_softmax_cross_entropy_with_logits(target_out, logits)
    right = ops.squeeze(ops.take_along_axis(logits, ops.expand_dims(target_out, -1), axis=-1), -1)
    # nats = normalizer - right, so the uniform part needs no second logsumexp.
    uniform = nats + right - ops.mean(logits, axis=-1)
    return ops.sum(real * ((1 - smoothing) * nats + smoothing * uniform)) / ops.sum(real)


def _batch(train: dict, places: list[int], special: dict) -> tuple:
    end, start = special["end"], special["start"]
    source = _padded([[*train["source"][place], end] for place in places])
    target_in = _padded([[start, *train["target"][place]] for place in places])
    target_out = _padded([[*train["target"][place], end] for place in places])
    return (source, target_in), target_out


def _padded(rows: list[list[int]]) -> np.ndarray:
    padded = np.zeros([len(rows), max(map(len, rows))], np.int32)
    for row, ids in zip(padded, rows, strict=True):
        row[: len(ids)] = ids
    return padded


if __name__ == "__main__":
    main()
