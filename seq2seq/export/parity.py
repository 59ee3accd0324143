"""The proof that what is exported translates as the model did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seq2seq.runtime.translator import ExportedTranslator
from seq2seq.text.bucketing import pad_batch
from seq2seq.text.ids import Ids
from seq2seq.text.special_ids import PAD, PIECES
from seq2seq.translation import Translator

LOGITS = 1e-3
"""The largest difference of a logit that is rounding."""

SCORES = 1e-4
"""The largest difference of scores, in nats, of two translations that are as good as each other."""

_TEXTS = 64
_BATCH = 32


class Parity(NamedTuple):
    """What a comparison of both translators on some texts gave.

    Attributes:
        texts: How many there were.
        logits: The largest difference of a logit, the translations of the model given.
        identical: How many translations are the same.
        alike: How many others have the same score, to a rounding error.
    """

    texts: int
    logits: float
    identical: int
    alike: int

    @property
    def holds(self) -> bool:
        """Whether both are the same translator."""
        return self.logits <= LOGITS and self.identical + self.alike == self.texts

    def __str__(self) -> str:
        """Say it in a line."""
        alike = f", {self.alike:,} others with the same score" if self.alike else ""
        return (
            f"largest difference of logits {self.logits:.2g}; "
            f"{self.identical:,} of {self.texts:,} translations identical{alike}"
        )


def compare(model: Translator, exported: ExportedTranslator, texts: Sequence[str]) -> Parity:
    """Compare an exported translator with the one that it was made of.

    Args:
        model: The one with TensorFlow.
        exported: The one without.
        texts: Source texts, none of them empty.
    """
    ours, theirs = ([best for best, *_ in found] for found in (model.hypotheses(texts), exported.hypotheses(texts)))
    same = [one.text == other.text for one, other in zip(ours, theirs, strict=True)]
    alike = [
        not equal and abs(one.score - other.score) <= SCORES
        for equal, one, other in zip(same, ours, theirs, strict=True)
    ]
    differences = [
        _difference(model, exported, texts[start : start + _BATCH], [one.text for one in ours[start : start + _BATCH]])
        for start in range(0, len(texts), _BATCH)
    ]
    logits = float(np.max(differences))  # `max` would pass over what is no number
    return Parity(len(texts), logits, sum(same), sum(alike))


def _difference(
    model: Translator, exported: ExportedTranslator, sources: Sequence[str], targets: Sequence[str]
) -> float:
    """The largest difference of a logit over the tokens of given translations; not a number where one is none."""
    source = Ids.pack(model.source_tokenizer.encode_batch(sources))
    target = Ids.pack(model.target_tokenizer.encode_batch(targets))
    inputs, target_out = pad_batch(source, target, np.arange(len(sources)))
    expected = np.asarray(model.model(inputs, training=False), np.float32)
    state, memory = exported.graphs.start(inputs["source"].astype(np.int64))
    worst = np.float32(0)
    for time, tokens in enumerate(inputs["target_in"].astype(np.int64).T):
        logits, state = exported.graphs.logits(tokens, state, memory)
        real = target_out[:, time] != PAD
        worst = np.maximum(worst, np.abs(logits - expected[:, time])[real].max(initial=0))
    return float(worst)


def generated(translator: Translator) -> list[str]:
    """Make texts of pieces from all over the vocabulary, of 1 to 16 of them."""
    tokenizer = translator.source_tokenizer
    ids = np.arange(len(PIECES), tokenizer.vocab_size)
    draw = np.random.default_rng(0)
    texts = [tokenizer.decode(draw.choice(ids, 1 + place % 16).tolist()) for place in range(_TEXTS)]
    return [text for text in (" ".join(text.split()) for text in texts) if tokenizer.encode(text)]
