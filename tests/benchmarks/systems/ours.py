"""This toolkit, as a recipe builds it: Keras' `fit` over our batches, our search, our LSTM layer."""

import functools
import itertools
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from seq2seq.layers import CELLS, LSTM, RNN
from seq2seq.recipe import (
    AttentionSettings,
    Data,
    DecoderSettings,
    EncoderSettings,
    ModelSettings,
    Recipe,
    TokenizerSettings,
    TrainingSettings,
)
from seq2seq.recipe.build import build_model
from seq2seq.search import Beam
from seq2seq.system import process
from seq2seq.system.threads import batches_at_a_time, one_core_per_operation
from seq2seq.text.batches import Batches
from seq2seq.text.special_ids import END
from seq2seq.training.optimizers import build_optimizer
from tests.benchmarks.job import MATRIX, Architecture
from tests.benchmarks.turns import Turns, Updates

POLICY = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def main() -> None:
    """Do the job of standard input."""
    process.prepare()
    turns = Turns()
    parts = {
        "layer": layer,
        "cells": cells,
        "training": training,
        "recipes": recipes,
        "decoding": decoding,
        "curves": curves,
    }
    parts[turns.job.part](turns)


def layer(turns: Turns) -> None:
    """The LSTM layer alone, and the machine's matrix product by the same library."""
    from tests.benchmarks.systems.keras_layers import stack_passes

    works = stack_passes(turns.job, LSTM)
    for precision in ("float32", "bfloat16"):
        works[f"matrix product {precision}"] = 2 * MATRIX**3 / 1e9, _matrix_product(precision)
    turns.repeat(works, least=0.3)


def cells(turns: Turns) -> None:
    """A layer of every cell: those of one size and precision right after one another."""
    from tests.benchmarks.systems.keras_layers import stack_passes

    passes = {name: stack_passes(turns.job, functools.partial(RNN, cell=name)) for name in CELLS}
    works = {}
    for key in passes["lstm"]:
        for name, cell in CELLS.items():
            operations, call = passes[name][key]
            works[f"{key} {name}"] = operations * cell.gates / CELLS["lstm"].gates, call
    turns.repeat(works, least=0.2, warm=True)


def training(turns: Turns) -> None:
    """Train the model of the comparison."""
    job = turns.job
    text = json.loads(Path(job.text).read_text("utf-8"))
    batches = Batches(text["train"]["source"], text["train"]["target"], size=job.batch, pool=0, seed=0)
    model = build(job.architecture, job.precision)
    _check_size(model, job.architecture)
    _fit(turns, model, batches, TrainingSettings(learning_rate=1e-3, clip_norm=1.0))


def recipes(turns: Turns) -> None:
    """Train a small recipe."""
    from tests.benchmarks.small import SMALL

    recipe, batches, sizes = SMALL[turns.job.recipe]()
    _fit(turns, build_model(recipe, *sizes), batches, recipe.training)


def _fit(turns: Turns, model, batches: Batches, settings: TrainingSettings) -> None:
    """Train by `fit`, as `seq2seq train` does."""
    import keras

    tokens = itertools.chain.from_iterable(
        (int(np.count_nonzero(target_out)) for _, target_out in batches.run(epoch)) for epoch in itertools.count()
    )
    model.compile(optimizer=build_optimizer(settings))
    updates = Updates(turns)

    class Count(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            updates.done(next(tokens))

    model.fit(batches.dataset(), epochs=1000, shuffle=False, verbose=0, callbacks=[Count()])


def decoding(turns: Turns) -> None:
    """Decode all test sentences, `</s>` made impossible; as `seq2seq translate` does, a batch for each core."""
    job = turns.job
    os.environ.pop("TF_NUM_INTRAOP_THREADS", None)
    one_core_per_operation()
    text = json.loads(Path(job.text).read_text("utf-8"))["test"]
    model = _without_end(build(job.architecture, job.precision))
    batches = [_padded([text["source"][place] for place in batch]) for batch in text["batches"]]

    pool = ThreadPoolExecutor(batches_at_a_time())

    def decode(beam: int) -> None:
        for found in pool.map(lambda source: model.decode(source, job.steps, Beam(beam)), batches):
            if found.tokens.shape[2] != job.steps:
                raise RuntimeError(f"Every sentence takes {job.steps} steps. Received: {found.tokens.shape[2]}.")

    for beam in job.beams:  # traced here, before several threads do it
        model.decode(batches[0], job.steps, Beam(beam))
    works = {f"beam {beam}": (len(text["source"]), functools.partial(decode, beam)) for beam in job.beams}
    turns.repeat(works)


def curves(turns: Turns) -> None:
    """Time the points of a cost curve: whole batches of equal sentences."""
    import tensorflow as tf

    job = turns.job
    random = np.random.default_rng(0)
    works = {}
    for point in job.points:
        model = build(point.architecture, job.precision)
        source, target_in, target_out = (
            tf.constant(random.integers(4, point.architecture.vocab, (job.batch, time)), tf.int32)
            for time in (point.source_time, point.target_time, point.target_time)
        )
        if point.beam:
            call = functools.partial(_without_end(model).decode, source, point.target_time, Beam(point.beam))
        else:
            model.compile(optimizer=build_optimizer(TrainingSettings(learning_rate=1e-3, clip_norm=1.0)))
            call = functools.partial(model.train_on_batch, {"source": source, "target_in": target_in}, target_out)
        works[f"{point.curve} {point.value}"] = 1, call
    turns.repeat(works, least=0.2)


def build(architecture: Architecture, precision: str):
    """Make the model of a recipe with this architecture."""
    dropout = architecture.dropout
    recipe = Recipe(
        name="benchmark",
        data=Data(path="dates", source="source", target="target"),
        tokenizer=TokenizerSettings(vocab_size=architecture.vocab, joint=True),
        model=ModelSettings(
            embedding=architecture.embedding,
            dropout=dropout,
            embedding_dropout=dropout,
            encoder=EncoderSettings(architecture.encoder, bidirectional="all"),
            attention=AttentionSettings("general", input_feeding=architecture.input_feeding),
            decoder=DecoderSettings(architecture.decoder, output_dropout=dropout),
        ),
        training=TrainingSettings(label_smoothing=architecture.label_smoothing, precision=POLICY[precision]),
    )
    return build_model(recipe, architecture.vocab, architecture.vocab)


def _check_size(model, architecture: Architecture) -> None:
    if model.count_params() != architecture.parameters:
        raise RuntimeError(f"The model has {model.count_params():,} parameters, not {architecture.parameters:,}.")


def _without_end(model):
    bias = model.decoder.logits.bias
    bias.assign(np.where(np.arange(bias.shape[0]) == END, -1e9, 0.0))
    return model


def _padded(sources: list[list[int]]):
    import tensorflow as tf

    return tf.ragged.constant([[*ids, END] for ids in sources], dtype=tf.int32).to_tensor()


def _matrix_product(precision: str):
    import tensorflow as tf

    a, b = (tf.cast(tf.random.normal([MATRIX, MATRIX]), precision) for _ in range(2))
    return functools.partial(tf.matmul, a, b)


if __name__ == "__main__":
    main()
