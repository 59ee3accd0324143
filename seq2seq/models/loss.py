"""Cross-entropy over the vocabulary from one softmax, with its own gradient."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import ops

from seq2seq.layers.precision import fine


class Totals(NamedTuple):
    """Sums over the target tokens of a batch; scalars.

    Attributes:
        loss: Label-smoothed cross-entropy, nats.
        nats: Cross-entropy without smoothing, nats.
        correct: Tokens whose best-scored id is the right one.
        tokens: Target tokens, `</s>` counted, padding not.
    """

    loss: tf.Tensor
    nats: tf.Tensor
    correct: tf.Tensor
    tokens: tf.Tensor


class Perplexity(keras.metrics.Mean):
    """The exponential of a mean of nats per token."""

    def result(self) -> Any:  # noqa: D102
        return ops.exp(super().result())


def cross_entropy(
    logits: tf.Tensor,
    targets: tf.Tensor,
    label_smoothing: float = 0.0,
    weights: tf.Tensor | None = None,
    vocab_size: int | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Cross-entropy of each row with the target distribution `(1 - ε)·one_hot + ε / vocab`, never built.

    The gradient `softmax - target distribution` is made of the softmax in place: no one-hot, no dense target
    distribution, no stored log-probabilities, and one exponential per logit in both passes together.

    Where the columns are a sample of the vocabulary, each stands for as many words as its weight says: every sum over
    the vocabulary is replaced by a weighted one over the sample, which is right on average whatever the logits are
    (Horvitz and Thompson). That is so for the normalizer `Σ exp(logit)` and for the sum of the logits; the logarithm
    of the normalizer is a little too small on average, the less so the more columns there are.

    Args:
        logits: `[tokens, vocab]`; taken to float32 where they are of half precision.
        targets: Ids, `[tokens]`: columns of the logits.
        label_smoothing: ε, from 0 to below 1.
        weights: Of the columns, `[vocab]`, 1 for targets; None where they are the whole vocabulary.
        vocab_size: Words of the whole vocabulary, where the columns are a sample of it.

    Returns:
        The smoothed loss and the unsmoothed one, nats, each `[tokens]`. Only the first has a gradient.

    Source:
        Szegedy et al. 2016, section 7 (label smoothing). Of sampled columns: Bengio and Senécal 2003; Jean, Cho,
        Memisevic and Bengio 2015, section 3.1 (one sample for a whole batch, with its targets); Horvitz and Thompson
        1952 (the weights).
    """
    logits = tf.cast(logits, fine(logits.dtype))
    if weights is not None:
        weights = tf.cast(weights, logits.dtype)
    # A batch may have more logits than an int32 can count.
    targets = tf.cast(targets, tf.int64)
    rows = tf.range(tf.shape(logits, tf.int64)[0])
    shared = label_smoothing / tf.cast(vocab_size or tf.shape(logits)[1], logits.dtype)

    @tf.custom_gradient
    def run(logits: tf.Tensor) -> Any:
        scores = logits if weights is None else logits + tf.math.log(weights)
        probabilities = tf.nn.softmax(scores)
        best = tf.argmax(scores, axis=1, output_type=tf.int64)
        # The probability of the best word is at least one over the vocabulary: its logarithm is exact.
        normalizer = _at(rows, best, scores) - tf.math.log(_at(rows, best, probabilities))
        right = _at(rows, targets, logits)
        nats = loss = normalizer - right
        if label_smoothing:
            total = tf.reduce_sum(logits, axis=1) if weights is None else tf.linalg.matvec(logits, weights)
            loss = nats + label_smoothing * right - shared * total

        def gradient(d_loss: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            d_logits = probabilities
            if label_smoothing:
                d_logits -= shared if weights is None else shared * weights
            # Without an alias the result takes the place of its input, and nothing is copied.
            return tf.raw_ops.ScatterNdNonAliasingAdd(
                input=d_logits * d_loss[:, tf.newaxis],
                indices=tf.stack([rows, targets], axis=1),
                updates=(label_smoothing - 1) * d_loss,
            )

        return (loss, nats), gradient

    loss, nats = run(logits)
    return loss, tf.stop_gradient(nats)


def _at(rows: tf.Tensor, columns: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """One value of each row."""
    return tf.gather_nd(values, tf.stack([rows, columns], axis=1))
