"""A search, watched: its own code, over a step function that writes down what it was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from seq2seq.models.stepping import start_search
from seq2seq.search import Search, search
from seq2seq.text.special_ids import END, PAD, START

if TYPE_CHECKING:
    from seq2seq.models import Seq2Seq

Prefix = tuple[int, ...]
"""Target tokens from the first on, without `<s>`."""


@dataclass(frozen=True)
class Asked:
    """What the model said after a prefix.

    Attributes:
        log_probs: Of every piece that might come next, `[vocab]` float32, nats.
        attention: What it looked at, `[source_time]`; None without attention.
    """

    log_probs: np.ndarray
    attention: np.ndarray | None


@dataclass(frozen=True)
class Trace:
    """A search of one sentence.

    Attributes:
        asked: What the model said, by prefix.
        beams: At each step the open hypotheses, in the order of the beam.
        tokens: What was found, with `</s>`.
        score: Its score, nats.
        ended: Whether it ended by itself.
    """

    asked: dict[Prefix, Asked]
    beams: list[list[Prefix]]
    tokens: Prefix
    score: float
    ended: bool


def watch(model: Seq2Seq, source: list[int], settings: Search, max_length: int) -> Trace:
    """Search as `Seq2Seq.decode` does, and write down every step.

    The prefix of each row travels with its state, so that the search itself reorders it: nothing of it is written anew.

    Args:
        model: The model.
        source: Ids of one sentence, without `</s>`.
        settings: What to search with.
        max_length: The most tokens of the target, `</s>` counted.
    """
    looks = model.decoder.attention is not None
    encoded = model.encoder(tf.constant([[*source, END]]), training=False)
    begin = start_search(model.decoder, model.bridge(encoded), encoded, attention=looks)
    asked: dict[Prefix, Asked] = {}
    beams: list[list[Prefix]] = []

    def step(tokens: tf.Tensor, state: Any, memory: Any) -> tuple[Any, ...]:
        inner, so_far, length = state
        # The first token is <s>, at place 0.
        so_far = tf.tensor_scatter_nd_update(so_far, tf.stack([tf.range(tf.size(tokens)), length], axis=1), tokens)
        logits, inner, *seen = begin.step(tokens, inner, memory)
        log_probs = tf.nn.log_softmax(tf.cast(logits, tf.float32)).numpy()
        beam: list[Prefix] = []
        for row, ids in enumerate(so_far[:, : int(length[0]) + 1].numpy().tolist()):
            prefix = tuple(ids[1:])
            if prefix not in beam and not {PAD, START, END}.intersection(prefix):  # else a row that does not exist
                beam.append(prefix)
                asked[prefix] = Asked(log_probs[row], seen[0][row].numpy() if seen else None)
        beams.append(beam)
        return logits, (inner, so_far, length + 1), *seen

    state = begin.state, tf.zeros([1, max_length + 1], tf.int32), tf.zeros([1], tf.int32)
    found = search(
        settings, step, state, begin.memory,
        max_length=[max_length], start=START, end=END, pad=PAD, source_time=len(source) + 1 if looks else None,
    )  # fmt: skip
    tokens = tuple(token for token in found.tokens[0, 0].numpy().tolist() if token != PAD)
    return Trace(asked, beams, tokens, float(found.scores[0, 0]), bool(found.ended[0, 0]))


def force(model: Seq2Seq, source: list[int], target: list[int]) -> list[np.ndarray]:
    """Give what the model says at each token of a given target, `</s>` counted: log-probabilities of every piece."""
    from seq2seq.text.bucketing import pad_batch
    from seq2seq.text.ids import Ids

    inputs, _ = pad_batch(Ids.pack([source]), Ids.pack([target]), np.zeros(1, np.int64))
    return list(tf.nn.log_softmax(tf.cast(model(inputs, training=False)[0], tf.float32)).numpy())
