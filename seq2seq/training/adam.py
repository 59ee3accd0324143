"""Adam whose update of a weight is one operation instead of a dozen."""

from typing import Any

import keras
import tensorflow as tf


class _OneOperation:
    """Replaces Keras' update step, which passes over a weight a dozen times, by TensorFlow's fused one."""

    def update_step(self: Any, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor) -> None:
        """Update one weight and its two moments."""
        if self.amsgrad:
            super().update_step(gradient, variable, learning_rate)  # type: ignore[misc]
            return
        place = self._get_variable_index(variable)
        step = tf.cast(self.iterations.value + 1, variable.dtype)
        beta_1, beta_2 = (tf.cast(beta, variable.dtype) for beta in (self.beta_1, self.beta_2))
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[place].value.handle,
            v=self._velocities[place].value.handle,
            beta1_power=beta_1**step,
            beta2_power=beta_2**step,
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.cast(self.epsilon, variable.dtype),
            grad=tf.cast(gradient, variable.dtype),
        )


@keras.saving.register_keras_serializable("seq2seq")
class Adam(_OneOperation, keras.optimizers.Adam):
    """`keras.optimizers.Adam` with a fused update: same arguments, state and results, to rounding.

    Example:
        >>> Adam(learning_rate=0.001, global_clipnorm=1.0).global_clipnorm
        1.0

    Source:
        Kingma and Ba 2015, algorithm 1, in the order of computation at the end of its section 2.
    """


@keras.saving.register_keras_serializable("seq2seq")
class AdamW(_OneOperation, keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` with a fused update: same arguments, state and results, to rounding.

    Example:
        >>> AdamW(learning_rate=0.001).weight_decay
        0.004

    Source:
        Loshchilov and Hutter 2019, algorithm 2.
    """
