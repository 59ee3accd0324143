"""What layers check of their arguments, and hand on to the layers that they are made of."""

import operator
from typing import Any

import keras


def is_width(value: Any) -> bool:
    """Tell whether a value is a number of units: whole and at least 1.

    Example:
        >>> is_width(4), is_width(0), is_width(4.0), is_width(True)
        (True, False, False, False)
    """
    try:
        return not isinstance(value, bool) and operator.index(value) >= 1
    except TypeError:
        return False


def need_units(units: Any) -> None:
    """Refuse what is no width of a layer.

    Raises:
        ValueError: It is none.
    """
    if not is_width(units):
        raise ValueError(f"units is the width of a layer, a whole number from 1 up. Received: units={units!r}.")


def need_share(name: str, share: float) -> None:
    """Refuse what is no share that dropout drops.

    Args:
        name: Of the argument.
        share: What was given.

    Raises:
        ValueError: It is none.
    """
    if not 0 <= share < 1:
        raise ValueError(f"{name} is the fraction dropped, from 0 to below 1. Received: {name}={share}.")


def hand_on_frozen(layer: keras.layers.Layer) -> None:
    """Let nothing of a frozen layer learn: Keras asks each weight, and sets it where the flag of the layer changes."""
    if layer.trainable:
        return
    for part in layer._flatten_layers(include_self=False):
        part.trainable = False
    for weight in layer.weights:
        weight.trainable = False
