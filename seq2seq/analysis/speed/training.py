"""How fast a recipe trains here: some steps of it, timed, and what follows for its epochs."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, count, islice
from typing import TYPE_CHECKING

import numpy as np

from seq2seq.analysis.speed.report import Setting, Spread, duration, memory_text, percent, times
from seq2seq.recipe import Recipe
from seq2seq.system.machine import matrix_product_rate, peak_gpu_memory, peak_memory
from seq2seq.system.terminal import tell

if TYPE_CHECKING:
    from seq2seq.models import Seq2Seq
    from seq2seq.text.batches import Batch, Batches, StreamedBatches
    from seq2seq.text.corpus import Corpus
    from seq2seq.text.mixing import MixedBatches
    from seq2seq.training.step_times import StepTimes

PAIRS = 100_000
"""Pairs of a larger corpus that are tokenised: enough for batches as full as those of the whole."""

_WARM_UP = 8  # steps that are not measured: the first ones also optimise the graph and take their memory
_VALIDATION = 3  # batches that are decoded
_PRODUCT_SECONDS = 1.0


@dataclass(frozen=True)
class TrainingBenchmark:
    """How a recipe trains here.

    Attributes:
        setting: What was measured, and where.
        batch_size: Bound of a batch.
        batch_unit: What it counts.
        fill: Share of real tokens among all tokens of the batches; the rest is padding.
        steps: Steps measured.
        tokens_per_second: Target tokens (`</s>` counted, padding not) over the wall time of all measured steps.
        step_tokens_per_second: The same, step by step.
        operations: Floating-point operations of the matrix products of an average step, by part, padding left out.
        operations_per_second: All of them over the time that they took.
        product_limit: Operations per second of large square products: the faster of two measurements, one right before
            and one right after training.
        product_share: What of this limit training reaches, 0 to 1.
        data_wait: Share of the time of the measured steps spent waiting for batches, 0 to 1.
        first_step: Seconds from the built model to the end of the first step.
        traces: Graphs traced, over all steps.
        trace_seconds: Wall time of that.
        compilations: Steps that XLA compiled for, over all steps.
        compile_seconds: Wall time of these steps.
        peak_memory: The most main memory that the process had, bytes.
        peak_gpu_memory: The same of the first GPU; 0 without.
        pairs: Pairs that were tokenised.
        tokenising_seconds: How long that took.
        epoch_tokens: Target tokens of an epoch, scaled up where a part of the text was used; 0 for a stream.
        epochs: Epochs that the recipe asks for, at most.
        validation_seconds: Estimated wall time of one validation: greedy decoding.
        epoch_hours: Estimated wall time of an epoch with its validations; 0 for a stream.
        hours: Of all epochs.
    """

    setting: Setting
    batch_size: int
    batch_unit: str
    fill: float
    steps: int
    tokens_per_second: float
    step_tokens_per_second: Spread
    operations: dict[str, float]
    operations_per_second: float
    product_limit: float
    product_share: float
    data_wait: float
    first_step: float
    traces: int
    trace_seconds: float
    compilations: int
    compile_seconds: float
    peak_memory: int
    peak_gpu_memory: int
    pairs: int
    tokenising_seconds: float
    epoch_tokens: float
    epochs: int
    validation_seconds: float
    epoch_hours: float
    hours: float

    def report(self) -> str:
        """Lay everything out as tables."""
        step = sum(self.operations.values())
        parts = ", ".join(f"{name} {percent(share / step)}" for name, share in self.operations.items() if share)
        built = f"{times(self.traces, 'graph')} traced in {self.trace_seconds:.1f} s"
        if self.compilations:
            built += f", {times(self.compilations, 'shape')} compiled in {self.compile_seconds:.1f} s"
        rows = [
            ("training", f"{self.tokens_per_second:,.0f} target tokens/s over {times(self.steps, 'step')}"),
            ("single steps", self.step_tokens_per_second.text("target tokens/s")),
            ("arithmetic", f"{step / 1e9:,.3g} GFLOP a step: {parts}"),
            ("reached", f"{self.operations_per_second / 1e9:,.0f} GFLOP/s, {percent(self.product_share)} of the limit"),
            ("limit", f"{self.product_limit / 1e9:,.0f} GFLOP/s: large matrix products, measured beside"),
            ("padding", f"{percent(1 - self.fill, 1)} of all tokens; batches of {self.batch_size:,} {self.batch_unit}"),
            ("waiting for data", f"{percent(self.data_wait, 1)} of the time"),
            ("tokenising", f"{self.tokenising_seconds:.1f} s for {times(self.pairs, 'pair')}, once"),
            ("first step", f"{self.first_step:.1f} s after the model was built; {built}"),
            ("peak memory", memory_text(self.peak_memory, self.peak_gpu_memory)),
            ("a validation", f"about {duration(self.validation_seconds / 3600)}"),
        ]
        if self.hours:
            rows.append(("an epoch", f"about {duration(self.epoch_hours)}, validation included"))
            rows.append(("the run", f"about {duration(self.hours)} for {times(self.epochs, 'epoch')}"))
        else:
            rows.append(("an epoch", "not known: a stream ends where it ends"))
        return self.setting.report(rows)


def benchmark_training(recipe: Recipe, *, data: str | None = None, steps: int = 40) -> TrainingBenchmark:
    """Train some steps of a recipe, time them, and write nothing.

    Args:
        recipe: The recipe.
        data: Where to read text instead of ``recipe.data.path``.
        steps: Steps to measure, after some for warming up.

    Returns:
        What was measured.

    Raises:
        ValueError: Settings or text do not fit together.
        OSError: A file cannot be read.
    """
    from seq2seq.analysis.operations import count_operations
    from seq2seq.recipe.build import build_batches, mix_batches
    from seq2seq.recipe.corpora import read_also, read_corpora, together
    from seq2seq.runs.preparing import new_model, new_tokenizers, read_origin

    origin = read_origin(recipe)
    tell("Reading the text ...")
    corpora = read_corpora(recipe, data)
    train, share = _sample(corpora.train)
    also = [_sample(corpus)[0] for corpus in read_also(recipe, corpora)]
    pairs = sum(map(len, (train, *also)))
    tell(f"Tokenising {times(pairs, 'pair')} ...")
    source, target = new_tokenizers(recipe, together([train, *also]), origin)
    began = time.monotonic()
    first, *others = (build_batches(recipe, corpus, source, target) for corpus in (train, *also))
    tokenising = time.monotonic() - began
    batches = mix_batches(recipe, first, others)
    validation = build_batches(recipe, corpora.validation, source, target, shuffle=False)
    model = new_model(recipe, source, target, origin)
    precision = "bfloat16" if "bfloat16" in recipe.training.precision else "float32"
    tell("Measuring the machine's matrix products ...")
    limits = [matrix_product_rate(precision, seconds=_PRODUCT_SECONDS).rate]
    tell(f"Training {times(_WARM_UP + steps, 'step')}, the first {_WARM_UP} to warm up ...")
    seconds, before, after = _train(recipe, model, batches, steps)
    limits.append(matrix_product_rate(precision, seconds=_PRODUCT_SECONDS).rate)
    seen = list(islice(_endless(batches), _WARM_UP, _WARM_UP + steps))
    tokens = [int(np.count_nonzero(target_out)) for _, target_out in seen]
    lengths = zip(*(_lengths(batch) for batch in seen), strict=True)
    operations = count_operations(model, *(list(chain.from_iterable(side)) for side in lengths))
    tell("Decoding some batches of the validation text ...")
    decoding = _decoding_seconds(model, validation) * len(corpora.validation)

    speed = sum(tokens) / sum(seconds)
    measured = after.since(before)
    epoch_tokens = 0.0 if corpora.train.streamed else batches.tokens / share
    epoch_steps = batches.steps(0) / share
    validations = epoch_steps / recipe.training.validate_every if recipe.training.validate_every else 1
    epoch_hours = (epoch_tokens / speed + validations * decoding) / 3600 if epoch_tokens else 0.0
    return TrainingBenchmark(
        setting=Setting.of(recipe.name, model),
        batch_size=recipe.batches.size,
        batch_unit=recipe.batches.unit,
        fill=batches.fill,
        steps=steps,
        tokens_per_second=speed,
        step_tokens_per_second=Spread.of([count / time for count, time in zip(tokens, seconds, strict=True)]),
        operations={name: value / steps for name, value in operations._asdict().items()},
        operations_per_second=operations.total / sum(seconds),
        product_limit=max(limits),
        product_share=operations.total / sum(seconds) / max(limits),
        data_wait=measured["data_wait"],
        first_step=after.first_step,
        traces=after.traces,
        trace_seconds=after.trace_seconds,
        compilations=after.compilations,
        compile_seconds=after.compile_seconds,
        peak_memory=peak_memory(),
        peak_gpu_memory=peak_gpu_memory(),
        pairs=pairs,
        tokenising_seconds=tokenising,
        epoch_tokens=epoch_tokens,
        epochs=recipe.training.epochs,
        validation_seconds=decoding,
        epoch_hours=epoch_hours,
        hours=epoch_hours * recipe.training.epochs,
    )


def _sample(corpus: Corpus) -> tuple[Corpus, float]:
    """Give pairs from all over a corpus, or the first ones of a stream, and which share of the whole they are."""
    from seq2seq.text.corpus import corpus_from_pairs

    if corpus.streamed:
        return corpus_from_pairs(list(islice(corpus, PAIRS)), corpus.name), 1.0
    every = math.ceil(len(corpus) / PAIRS)
    if every == 1:
        return corpus, 1.0
    pairs = list(islice(corpus, 0, None, every))
    return corpus_from_pairs(pairs, corpus.name), len(pairs) / len(corpus)


def _train(
    recipe: Recipe, model: Seq2Seq, batches: Batches | StreamedBatches | MixedBatches, steps: int
) -> tuple[list[float], StepTimes, StepTimes]:
    """Train, and give the seconds of each measured step, and the times of all steps before and after these."""
    import keras
    from tqdm import tqdm

    from seq2seq.training.optimizers import build_optimizer
    from seq2seq.training.timing import Timing

    class Stopwatch(keras.callbacks.Callback):
        """Takes the time of every step, and stops after the last one."""

        def __init__(self, timing: Timing, bar: tqdm) -> None:
            super().__init__()
            self.ends: list[float] = []
            self.before = replace(timing.times)
            self._timing = timing
            self._bar = bar

        def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
            self.ends.append(time.monotonic())
            self._bar.update(1)
            if len(self.ends) == _WARM_UP:
                self.before = replace(self._timing.times)
            self.model.stop_training = len(self.ends) == _WARM_UP + steps

    timing = Timing(time.monotonic())
    model.compile(optimizer=build_optimizer(recipe.training))
    batches.seek(0)
    epochs = math.ceil((_WARM_UP + steps) / batches.steps(0))
    with tqdm(total=_WARM_UP + steps, desc="training", unit="step", leave=False, disable=None) as bar:
        stopwatch = Stopwatch(timing, bar)
        model.fit(batches.dataset(), epochs=epochs, shuffle=False, verbose=0, callbacks=[timing, stopwatch])
    seconds = np.diff(stopwatch.ends)[_WARM_UP - 1 :]
    return seconds.tolist(), stopwatch.before, timing.times


def _endless(batches: Batches | StreamedBatches | MixedBatches) -> Iterator[Batch]:
    """The batches of all epochs, as training reads them."""
    return chain.from_iterable(batches.run(epoch) for epoch in count())


def _lengths(batch: Batch) -> tuple[list[int], list[int]]:
    """The real tokens of each source and of each target of a batch."""
    inputs, target_out = batch
    return np.count_nonzero(inputs["source"], axis=1).tolist(), np.count_nonzero(target_out, axis=1).tolist()


def _decoding_seconds(model: Seq2Seq, validation: Batches | StreamedBatches) -> float:
    """Time greedy search, in seconds per sentence; of batches from all over the text, each as long as its references.

    A model that has learnt nothing yet does not end its sentences, so the bound on the length decides.
    """
    steps = validation.steps(0)
    places = sorted({(2 * part + 1) * steps // (2 * _VALIDATION) for part in range(_VALIDATION)})
    chosen = [batch for place, batch in enumerate(validation.run(0)) if place in places]
    spent, sentences = 0.0, 0
    for number, (inputs, target_out) in enumerate([chosen[0], *chosen]):
        began = time.monotonic()
        model.decode(inputs["source"], np.count_nonzero(target_out, axis=1)).tokens.numpy()
        if number:  # the first time traces
            spent += time.monotonic() - began
            sentences += len(target_out)
    return spent / sentences
