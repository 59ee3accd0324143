"""What proves that a file is the translator that it was written from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from seq2seq.text.bucketing import pad_batch
from seq2seq.text.ids import Ids
from seq2seq.text.special_ids import PAD, PIECES
from seq2seq.translation.model_file import TranslatorFileError

if TYPE_CHECKING:
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.translation.translator import Translator

Probes = Sequence[Sequence[str]]
"""Texts, each with its translation."""


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
