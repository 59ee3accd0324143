"""Sampling: tokens drawn with the probabilities of the model."""

from typing import Any

import tensorflow as tf

from seq2seq.search.greedy import follow
from seq2seq.search.hypotheses import Hypotheses
from seq2seq.search.open_sentences import Sentences
from seq2seq.search.step import (
    IMPOSSIBLE,
    MINUS_INFINITY,
    Step,
    check_end,
    clean,
    log_probabilities,
    special_ids,
)


def sample_search(
    step: Step,
    state: Any,
    memory: Any,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int | tf.Tensor,
    max_length: tf.Tensor,
    start: int,
    end: int,
    pad: int = 0,
) -> Hypotheses:
    """Draw every token at random until the sentence ends.

    Graph code: call it inside a `tf.function`. What is drawn for a sentence is a function of the seed, of the place of
    the sentence in the batch and of its probabilities; the sentences beside it change nothing. Padding and start are
    never produced. At its maximum length a sentence ends whatever is drawn.

    Args:
        step: `step(tokens [rows] int32, state, memory) -> (logits [rows, vocab], state)`; here rows = batch.
        state: Any nest of tensors `[batch, ...]`, what the first step starts from.
        memory: Any nest of tensors `[batch, ...]`, what the steps read.
        temperature: Logits are divided by it: below 1 sharper, above 1 flatter.
        top_k: Draw among this many most probable tokens only; 0 for all.
        top_p: Draw among the fewest most probable tokens whose probabilities (after temperature and top_k) sum to at
            least this much; 1 for all.
        seed: An integer, or a scalar integer tensor to change the seed without a new trace.
        max_length: `[batch]` integers, the most tokens of a hypothesis, END counted.
        start: The token that the first step reads.
        end: The token that ends a sentence.
        pad: What fills up behind the end.

    Returns:
        One hypothesis per sentence: tokens `[batch, 1, target_time]`, scores `[batch, 1]`, the sum of the model's own
        log-probabilities in nats, END counted, as if temperature were 1 and nothing cut: comparable with greedy search.

    Raises:
        ValueError: If temperature, top_k or top_p is out of range, the ids clash, max_length is not one positive
            integer per sentence, or step changes the kind of its state.

    Example:
        >>> def step(tokens, state, memory):  # one of 3, 4 and 5, then the end (2)
        ...     table = tf.constant([[-9.0, -9, -9, 0, 0, 0], [-9, -9, 9, -9, -9, -9]])
        ...     return tf.gather(table, tf.cast(tokens != 1, tf.int32)), state
        >>> found = sample_search(step, (), (), seed=7, top_k=3, max_length=tf.fill([300], 5), start=1, end=2)
        >>> sorted(set(found.tokens.numpy()[:, 0, 0].tolist()))
        [3, 4, 5]

    Source:
        top_k: Fan et al. 2018, section 5.4; top_p: Holtzman et al. 2020, section 3.1.
    """
    _check(temperature, top_k, top_p)
    ids = special_ids(start, end, pad)
    batch = tf.size(max_length)
    seed = tf.cast(seed, tf.int64)

    def choose(
        logits: tf.Tensor, last: tf.Tensor, sentences: Sentences, length: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        check_end(logits, ids)
        logits, total = clean(logits)
        vocab = tf.shape(logits)[1]
        never = tf.reduce_any(tf.range(vocab)[:, tf.newaxis] == tf.constant(sorted({pad, start} - {end})), axis=1)
        weights = tf.where(never, MINUS_INFINITY, tf.clip_by_value(logits, IMPOSSIBLE, -IMPOSSIBLE))
        order = None
        if top_k or top_p < 1:
            weights, order = tf.math.top_k(weights, tf.minimum(top_k, vocab) if top_k else vocab)
        weights = tf.exp((weights - tf.reduce_max(weights, axis=1, keepdims=True)) / temperature)
        if top_p < 1:
            before = tf.cumsum(weights, axis=1, exclusive=True)
            weights = tf.where(before < top_p * tf.reduce_sum(weights, axis=1, keepdims=True), weights, 0.0)

        # One number for each sentence of the whole batch, so that it does not matter who has left. A token is drawn
        # where the running sum first exceeds it: never one of weight 0.
        numbers = tf.random.stateless_uniform([batch], tf.stack([seed, tf.cast(length, tf.int64)]), alg="philox")
        sums = tf.cumsum(weights, axis=1)
        numbers = tf.gather(numbers, sentences.place)[:, tf.newaxis] * sums[:, -1:]
        tokens = tf.argmax(tf.cast(sums > numbers, tf.int8), axis=1, output_type=tf.int32)
        tokens = tokens if order is None else tf.gather(order, tokens, batch_dims=1)
        tokens = tf.where(last, end, tokens)
        log_probs = log_probabilities(tf.gather(logits, tokens[:, tf.newaxis], batch_dims=1), total)[:, 0]
        return tokens, log_probs

    return follow(choose, step, state, memory, max_length=max_length, ids=ids)


def _check(temperature: float, top_k: int, top_p: float) -> None:
    if not temperature > 0:
        raise ValueError(
            f"temperature is greater than 0. Received: temperature={temperature}. Its limit at 0 is greedy_search."
        )
    if top_k < 0:
        raise ValueError(f"top_k counts tokens; 0 means all of them. Received: top_k={top_k}.")
    if not 0 < top_p <= 1:
        raise ValueError(f"top_p is a probability above 0; 1 means all tokens. Received: top_p={top_p}.")
