"""A translator as TensorFlow's SavedModel, the search and all, as TensorFlow Serving takes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from seq2seq.export.folder import need_one_model, tokenizer_files
from seq2seq.models.stepping import start_search
from seq2seq.search import Sample, Search, search
from seq2seq.system.files import filling, need_own
from seq2seq.text.length_limit import LengthLimit
from seq2seq.text.special_ids import END, PAD, START
from seq2seq.translation import Translator

SIGNATURE = "serving_default"
"""The name of the signature: what a client calls who names none."""


def export_saved_model(translator: Translator, folder: str | Path) -> dict[str, int]:
    """Write a SavedModel whose one signature translates ids: from `source` to `tokens`, `scores` and `ended`.

    The search is the translator's own. Beside the SavedModel lie the SentencePiece models: TensorFlow itself has no
    operation for them, so clients cut and join text.

    Args:
        translator: The translator.
        folder: Where to; for TensorFlow Serving its last part is a number, the version.

    Returns:
        The bytes of each file, by name.

    Raises:
        ValueError: The translator draws its translations, is an ensemble, or chooses by minimum Bayes risk.
    """
    need_one_model(translator)
    if isinstance(translator.search, Sample):
        raise ValueError(
            "A SavedModel searches for the best translations. "
            f"Received: a translator with search={translator.search!r}. Set its search to Greedy() or Beam()."
        )
    need_own(Path(folder), "saved_model.pb")
    module = tf.Module()
    module.weights = [weight.value for weight in translator.model.weights]
    module.translate = _translate(translator.model, translator.search, translator.length_limit)
    # The gradients of our own operations are of no use here, and are not written.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    # TensorFlow Serving takes a folder as soon as it sees it.
    with filling(Path(folder), "saved_model.pb") as part:
        tf.saved_model.save(module, str(part), signatures={SIGNATURE: module.translate}, options=options)
        for name, data in tokenizer_files(translator).items():
            (part / name).write_bytes(data)
        return {str(file.relative_to(part)): file.stat().st_size for file in sorted(part.rglob("*")) if file.is_file()}


def _translate(model: Any, settings: Search, learnt: LengthLimit) -> Any:
    slopes, numbers = zip(*LengthLimit.chosen(settings.max_length_factor, learnt).lines, strict=True)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32, "source")], autograph=False)
    def translate(source: tf.Tensor) -> dict[str, tf.Tensor]:
        words = tf.math.count_nonzero(source != PAD, axis=1, dtype=tf.int32) - 1
        lines = tf.math.ceil(tf.cast(words, tf.float64)[:, tf.newaxis] * np.array(slopes)) + np.array(
            numbers, np.float64
        )
        encoded = model.encoder(source, training=False)
        begin = start_search(model.decoder, model.bridge(encoded), encoded, attention=settings.looks())
        found = search(
            settings, *begin, max_length=tf.cast(tf.reduce_max(lines, axis=1), tf.int32), start=START, end=END, pad=PAD,
            source_mask=encoded.mask,
        )  # fmt: skip
        return {"tokens": found.tokens, "scores": found.scores, "ended": found.ended}

    return translate
