"""Slow, plain versions of what the package computes fast: the expected values of the tests come from here.

The search reads a model as a function `next_log_probs(prefix) -> log-probabilities [vocab]`, where prefix is the tuple
of the tokens produced so far.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

PAD, START, END = 0, 1, 2

NextLogProbs = Callable[[tuple[int, ...]], np.ndarray]
Worth = Callable[[float, tuple[int, ...]], float]
Allowed = Callable[[tuple[int, ...], int], bool]


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


def score(next_log_probs: NextLogProbs, tokens: tuple[int, ...], worth: float | Worth) -> float:
    """Score a whole hypothesis, END as its last token; worth is a function, or a length penalty."""
    worth = worth if callable(worth) else by_length(worth)
    return worth(sum(token_scores(next_log_probs, tokens)), tokens)


def by_length(penalty: float, reward: float = 0.0, gnmt: bool = False) -> Worth:
    """The score of a sum of log-probabilities by the number of tokens."""

    def worth(total: float, tokens: tuple[int, ...]) -> float:
        length = len(tokens)
        return (total + reward * length) / ((5 + length) / 6 if gnmt else length) ** penalty

    return worth


def anything(prefix: tuple[int, ...], token: int) -> bool:
    return True


def every_hypothesis(
    next_log_probs: NextLogProbs,
    max_length: int,
    worth: float | Worth,
    min_length: int = 0,
    allowed: Allowed = anything,
) -> list[Found]:
    """Brute force: all token sequences that end within max_length tokens, and not before min_length, best first."""
    vocab = len(next_log_probs(()))
    found, prefixes = [], [()]
    while prefixes:
        prefix = prefixes.pop()
        whole = (*prefix, END)
        if (len(prefix) >= min_length and allowed(prefix, END)) or len(whole) == max_length:
            found.append(Found(whole, score(next_log_probs, whole, worth)))
        if len(whole) < max_length:
            words = [token for token in range(vocab) if token not in (PAD, START, END) and allowed(prefix, token)]
            prefixes += [(*prefix, token) for token in words]
    return sorted(found, key=lambda one: -one.score)


def beam_search(
    next_log_probs: NextLogProbs,
    max_length: int,
    worth: float | Worth,
    beam_size: int,
    n_best: int,
    min_length: int = 0,
    exact: bool = False,
    allowed: Allowed = anything,
    standing: Worth | None = None,
) -> list[Found]:
    """Beam search as its rules are told, for one sentence, with lists and without the stop by the exact bound."""
    worth = worth if callable(worth) else by_length(worth)
    standing = standing or worth  # of what has not ended yet
    vocab = len(next_log_probs(()))
    opened, finished = [((), 0.0)], []
    for length in range(1, max_length + 1):
        following = []
        for prefix, total in opened:
            log_probs = next_log_probs(prefix)
            last = length == max_length
            words = [t for t in range(vocab) if t not in (PAD, START) and (allowed(prefix, t) or (last and t == END))]
            following += [((*prefix, token), total + log_probs[token]) for token in words]
        following.sort(key=lambda one: -one[1])
        best, last = following[:beam_size] if length > min_length else [], length == max_length
        ends = [one for one in (following if last else best) if one[0][-1] == END]
        finished += [Found(one[0], worth(one[1], one[0]), one in best) for one in ends]
        opened = [] if last else [one for one in following if one[0][-1] != END][:beam_size]
        finished.sort(key=lambda one: -one.score)
        best = standing(opened[0][1], opened[0][0]) if opened else -np.inf
        if not exact and len(finished) >= beam_size and best <= finished[n_best - 1].score:
            break
    return finished[:n_best]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def recurrent(step: Callable, inputs: np.ndarray, mask: np.ndarray, state: list[np.ndarray], *weights, **options):
    """A recurrent layer, step by step and row by row: outputs [batch, time, units] and the parts of the last state."""
    outputs = np.zeros((*inputs.shape[:2], state[0].shape[1]))
    state = [part.copy() for part in state]
    for row in range(inputs.shape[0]):
        for time in np.flatnonzero(mask[row]):
            after = step(inputs[row, time], *(part[row] for part in state), *weights, **options)
            for part, value in zip(state, after, strict=True):
                part[row] = value
            outputs[row, time] = after[0]
    return outputs, *state


def lstm(x, h, c, kernel, recurrent_kernel, bias, kept=1.0):
    """One step of an LSTM; as in all cells here, recurrent dropout multiplies the h of products by `kept`."""
    i, f, g, o = np.split(x @ kernel + (kept * h) @ recurrent_kernel + bias, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru(x, h, kernel, recurrent_kernel, bias, recurrent_bias, kept=1.0):
    """Cho et al. 2014, the reset gate behind the product."""
    w_z, w_r, w_g = np.split(x @ kernel + bias, 3)
    u_z, u_r, u_g = np.split((kept * h) @ recurrent_kernel, 3)
    z, r = sigmoid(w_z + u_z), sigmoid(w_r + u_r)
    return (z * h + (1 - z) * np.tanh(w_g + r * (u_g + recurrent_bias)),)


def layer_norm(z, gain, bias):
    """Ba et al. 2016, LN(z; gain, bias) of the supplement."""
    return (z - z.mean()) / np.sqrt(z.var() + 1e-5) * gain + bias


def layer_norm_lstm(x, h, c, kernel, recurrent_kernel, gain_inputs, gain_hidden, bias, gain_cell, bias_cell, kept=1.0):
    """Ba et al. 2016, equations 20 to 22. Of their three biases in 20 any that add up to ours give the same."""
    of_hidden = layer_norm((kept * h) @ recurrent_kernel, gain_hidden, 0.5 * bias)
    of_inputs = layer_norm(x @ kernel, gain_inputs, 0.3 * bias)
    i, f, g, o = np.split(of_hidden + of_inputs + 0.2 * bias, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(layer_norm(c, gain_cell, bias_cell)), c


def peephole_lstm(x, h, c, kernel, recurrent_kernel, bias, w_ci, w_cf, w_co, kept=1.0):
    """Graves 2013, equations 7 to 11, with the diagonal matrices as such."""
    w_xi, w_xf, w_xc, w_xo = np.split(kernel, 4, axis=1)
    w_hi, w_hf, w_hc, w_ho = np.split(recurrent_kernel, 4, axis=1)
    b_i, b_f, b_c, b_o = np.split(bias, 4)
    h = kept * h
    i = sigmoid(x @ w_xi + h @ w_hi + c @ np.diag(w_ci) + b_i)
    f = sigmoid(x @ w_xf + h @ w_hf + c @ np.diag(w_cf) + b_f)
    c = f * c + i * np.tanh(x @ w_xc + h @ w_hc + b_c)
    o = sigmoid(x @ w_xo + h @ w_ho + c @ np.diag(w_co) + b_o)
    return o * np.tanh(c), c


def coupled_lstm(x, h, c, kernel, recurrent_kernel, bias, kept=1.0):
    """Greff et al. 2017, variant CIFG: i = 1 - f."""
    f, g, o = np.split(x @ kernel + (kept * h) @ recurrent_kernel + bias, 3)
    f = sigmoid(f)
    c = f * c + (1 - f) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def simple_rnn(x, h, kernel, recurrent_kernel, bias, kept=1.0):
    """Elman 1990."""
    return (np.tanh(x @ kernel + (kept * h) @ recurrent_kernel + bias),)


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
