"""Optimizers by name, with clipping by the global norm and a running average of the weights."""

import keras

from seq2seq.system import backend as _backend  # noqa: F401
from seq2seq.training.adam import Adam, AdamW
from seq2seq.training.settings import TrainingSettings

OPTIMIZERS = {
    "adam": Adam,
    "adamw": AdamW,
    "adamax": keras.optimizers.Adamax,
    "nadam": keras.optimizers.Nadam,
    "adafactor": keras.optimizers.Adafactor,
    "adagrad": keras.optimizers.Adagrad,
    "adadelta": keras.optimizers.Adadelta,
    "rmsprop": keras.optimizers.RMSprop,
    "lion": keras.optimizers.Lion,
    "sgd": keras.optimizers.SGD,
}
"""The optimizers by name."""


def build_optimizer(settings: TrainingSettings) -> keras.optimizers.Optimizer:
    """Build the Keras optimizer that settings name; what they do not say keeps Keras' default ("sgd" has no momentum).

    Args:
        settings: The optimizer, its learning rate at the highest (a schedule multiplies it), clipping and averaging.

    Returns:
        A new optimizer.

    Example:
        >>> build_optimizer(TrainingSettings(optimizer="adam", clip_norm=1.0)).global_clipnorm
        1.0
    """
    options: dict[str, object] = {"learning_rate": settings.learning_rate}
    if settings.clip_norm:
        options["global_clipnorm"] = settings.clip_norm
    if settings.ema:
        options |= {"use_ema": True, "ema_momentum": settings.ema}
    return OPTIMIZERS[settings.optimizer](**options)
