"""The update of a training step, which is left out as a whole where the loss or a gradient is not finite."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf
from keras import ops


def apply_if_finite(
    optimizer: keras.optimizers.Optimizer,
    gradients: Sequence[tf.Tensor],
    weights: Sequence[keras.Variable],
    loss: tf.Tensor,
    before: Sequence[tuple[keras.Variable, tf.Tensor]] = (),
) -> tf.Tensor:
    """Update weights, or leave everything as it was before the step; called in a replica.

    The check costs no pass over the gradients of its own where the optimizer clips by their global norm: the norm that
    it would clip by is what is checked. A norm whose square is not finite counts too.

    Args:
        optimizer: The optimizer. A `LossScaleOptimizer` leaves out such steps by itself, so that it is left to it.
        gradients: One for each weight, summed over replicas, so that all decide alike.
        weights: What is to be updated.
        loss: Scalar, summed over replicas.
        before: Variables that the forward pass may have changed (those of random generators), each with its value
            before.

    Returns:
        Whether the weights were updated, a scalar.

    Source:
        `apply_if_finite` of Optax; across replicas as in Keras' `LossScaleOptimizer`.
    """
    if skips_by_itself(optimizer):
        optimizer.apply(gradients, weights)
        return tf.constant(True)
    norm = _global_norm(gradients)
    finite = tf.math.is_finite(norm + tf.cast(loss, norm.dtype))
    clip = optimizer.global_clipnorm
    ours = clip and optimizer.loss_scale_factor is None
    if ours:
        scale = clip * ops.minimum(1.0 / norm, 1.0 / clip)
        gradients = [gradient if gradient is None else gradient * scale for gradient in gradients]

    def update(gradients: Sequence[tf.Tensor]) -> None:
        optimizer.apply(gradients, weights)

    def leave(values: Sequence[tf.Tensor]) -> None:
        for (variable, _), value in zip(before, values, strict=True):
            variable.assign(value)

    def decide(strategy: tf.distribute.Strategy, finite: Any, gradients: Any, values: Any) -> None:
        # Here and not in each replica: TensorFlow allows no condition in a replica round what meets the others.
        in_replicas = strategy.extended.call_for_each_replica
        with _without_clipping(optimizer, clip if ours else None):
            tf.cond(
                strategy.experimental_local_results(finite)[0],
                lambda: in_replicas(update, args=(gradients,)),
                lambda: in_replicas(leave, args=(values,)),
            )

    tf.distribute.get_replica_context().merge_call(decide, args=(finite, gradients, [value for _, value in before]))
    return finite


def skips_by_itself(optimizer: keras.optimizers.Optimizer) -> bool:
    """Tell whether steps without a finite gradient are an optimizer's way of finding a scale, and so no failure."""
    return isinstance(optimizer, keras.optimizers.LossScaleOptimizer)


def _global_norm(gradients: Sequence[tf.Tensor]) -> tf.Tensor:
    """Compute what Keras clips by, to rounding, without writing the squares down."""
    halves = [tf.nn.l2_loss(gradient) for gradient in gradients if gradient is not None]
    return ops.sqrt(2 * ops.sum(ops.stack(halves)))


@contextmanager
def _without_clipping(optimizer: keras.optimizers.Optimizer, clip: float | None) -> Iterator[None]:
    """Keep an optimizer from clipping again what was clipped already."""
    if clip is None:
        yield
        return
    optimizer.global_clipnorm = None
    try:
        yield
    finally:
        optimizer.global_clipnorm = clip
