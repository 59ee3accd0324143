"""Cross-entropy over the vocabulary in one fused pass, with its own gradient."""

from typing import Any, NamedTuple

import tensorflow as tf


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


def cross_entropy(logits: tf.Tensor, targets: tf.Tensor, label_smoothing: float = 0.0) -> tuple[tf.Tensor, tf.Tensor]:
    """Cross-entropy of each row with the target distribution `(1 - ε)·one_hot + ε / vocab`, never built.

    The gradient `softmax - target distribution` is computed from the logits in one pass: no one-hot, no dense target
    distribution, no stored log-probabilities.

    Args:
        logits: `[tokens, vocab]`; taken to float32 where they are of half precision.
        targets: Ids, `[tokens]`.
        label_smoothing: ε, from 0 to below 1.

    Returns:
        The smoothed loss and the unsmoothed one, nats, each `[tokens]`. Only the first has a gradient.

    Source:
        Szegedy et al. 2016, section 7 (label smoothing).
    """
    logits = tf.cast(logits, tf.float64 if logits.dtype == tf.float64 else tf.float32)
    vocab = tf.shape(logits)[1]
    places = tf.stack([tf.range(tf.shape(logits)[0]), tf.cast(targets, tf.int32)], axis=1)

    @tf.custom_gradient
    def run(logits: tf.Tensor) -> Any:
        normalizer = tf.reduce_logsumexp(logits, axis=1)
        nats = normalizer - tf.gather_nd(logits, places)
        loss = nats
        if label_smoothing:
            uniform = normalizer - tf.reduce_mean(logits, axis=1)
            loss = (1 - label_smoothing) * nats + label_smoothing * uniform

        def gradient(d_loss: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            shared = label_smoothing / tf.cast(vocab, logits.dtype)
            d_logits = tf.exp(logits - normalizer[:, tf.newaxis]) - shared
            d_logits = tf.tensor_scatter_nd_sub(
                d_logits, places, tf.fill(tf.shape(nats), 1 - tf.cast(label_smoothing, logits.dtype))
            )
            return d_logits * d_loss[:, tf.newaxis]

        return (loss, nats), gradient

    loss, nats = run(logits)
    return loss, tf.stop_gradient(nats)
