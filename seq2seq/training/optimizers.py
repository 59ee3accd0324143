"""Optimizers by name, with clipping by the global norm and a running average of the weights."""

import keras

from seq2seq.system import backend as _backend  # noqa: F401
from seq2seq.system.choices import choose
from seq2seq.training.adam import Adam, AdamW

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


def build_optimizer(
    name: str, learning_rate: float, *, clip_norm: float = 0.0, ema: float = 0.0, weight_decay: float = 0.0
) -> keras.optimizers.Optimizer:
    """Build a Keras optimizer by name; what is not said here keeps Keras' default.

    Args:
        name: One of ``OPTIMIZERS``. "sgd" is plain: no momentum.
        learning_rate: Learning rate at its highest; a schedule multiplies it.
        clip_norm: Largest Euclidean norm of all gradients together; 0 for no bound.
        ema: Decay of the running average of the weights, such as 0.999; 0 for none.
        weight_decay: Share of each weight taken off per step, times the learning rate; 0 for none. "adamw" keeps its
            own default of 0.004 when this is 0.

    Returns:
        A new optimizer.

    Raises:
        ValueError: The name is unknown, or a number is out of its range.

    Example:
        >>> build_optimizer("adam", 1e-3, clip_norm=1.0).global_clipnorm
        1.0
    """
    kind = choose("optimizer", name, OPTIMIZERS)
    if not learning_rate > 0:
        raise ValueError(f"A learning rate is above 0. Received: learning_rate={learning_rate}.")
    if clip_norm < 0 or weight_decay < 0:
        raise ValueError(
            "clip_norm and weight_decay are 0 (off) or positive. "
            f"Received: clip_norm={clip_norm}, weight_decay={weight_decay}."
        )
    if not 0 <= ema < 1:
        raise ValueError(f"ema is 0 (off) or a decay below 1, such as 0.999. Received: ema={ema}.")
    settings: dict[str, object] = {"learning_rate": learning_rate}
    if clip_norm:
        settings["global_clipnorm"] = clip_norm
    if ema:
        settings |= {"use_ema": True, "ema_momentum": ema}
    if weight_decay:
        settings["weight_decay"] = weight_decay
    return kind(**settings)
