"""Sampling: tokens drawn with the probabilities of the model."""

import tensorflow as tf

from seq2seq.search.greedy import Choice, Offer, follow
from seq2seq.search.hypotheses import Hypotheses
from seq2seq.search.settings import Sample
from seq2seq.search.step import IMPOSSIBLE, MINUS_INFINITY, check_end, clean, log_probabilities
from seq2seq.search.task import Task


def sample_search(settings: Sample, task: Task) -> Hypotheses:
    """Draw every token at random until the sentence ends.

    What is drawn for a sentence is a function of the seed, of the place of the sentence in the batch and of its
    probabilities; the sentences beside it change nothing. At its maximum length a sentence ends whatever is drawn.

    Args:
        settings: What to search with.
        task: What is searched.

    Returns:
        `n_best` hypotheses per sentence, among them the one that is drawn where one is asked for. Their scores are made
        of the model's own log-probabilities, as if temperature were 1 and nothing cut: comparable with greedy search.

    Example:
        >>> from seq2seq.search import Sample, search
        >>> def step(tokens, state, memory):  # one of 3, 4 and 5, then the end (2)
        ...     table = tf.constant([[-9.0, -9, -9, 0, 0, 0], [-9, -9, 9, -9, -9, -9]])
        ...     return tf.gather(table, tf.cast(tokens != 1, tf.int32)), state
        >>> found = search(Sample(seed=7, top_k=3), step, (), (), max_length=tf.fill([300], 5), start=1, end=2)
        >>> sorted(set(found.tokens.numpy()[:, 0, 0].tolist()))
        [3, 4, 5]

    Source:
        top_k: Fan et al. 2018, section 5.4; top_p: Holtzman et al. 2020, section 3.1.
    """
    ids, paths = task.ids, tf.size(task.max_length) * settings.n_best
    seed = tf.convert_to_tensor(settings.seed, tf.int64)
    min_length = tf.cast(settings.min_length, tf.int32)
    top_k, top_p = tf.cast(settings.top_k, tf.int32), tf.convert_to_tensor(settings.top_p, tf.float32)

    def choose(offer: Offer) -> Choice:
        check_end(offer.logits, ids)
        logits, total = clean(offer.logits)
        vocab = tf.shape(logits)[1]
        excluded = tf.constant(sorted({ids.pad, ids.start} - {ids.end}))
        never = tf.reduce_any(tf.range(vocab)[:, tf.newaxis] == excluded, axis=1)
        if offer.banned is not None:
            never |= offer.banned
        weights = tf.where(never, MINUS_INFINITY, tf.clip_by_value(logits, IMPOSSIBLE, -IMPOSSIBLE))
        # Too early, an end is less than impossible, and still drawn where it is all there is.
        early = (tf.range(vocab) == ids.end) & (offer.length <= min_length)
        weights = tf.where(early, 2 * IMPOSSIBLE, weights)
        weights = tf.exp((weights - tf.reduce_max(weights, axis=1, keepdims=True)) / settings.temperature)
        # One number for each path of the whole batch, so that it does not matter who has left.
        numbers = tf.random.stateless_uniform([paths], tf.stack([seed, tf.cast(offer.length, tf.int64)]), alg="philox")
        numbers = tf.gather(numbers, offer.place)[:, tf.newaxis]

        def of_the_best() -> tf.Tensor:
            best, order = tf.math.top_k(weights, tf.where(top_k > 0, tf.minimum(top_k, vocab), vocab))
            before = tf.cumsum(best, axis=1, exclusive=True)
            enough = tf.where(top_p < 1, top_p * tf.reduce_sum(best, axis=1, keepdims=True), float("inf"))
            return tf.gather(order, _drawn(tf.where(before < enough, best, 0.0), numbers), batch_dims=1)

        # Drawn from all of them, they need no order.
        tokens = tf.cond((top_k > 0) | (top_p < 1), of_the_best, lambda: _drawn(weights, numbers))
        ended = tokens == ids.end
        tokens = tf.where(offer.last, ids.end, tokens)
        log_probs = log_probabilities(tf.gather(logits, tokens[:, tf.newaxis], batch_dims=1), total)[:, 0]
        return Choice(tokens, log_probs, ended)

    return follow(choose, settings, task, paths=settings.n_best)


def _drawn(weights: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Draw a place of each row: where the running sum first exceeds the number, so never one of weight 0.

    Args:
        weights: `[rows, n]` float32.
        numbers: `[rows, 1]` float32, from 0 to below 1.
    """
    sums = tf.cumsum(weights, axis=1)
    return tf.argmax(tf.cast(sums > numbers * sums[:, -1:], tf.int8), axis=1, output_type=tf.int32)
