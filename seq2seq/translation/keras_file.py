"""A model as the bytes of Keras' own file, and what tells its weights from all others."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seq2seq.translation.model_file import MODEL, TranslatorFileError, check_model

if TYPE_CHECKING:
    from seq2seq.models import Seq2Seq


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
