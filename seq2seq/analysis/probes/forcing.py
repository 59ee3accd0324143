"""How much a model loses by reading its own words: accuracy by position, after right tokens and after its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq.search import Greedy
from seq2seq.text.bucketing import form_batches, pad_batch
from seq2seq.text.ids import Ids
from seq2seq.text.special_ids import PAD

if TYPE_CHECKING:
    from seq2seq.models import Seq2Seq

_MOST_TOKENS = 2000  # of a batch, padding counted: each target token has a row of logits as wide as the vocabulary


class Position(NamedTuple):
    """A position of the target.

    Attributes:
        place: From 1; `</s>` has one too.
        sentences: How many references reach it.
        forced: Percent of them in which the most probable token after the reference so far is that of the reference.
        free: Percent of them in which what greedy search wrote at this position is.
    """

    place: int
    sentences: int
    forced: float
    free: float


def accuracy_by_position(
    model: Seq2Seq, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]
) -> list[Position]:
    """Compare what a model says after the reference so far, and after its own words, with the reference.

    Args:
        model: The model.
        sources: Source ids of each sentence, without `</s>`.
        targets: Those of its reference.
    """
    source, target = Ids.pack(sources), Ids.pack(targets)
    ids = tf.TensorSpec([None, None], tf.int32)

    @tf.function(input_signature=[ids, ids], autograph=False)
    def most_probable(source: tf.Tensor, target_in: tf.Tensor) -> tf.Tensor:
        return tf.argmax(model({"source": source, "target_in": target_in}, training=False), axis=-1)

    right = np.zeros((int(target.lengths.max()) + 1, 3), int)  # sentences, after the reference, after its own words
    for places in form_batches(source.lengths, target.lengths, size=_MOST_TOKENS, unit="tokens", random=None):
        inputs, target_out = pad_batch(source, target, places)
        forced = np.asarray(most_probable(inputs["source"], inputs["target_in"]))
        free = np.full_like(target_out, PAD)
        # One token more than the reference has, so that no end is forced where its own comes.
        tokens = np.asarray(model.decode(inputs["source"], target.lengths[places] + 2, Greedy()).tokens)[:, 0]
        width = min(free.shape[1], tokens.shape[1])
        free[:, :width] = tokens[:, :width]
        real = target_out != PAD
        for column, hits in enumerate((real, real & (forced == target_out), real & (free == target_out))):
            right[: target_out.shape[1], column] += hits.sum(0)
    return [
        Position(place, int(number), 100 * float(forced) / number, 100 * float(free) / number)
        for place, (number, forced, free) in enumerate(right.tolist(), start=1)
    ]
