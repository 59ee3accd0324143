"""What the decoder reads in training: the right tokens, or in their place what the model itself would have said."""

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from seq2seq.distribution.replicas import replica
from seq2seq.models.settings import TeacherForcingSettings
from seq2seq.models.stepping import start_search
from seq2seq.search.task import any_rows
from seq2seq.text.special_ids import END, PAD


def inverse_sigmoid_constant(steps: int) -> float:
    """Give k of the inverse sigmoid `k / (k + exp(step / k))` that is a half after so many steps: `k · ln k = steps`.

    Example:
        >>> round(inverse_sigmoid_constant(6908), 1)
        1000.0
    """
    k = float(max(steps, 3))  # above the root, from where Newton's steps come down to it
    for _ in range(20):
        k = (k + steps) / (math.log(k) + 1)
    return k


def _inverse_sigmoid(step: tf.Tensor, steps: int) -> tf.Tensor:
    k = inverse_sigmoid_constant(steps)
    return tf.sigmoid(step / k - math.log(k))


RISES: dict[str, Callable[[tf.Tensor, int], tf.Tensor]] = {
    "constant": lambda step, steps: tf.ones_like(step),
    "linear": lambda step, steps: tf.minimum(step / steps, 1.0),
    "exponential": lambda step, steps: 1 - 2 ** (-step / steps),
    "inverse_sigmoid": _inverse_sigmoid,
}
"""How the share of own predictions rises to its height: 1 less the ε of Bengio et al. 2015, section 2.4, by name.

Functions of the optimizer steps done, float32, and of the setting `steps`.
"""


def share_of_own(settings: TeacherForcingSettings, step: Any) -> tf.Tensor:
    """Give the share that is fed with own predictions at a step.

    Args:
        settings: The settings.
        step: Optimizer steps done, a scalar.

    Returns:
        A scalar, float32, from 0 to 1.

    Example:
        >>> settings = TeacherForcingSettings("tokens", share=0.5, schedule="linear", steps=1000)
        >>> [float(share_of_own(settings, step)) for step in (0, 500, 2000)]
        [0.0, 0.25, 0.5]
    """
    return settings.share * RISES[settings.schedule](tf.cast(step, tf.float32), settings.steps)


def feed_own(model: Any, inputs: dict[str, tf.Tensor], place: tf.Tensor) -> dict[str, tf.Tensor]:
    """Put own predictions in the place of some target tokens: what is fed in one training step.

    What is drawn is a function of the place alone; replicas draw for themselves.

    Args:
        model: A `Seq2Seq`, whose `teacher_forcing` says how many.
        inputs: As for a call of the model.
        place: The seed and the optimizer steps done, two integers.

    Returns:
        The inputs, with another `target_in` where own predictions are fed at all.
    """
    settings, target_in = model.teacher_forcing, inputs["target_in"]
    if not settings.feeds_own:
        return inputs
    seed = tf.random.experimental.stateless_fold_in(place, tf.cast(1 + replica(), tf.int64))
    batch, time = tf.unstack(tf.shape(target_in))
    drawn = [batch, 1 if settings.own_predictions == "sentences" else time]
    numbers = tf.random.stateless_uniform(drawn, seed, alg="philox")
    return inputs | {"target_in": own_predictions(model, inputs, numbers < share_of_own(settings, place[1]))}


def own_predictions(model: Any, inputs: dict[str, tf.Tensor], chosen: tf.Tensor) -> tf.Tensor:
    """Read targets step by step, and put the best next token of the model where it is to read its own predictions.

    A prediction follows from all that was fed before it, own predictions and right tokens alike, and is made as greedy
    search makes it: without dropout, by the same step and weights. Nothing has a gradient here: the choice of a token
    has none, and what is learnt from the tokens is computed afterwards, from the whole target at once.

    Args:
        model: A `Seq2Seq`.
        inputs: As for a call of the model.
        chosen: Where to read own predictions, boolean, `[batch, target_time]` or `[batch, 1]`. What stands first
            (`<s>`) and padding stay.

    Returns:
        The ids that are fed, of the shape of `target_in`.

    Source:
        Bengio, Vinyals, Jaitly and Shazeer 2015, sections 2.2 to 2.4 (scheduled sampling), with the best token; in two
        passes like Mihaylova and Martins 2019, section 3, where the first goes step by step.
    """
    target_in = inputs["target_in"]
    chosen = chosen & (target_in != PAD)
    rows = tf.where(tf.reduce_any(chosen[:, 1:], axis=1))[:, 0]  # the others need no prediction

    def predicted() -> tf.Tensor:
        source, right, own = (tf.gather(tensor, rows) for tensor in (inputs["source"], target_in, chosen))
        return tf.tensor_scatter_nd_update(target_in, rows[:, tf.newaxis], _step_through(model, source, right, own))

    return tf.cond(tf.size(rows) > 0, predicted, lambda: tf.identity(target_in))


def _step_through(model: Any, source: tf.Tensor, target_in: tf.Tensor, own: tf.Tensor) -> tf.Tensor:
    encoded = model.encoder(source, training=False)
    start = start_search(model.decoder, model.bridge(encoded), encoded)
    right, own = tf.transpose(target_in), tf.transpose(own)
    steps = tf.shape(right)[0]

    def one_more(time: tf.Tensor, tokens: tf.Tensor, state: Any, fed: tf.TensorArray) -> tuple[Any, ...]:
        logits, state = start.step(tokens, state, start.memory)[:2]
        best = END + tf.argmax(logits[:, END:], axis=1)  # never padding or <s>
        tokens = tf.where(own[time], tf.cast(best, right.dtype), right[time])
        return time + 1, tokens, state, fed.write(time, tokens)

    fed = tf.TensorArray(right.dtype, steps).write(0, right[0])
    first = (1, right[0], start.state, fed)
    shapes = (tf.TensorShape([]), tf.TensorShape([None]), any_rows(start.state), tf.TensorShape(None))
    *_, fed = tf.while_loop(
        lambda time, *_: time < steps, one_more, first, shape_invariants=shapes, maximum_iterations=steps
    )
    return tf.transpose(fed.stack())
