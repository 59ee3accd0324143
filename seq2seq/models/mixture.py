"""The mean of what several models think of the next token."""

import math
from collections.abc import Sequence
from typing import Literal, get_args

import tensorflow as tf

from seq2seq.system.choices import need_choice

Mean = Literal["probabilities", "log_probabilities"]


class Mixture:
    """Mixes logits by a weighted mean of probabilities, or of log-probabilities.

    Args:
        models: Their number.
        weights: How much each has to say, above 0; only their ratio counts. None: all the same.
        mean: Of what the mean is taken.

    Raises:
        ValueError: There is no model, or the weights are not one positive number for each.

    Example:
        >>> sure, unsure = tf.constant([[9.0, -9.0]]), tf.constant([[0.0, 0.0]])
        >>> tf.nn.softmax(Mixture(2, [3, 1])([sure, unsure])).numpy().round(3).tolist()
        [[0.875, 0.125]]
        >>> Mixture(2, [3, -1])
        Traceback (most recent call last):
        ValueError: An ensemble has one weight above 0 for each model. Received: weights=[3, -1] for 2 models.
    """

    def __init__(self, models: int, weights: Sequence[float] | None = None, mean: Mean = "probabilities") -> None:
        need_choice("mean", mean, get_args(Mean))
        weights = [1.0] * models if weights is None else list(weights)
        sound = len(weights) == models and all(math.isfinite(weight) and weight > 0 for weight in weights)
        if not models or not sound:
            raise ValueError(
                f"An ensemble has one weight above 0 for each model. Received: weights={weights} for {models} models."
            )
        self.weights = tuple(weight / math.fsum(weights) for weight in weights)
        self.mean = mean

    def __call__(self, logits: Sequence[tf.Tensor]) -> tf.Tensor:
        """Mix logits `[..., vocab]` of every model; those of a single one stay as they are."""
        if len(logits) == 1:
            return logits[0]
        log_probs = [tf.nn.log_softmax(tf.cast(each, tf.float32)) for each in logits]
        if self.mean == "log_probabilities":
            return self.of(log_probs)
        return tf.reduce_logsumexp(
            tf.stack([each + math.log(weight) for each, weight in zip(log_probs, self.weights, strict=True)]), axis=0
        )

    def of(self, parts: Sequence[tf.Tensor]) -> tf.Tensor:
        """Give the weighted mean of what each model has, such as its attention."""
        if len(parts) == 1:
            return parts[0]
        return tf.add_n([weight * part for part, weight in zip(parts, self.weights, strict=True)])
