"""What a translator's file is made of besides texts: the model, and what proves that it is the same model."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from seq2seq.text.bucketing import pad_batch
from seq2seq.text.ids import Ids
from seq2seq.text.special_ids import PAD, PIECES
from seq2seq.translation.model_file import MODEL, TranslatorFileError, check_model

if TYPE_CHECKING:
    from seq2seq.models import Seq2Seq
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.translation.translator import Translator

Probes = Sequence[Sequence[str]]
"""Texts, each with its translation."""


def fingerprint_of(model: Seq2Seq) -> str:
    """Tell the weights of a model from all others: the SHA-256 over all of them."""
    digest = hashlib.sha256()
    for weight in model.weights:
        digest.update(np.asarray(weight.numpy()).tobytes())
    return digest.hexdigest()


def model_to_bytes(model: Seq2Seq) -> bytes:
    """Write a model as Keras' own file, without the optimizer."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / MODEL
        with _without_training(model):
            model.save(file)
        return file.read_bytes()


def model_from_bytes(data: bytes) -> Seq2Seq:
    """Rebuild a model from Keras' own file, once nothing in it can do harm.

    Raises:
        TranslatorFileError: Something else than such a model is in it.
    """
    import keras

    from seq2seq.models import Seq2Seq

    check_model(data)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / MODEL
        file.write_bytes(data)
        model = keras.saving.load_model(file, compile=False, safe_mode=True)
    if not isinstance(model, Seq2Seq):
        raise TranslatorFileError(f"A translator holds a Seq2Seq model. Received: a {type(model).__name__}.")
    return model


def probe_texts(tokenizer: Tokenizer) -> list[str]:
    """Give a few texts that use pieces from all over a vocabulary."""
    ids = range(len(PIECES), tokenizer.vocab_size)
    texts = [tokenizer.decode(ids[start :: max(1, len(ids) // 8)][:8]) for start in range(min(3, len(ids)))]
    return [" ".join(text.split()) for text in texts]


def need_same(translator: Translator, written: Translator, probes: Probes) -> None:
    """Refuse a translator from a file that is not the one that the file was written from.

    Raises:
        TranslatorFileError: A weight is another one, or the score of a token of the probes.
    """
    weights = zip(translator.model.weights, written.model.weights, strict=True)
    same = all(np.array_equal(ours.numpy(), theirs.numpy(), equal_nan=True) for ours, theirs in weights)
    if probes:
        # Not a second search, which takes a second to compile; alike but for rounding on a graphics processor.
        ours, theirs = (_logits(each, probes) for each in (translator, written))
        same &= ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=1e-3, atol=1e-3, equal_nan=True)
    if not same:
        raise TranslatorFileError(
            "A translator file has to translate as the translator did that it was written from. Received: a file "
            "that does not, so it was thrown away. Where a part of the model is your own, look whether its "
            "get_config names every argument and its weights are made in build."
        )


def _logits(translator: Translator, probes: Probes) -> npt.NDArray[np.float32]:
    """Give the logits of translations of texts, `[texts, target_time, vocab]`."""
    sources, targets = (list(side) for side in zip(*probes, strict=True))
    source = Ids.pack(translator.source_tokenizer.encode_batch(sources))
    target = Ids.pack(translator.target_tokenizer.encode_batch(targets))
    inputs, _ = pad_batch(source, target, np.arange(len(probes)))
    logits = translator.model(inputs, training=False)
    return np.where(inputs["target_in"][..., np.newaxis] == PAD, 0, np.asarray(logits, np.float32))


@contextmanager
def _without_training(model: Any) -> Iterator[None]:
    """Let Keras forget for a moment what it would save of training: optimizer variables treble the file."""
    if not model.compiled:
        yield
        return
    optimizer = model.optimizer
    model.optimizer, model.compiled = None, False
    try:
        yield
    finally:
        model.optimizer, model.compiled = optimizer, True
