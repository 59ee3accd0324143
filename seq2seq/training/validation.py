"""Validation: the loss of held-out batches, and scores of really decoding held-out text."""

import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import keras

from seq2seq.distribution.devices import Devices
from seq2seq.metrics import EvaluationSettings, measure
from seq2seq.training.checkpoint_file import averaged_weights, metric_values, save_weights, set_metrics
from seq2seq.training.schedules import Schedule
from seq2seq.training.state import RunListener, RunState, TextPairs, TrainingBatches, Validated
from seq2seq.training.stopping import BestScore
from seq2seq.translation.hypothesis import Cuts, Hypothesis

Decode = Callable[[list[str]], list[list[Hypothesis]]]


@dataclass(frozen=True)
class HeldOut:
    """What a model is validated on: batches for the loss, text for real decoding, both or neither.

    Args:
        batches: Held-out batches for "val_loss" (nats per target token), "val_perplexity" and "val_accuracy"; None for
            none.
        corpus: Held-out sources and references to decode; needed with ``decode``.
        decode: Translates texts with the model as it is at that moment, as ``Translator.hypotheses`` does; None for no
            decoding. The best hypotheses are measured, and those that the limit of length cut are counted: "val_cut".
        evaluation: How decoded text is measured.

    Raises:
        ValueError: ``decode`` and ``corpus`` do not come together.
    """

    batches: TrainingBatches | None = None
    corpus: TextPairs | None = None
    decode: Decode | None = None
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)

    def __post_init__(self) -> None:
        if (self.decode is None) != (self.corpus is None):
            raise ValueError(
                "Decoding in validation needs text and a function that translates it. Received: "
                f"decode={self.decode}, corpus={self.corpus}. Give both, or neither."
            )


class Validator:
    """Measures a model on held-out data.

    Args:
        model: A compiled model.
        held_out: The data.
        samples: How many translations to show, spread evenly over the corpus.
        devices: What the work is shared among; None is one device. All workers measure together, and get the same.
    """

    def __init__(
        self, model: keras.Model, held_out: HeldOut, *, samples: int = 3, devices: Devices | None = None
    ) -> None:
        batches, corpus, decode = held_out.batches, held_out.corpus, held_out.decode
        self._model = model
        self._batches = batches
        # Once: every dataset that is made leaves something behind in TensorFlow.
        devices = devices or Devices()
        self._dataset = devices.dataset(batches) if batches else None
        # Where replicas take one share after the other, Keras cannot tell the number of batches.
        self._steps = batches.steps(0) if batches and devices.replicas > 1 else None
        self._decode = devices.workers.shared(decode) if decode else None
        self._sources = corpus.sources if corpus else []
        self._references = corpus.targets if corpus else []
        self._evaluation = held_out.evaluation
        self._metrics = held_out.evaluation.metrics if corpus else ()
        self._samples = samples

    @property
    def names(self) -> list[str]:
        """Names of the scores that it gives, without ``val_``."""
        return [*(["loss", "perplexity", "accuracy"] if self._batches else []), *self._metrics]

    def measured(self, name: str) -> dict[str, str]:
        """Give how a score is measured, and a checksum of what on: other scores are not to be compared with it."""
        if name in self._metrics:
            ways = {way: str(getattr(self._evaluation, way)) for way in ("lowercase", "tokenize", "several_references")}
        else:  # the loss of validation is smoothed, too
            smoothing = getattr(self._model, "label_smoothing", None)
            ways = {"label_smoothing": str(smoothing)} if name == "loss" and smoothing is not None else {}
        texts = "\n".join(f"{source}\t{right}" for source, right in zip(self._sources, self._references, strict=True))
        checksum = zlib.crc32(texts.encode(errors="surrogatepass"))
        if not texts and self._batches:
            checksum = int(self._batches.checksum)
        return {**ways, "text": f"{checksum:08x}"}

    def measure(self, update: int) -> Validated:
        """Measure the model as it is; its running metrics stay untouched.

        Args:
            update: Optimizer steps done, for the record.
        """
        began = time.monotonic()
        values: dict[str, float] = {}
        signatures: dict[str, str] = {}
        samples: list[tuple[str, str, str]] = []
        if self._batches:
            values |= {f"val_{name}": value for name, value in self._evaluate(self._batches).items()}
        if self._decode:
            # From other workers, hypotheses come as lists.
            found = [[Hypothesis(*best)] for best, *_ in self._decode(self._sources)]
            translations = [best.text for (best,) in found]
            values["val_cut"] = Cuts.of(found).cut
            scores = measure(translations, self._references, self._evaluation, self._sources)
            for name, score in scores.items():
                values[f"val_{name}"] = score.value
                signatures[name] = score.signature
            references = [entry if isinstance(entry, str) else entry[0] for entry in self._references]
            samples = spread_samples(self._sources, translations, references, self._samples)
        return Validated(update, values, signatures, samples, time.monotonic() - began)

    def _evaluate(self, batches: TrainingBatches) -> dict[str, float]:
        running = metric_values(self._model)
        batches.seek(0)
        try:
            return dict(self._model.evaluate(self._dataset, steps=self._steps, verbose=0, return_dict=True))
        finally:
            set_metrics(self._model, running)


