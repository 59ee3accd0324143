"""Validation: the loss of held-out batches, and scores of really decoding held-out text."""

import time
from collections.abc import Callable, Sequence

import keras

from seq2seq import metrics as scores
from seq2seq.training.checkpoints import metric_values, set_metrics
from seq2seq.training.names import choose
from seq2seq.training.state import TextPairs, TrainingBatches, Validated

Decode = Callable[[list[str]], list[str]]


class Validator:
    """Measures a model on held-out data.

    Args:
        model: A compiled model.
        batches: Held-out batches for "val_loss" (nats per target token), "val_perplexity" and "val_accuracy"; None for none.
        decode: Translates texts with the model as it is at that moment; None for no decoding.
        corpus: Held-out sources and references to decode; needed with ``decode``.
        metrics: Names of metrics from :mod:`seq2seq.metrics`.
        lowercase: Whether metrics ignore case, where they can.
        tokenize: sacreBLEU's tokenizer for BLEU.
        samples: How many translations to show, spread evenly over the corpus.

    Raises:
        ValueError: A metric is unknown, or ``decode`` and ``corpus`` do not come together.
    """

    def __init__(
        self,
        model: keras.Model,
        *,
        batches: TrainingBatches | None = None,
        decode: Decode | None = None,
        corpus: TextPairs | None = None,
        metrics: Sequence[str] = ("bleu",),
        lowercase: bool = False,
        tokenize: str = "13a",
        samples: int = 3,
    ) -> None:
        if (decode is None) != (corpus is None):
            raise ValueError(
                "Decoding in validation needs text and a function that translates it. Received: "
                f"decode={decode}, validation_corpus={corpus}. Give both, or neither."
            )
        for name in metrics:
            choose("metrics", name, scores.METRICS)
        self._model = model
        self._batches = batches
        # Once: every dataset that is made leaves something behind in TensorFlow.
        self._dataset = batches.dataset() if batches else None
        self._decode = decode
        self._sources = corpus.sources if corpus else []
        self._references = corpus.targets if corpus else []
        self._metrics = tuple(metrics) if corpus else ()
        self._lowercase = lowercase
        self._tokenize = tokenize
        self._samples = samples

    @property
    def names(self) -> list[str]:
        """Names of the scores that it gives, without "val_"."""
        return [*(["loss", "perplexity", "accuracy"] if self._batches else []), *self._metrics]

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
            translations = self._decode(self._sources)
            for name in self._metrics:
                score = scores.score(
                    name, translations, self._references, lowercase=self._lowercase, tokenize=self._tokenize
                )
                values[f"val_{name}"] = score.value
                signatures[name] = score.signature
            samples = self._pick(translations)
        return Validated(update, values, signatures, samples, time.monotonic() - began)

    def _evaluate(self, batches: TrainingBatches) -> dict[str, float]:
        running = metric_values(self._model)
        batches.seek(0)
        try:
            return dict(self._model.evaluate(self._dataset, verbose=0, return_dict=True))
        finally:
            set_metrics(self._model, running)

    def _pick(self, translations: list[str]) -> list[tuple[str, str, str]]:
        count = min(self._samples, len(self._sources))
        places = [index * len(self._sources) // count for index in range(count)]
        references = [entry if isinstance(entry, str) else entry[0] for entry in self._references]
        return [(self._sources[place], translations[place], references[place]) for place in places]
