"""Sampling: tokens drawn with the probabilities of the model."""

import tensorflow as tf

from seq2seq.search.distinct import draw_distinct
from seq2seq.search.greedy import Choice, Offer, follow
from seq2seq.search.hypotheses import Hypotheses
from seq2seq.search.settings import Sample
from seq2seq.search.step import log_probabilities
from seq2seq.search.task import Task
from seq2seq.search.weights import cut, is_cut, weigh


def sample_search(settings: Sample, task: Task) -> Hypotheses:
    """Draw every token at random until the sentence ends.

    What is drawn for a sentence is a function of the seed, of the place of the sentence in the batch and of its
    probabilities; the sentences beside it change nothing. At its maximum length a sentence ends whatever is drawn.
    Several are drawn each on its own, or together, none of them twice: see `seq2seq.search.distinct`.

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
    if settings.draw == "distinct":
        return draw_distinct(settings, task)
    ids, paths = task.ids, tf.size(task.max_length) * settings.n_best
    seed = tf.convert_to_tensor(settings.seed, tf.int64)

    def choose(offer: Offer) -> Choice:
        weights, logits, total = weigh(settings, offer.logits, offer.banned, offer.length, ids)
        # One number for each path of the whole batch, so that it does not matter who has left.
        numbers = tf.random.stateless_uniform([paths], tf.stack([seed, tf.cast(offer.length, tf.int64)]), alg="philox")
        numbers = tf.gather(numbers, offer.place)[:, tf.newaxis]

        def of_the_best() -> tf.Tensor:
            best, order = cut(settings, weights)
            return tf.gather(order, _drawn(best, numbers), batch_dims=1)

        tokens = tf.cond(is_cut(settings), of_the_best, lambda: _drawn(weights, numbers))
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