def spread_samples(
    sources: Sequence[str], translations: Sequence[str], references: Sequence[str], count: int
) -> list[tuple[str, str, str]]:
    """Pick triples of source, translation and reference from all over a text, at even distances.

    Example:
        >>> spread_samples("abcd", "ABCD", "wxyz", 2)
        [('a', 'A', 'w'), ('c', 'C', 'y')]
    """
    count = min(count, len(sources))
    places = [index * len(sources) // count for index in range(count)]
    return [(sources[place], translations[place], references[place]) for place in places]


class Validation(keras.callbacks.Callback):
    """Validates, keeps the best weights, and lets schedule and patience hear of it.

    Args:
        state: The counters.
        batches: The training batches, for the length of an epoch.
        validator: Measures the model.
        best_score: Knows the best score.
        schedule: Hears whether the score improved.
        best: Where the best weights go; None where another worker writes them.
        epochs: Epochs that the run will have.
        every: Optimizer steps from one validation to the next; 0 validates at the end of each epoch. The end of the run
            always validates.
        listeners: Who else wants to know.
    """

    def __init__(
        self,
        state: RunState,
        batches: TrainingBatches,
        validator: Validator,
        best_score: BestScore,
        schedule: Schedule,
        best: Path | None,
        epochs: int,
        every: int = 0,
        listeners: Sequence[RunListener] = (),
    ) -> None:
        super().__init__()
        self._state = state
        self._batches = batches
        self._validator = validator
        self._best_score = best_score
        self._schedule = schedule
        self._best = best
        self._epochs = epochs
        self._every = every
        self._listeners = listeners
        self._steps = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Note the length of the epoch."""
        self._steps = self._batches.steps(epoch)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Validate where enough steps have passed."""
        state = self._state
        # Where the batch was skipped, the step was seen before.
        if self._every and state.update % self._every == 0 and state.update not in (0, state.validated_at):
            self._validate(logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Validate a whole epoch, and put the scores into the logs."""
        state = self._state
        if logs is None or not state.whole:
            return
        due = not self._every or epoch + 1 >= self._epochs
        if due and state.validated_at != state.update:
            self._validate(logs)
        if state.validated_at == state.update:
            logs.update(state.scores)
        state.tick()
        logs["seconds"] = state.epoch_seconds

    def _validate(self, logs: Mapping[str, float]) -> None:
        state = self._state
        with averaged_weights(self.model):
            validation = self._validator.measure(state.update)
            state.scores, state.validated_at = validation.values, state.update
            epoch = state.epoch + min(state.step / max(self._steps, 1), 1.0)
            best = self._best_score.improves({**logs, **validation.values}, state.update, epoch)
            if best and self._best is not None:
                save_weights(self.model, self._best)
        self._schedule.observe(self._best_score.waited == 0)
        for listener in self._listeners:
            listener.validated(validation, best)
        if self._best_score.exhausted:
            self.model.stop_training = True
