"""Slow, plain versions of what the package computes fast: the expected values of the tests come from here.

The search reads a model as a function `next_log_probs(prefix) -> log-probabilities [vocab]`, where prefix is the tuple
of the tokens produced so far.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

PAD, START, END = 0, 1, 2

NextLogProbs = Callable[[tuple[int, ...]], np.ndarray]


class Found(NamedTuple):
    tokens: tuple[int, ...]
    score: float
    ended: bool = True  # by itself, not by its limit


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def token_scores(next_log_probs: NextLogProbs, tokens: tuple[int, ...]) -> list[float]:
    """The log-probability of each token after those before it."""
    return [next_log_probs(tokens[:place])[token] for place, token in enumerate(tokens)]


def score(next_log_probs: NextLogProbs, tokens: tuple[int, ...], length_penalty: float) -> float:
    """Score a whole hypothesis, END as its last token."""
    return sum(token_scores(next_log_probs, tokens)) / len(tokens) ** length_penalty


def every_hypothesis(next_log_probs: NextLogProbs, max_length: int, length_penalty: float) -> list[Found]:
    """Brute force: all token sequences that end within max_length tokens, best first."""
    vocab = len(next_log_probs(()))
    found, prefixes = [], [()]
    while prefixes:
        prefix = prefixes.pop()
        whole = (*prefix, END)
        found.append(Found(whole, score(next_log_probs, whole, length_penalty)))
        if len(whole) < max_length:
            prefixes += [(*prefix, token) for token in range(vocab) if token not in (PAD, START, END)]
    return sorted(found, key=lambda one: -one.score)


def beam_search(
    next_log_probs: NextLogProbs, max_length: int, length_penalty: float, beam_size: int, n_best: int
) -> list[Found]:
    """Beam search as its rules are told, for one sentence, with lists and without the stop by the exact bound."""
    vocab = len(next_log_probs(()))
    opened, finished = [((), 0.0)], []
    for length in range(1, max_length + 1):
        following = []
        for prefix, total in opened:
            log_probs = next_log_probs(prefix)
            allowed = [t for t in range(vocab) if t not in (PAD, START)]
            following += [((*prefix, token), total + log_probs[token]) for token in allowed]
        following.sort(key=lambda one: -one[1])
        best, last = following[:beam_size], length == max_length
        ends = [one for one in (following if last else best) if one[0][-1] == END]
        finished += [Found(one[0], one[1] / length**length_penalty, one in best) for one in ends]
        opened = [] if last else [one for one in following if one[0][-1] != END][:beam_size]
        finished.sort(key=lambda one: -one.score)
        best = opened[0][1] / length**length_penalty if opened else -np.inf
        if len(finished) >= beam_size and best <= finished[n_best - 1].score:
            break
    return finished[:n_best]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lstm(inputs: np.ndarray, mask: np.ndarray, hidden: np.ndarray, cell: np.ndarray, weights: list[np.ndarray]):
    """An LSTM layer, step by step and row by row: outputs [batch, time, units] and the last hidden and cell state."""
    kernel, recurrent_kernel, bias = weights
    outputs = np.zeros((*inputs.shape[:2], hidden.shape[1]))
    hidden, cell = hidden.copy(), cell.copy()
    for row in range(inputs.shape[0]):
        for time in np.flatnonzero(mask[row]):
            i, f, g, o = np.split(inputs[row, time] @ kernel + hidden[row] @ recurrent_kernel + bias, 4)
            cell[row] = sigmoid(f) * cell[row] + sigmoid(i) * np.tanh(g)
            hidden[row] = sigmoid(o) * np.tanh(cell[row])
            outputs[row, time] = hidden[row]
    return outputs, hidden, cell


def attention(
    query: np.ndarray, memory: np.ndarray, mask: np.ndarray, energy: Callable
) -> tuple[np.ndarray, np.ndarray]:
    """Context and weights, query by query; energy(query [units], position [memory_units]) is one score."""
    weights = np.zeros((*query.shape[:2], memory.shape[1]))
    for row, place in np.ndindex(query.shape[:2]):
        real = np.flatnonzero(mask[row])
        scores = np.array([energy(query[row, place], memory[row, source]) for source in real])
        weights[row, place, real] = np.exp(log_softmax(scores))
    return np.einsum("bqs,bsm->bqm", weights, memory), weights
