"""A model for the searches: logits looked up in a random table, by the sentence and the last two tokens.

They grow with each token, or two orders of the same pairs of tokens would score the same.
"""

import functools

import numpy as np
import tensorflow as tf

from seq2seq.search import Constraints, Hypotheses, Search, search
from tests.reference import END, PAD, START, NextLogProbs, log_softmax

SOURCE_TIME = 3


def random_tables(seed: int, batch: int, vocab: int, spread: float = 2.0) -> np.ndarray:
    """Logits `[batch, vocab, vocab, vocab]`: sentence, token before the last, last token, next token."""
    return np.random.default_rng(seed).normal(scale=spread, size=(batch, vocab, vocab, vocab)).astype(np.float32)


def step(tokens, state, memory):
    """The state carries the token before the last; the memory has one row per sentence, however wide the beam is."""
    rows = tf.size(tokens)
    sentences = tf.range(rows) // (rows // tf.shape(memory["table"])[0])
    logits = tf.gather_nd(memory["table"], tf.stack([sentences, state["before"], tokens], axis=1))
    return logits * state["scale"], {**state, "before": tokens, "scale": state["scale"] + 0.125}


def looking_step(tokens, state, memory):
    """The same step, looking at the source as the sentence and the last two tokens say."""
    sentences = tf.range(tf.size(tokens)) // (tf.size(tokens) // tf.shape(memory["table"])[0])
    seen = tf.gather_nd(memory["looks"], tf.stack([sentences, state["before"], tokens], axis=1))
    return *step(tokens, state, memory), seen


def looks(seed: int, batch: int, vocab: int) -> np.ndarray:
    """Attention `[batch, vocab, vocab, SOURCE_TIME]`: sentence, token before the last, last token, position."""
    return np.random.default_rng(seed).random((batch, vocab, vocab, SOURCE_TIME), np.float32)


def start_state(batch):
    return {
        "before": tf.fill([batch], PAD),
        "scale": tf.ones([batch, 1]),
        "nothing": (),
        "no_width": tf.zeros([batch, 0]),
    }


def next_log_probs(table: np.ndarray) -> NextLogProbs:
    """The same model for the reference, for one sentence."""

    def of(prefix: tuple[int, ...]) -> np.ndarray:
        before, last = (PAD, START, *prefix)[-2:]
        return log_softmax(table[before, last] * (1 + 0.125 * len(prefix)))

    return of


@functools.cache
def searcher(settings: Search, looking: bool = False, asked: tuple[str, ...] = ()):
    """One graph per settings, for every batch, every vocabulary and all constraints of some names."""
    ranks = {"prefix": 2, "avoid": 3, "phrases": 3}
    constraints = [tf.TensorSpec([None] * ranks[name], tf.int32) for name in asked]
    signature = [tf.TensorSpec([None] * 4), tf.TensorSpec([None], tf.int32), tf.TensorSpec([None] * 4), *constraints]

    @tf.function(autograph=False, input_signature=signature)
    def found(tables, max_length, looks, *constraints):
        memory = {"table": tables, "looks": looks}
        return search(
            settings, looking_step if looking else step, start_state(tf.shape(tables)[0]), memory,
            max_length=max_length, start=START, end=END, pad=PAD, source_time=SOURCE_TIME if looking else None,
            constraints=Constraints(**dict(zip(asked, constraints, strict=True))),
        )  # fmt: skip

    return found


def run(settings: Search, tables, max_length, looks=None, **constraints) -> Hypotheses:
    """Search in graph mode; NumPy comes back."""
    seen = np.zeros((*tables.shape[:3], 0), np.float32) if looks is None else looks
    searching = searcher(settings, looks is not None, tuple(constraints))
    found = searching(tables, np.asarray(max_length, np.int32), seen, *map(np.int32, constraints.values()))
    return Hypotheses(*(None if part is None else part.numpy() for part in found))


def words(row) -> tuple[int, ...]:
    """A hypothesis without its padding."""
    return tuple(int(token) for token in row if token != PAD)
