"""A model for the searches: logits looked up in a random table, by the sentence and the last two tokens.

They grow with each token, or two orders of the same pairs of tokens would score the same.
"""

import functools

import numpy as np
import tensorflow as tf

from seq2seq.search import Hypotheses, beam_search, greedy_search, sample_search
from tests.reference import END, PAD, START, NextLogProbs, log_softmax

SEARCHES = {"greedy": greedy_search, "beam": beam_search, "sample": sample_search}


def random_tables(seed: int, batch: int, vocab: int, spread: float = 2.0) -> np.ndarray:
    """Logits `[batch, vocab, vocab, vocab]`: sentence, token before the last, last token, next token."""
    return np.random.default_rng(seed).normal(scale=spread, size=(batch, vocab, vocab, vocab)).astype(np.float32)


def step(tokens, state, memory):
    """The state carries the token before the last; the memory has one row per sentence, however wide the beam is."""
    rows = tf.size(tokens)
    sentences = tf.range(rows) // (rows // tf.shape(memory["table"])[0])
    logits = tf.gather_nd(memory["table"], tf.stack([sentences, state["before"], tokens], axis=1))
    return logits * state["scale"], {**state, "before": tokens, "scale": state["scale"] + 0.125}


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
def searcher(kind: str, **settings):
    """One graph per search and settings, for every batch and every vocabulary."""
    signature = [tf.TensorSpec([None] * 4), tf.TensorSpec([None], tf.int32)]
    special = {"start": START, "end": END, "pad": PAD}

    @tf.function(input_signature=signature)
    def search(tables, max_length):
        state, memory = start_state(tf.shape(tables)[0]), {"table": tables}
        return SEARCHES[kind](step, state, memory, max_length=max_length, **special, **settings)

    return search


def run(kind: str, tables, max_length, **settings) -> Hypotheses:
    """Search in graph mode; NumPy comes back."""
    found = searcher(kind, **settings)(tables, np.asarray(max_length, np.int32))
    return Hypotheses(found.tokens.numpy(), found.scores.numpy())


def words(row) -> tuple[int, ...]:
    """A hypothesis without its padding."""
    return tuple(int(token) for token in row if token != PAD)
