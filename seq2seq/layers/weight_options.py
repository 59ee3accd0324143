"""How the weights of recurrent layers start and are held: what Keras' layers take for each kind of weight."""

from collections.abc import Mapping
from typing import Any

import keras

_MODULES = {"initializer": keras.initializers, "regularizer": keras.regularizers, "constraint": keras.constraints}
_KINDS = ("kernel", "recurrent", "bias")
_OPTIONS = {f"{kind}_{option}": module for option, module in _MODULES.items() for kind in _KINDS}


def take_weight_options(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Take what is about weights out of the keyword arguments of a layer, as objects of Keras'.

    Example:
        >>> kwargs = {"kernel_regularizer": "l2", "bias_constraint": None, "name": "layer"}
        >>> list(take_weight_options(kwargs)), list(kwargs)
        (['kernel_regularizer'], ['name'])
    """
    given = {name: kwargs.pop(name, None) for name in _OPTIONS}
    return {name: _OPTIONS[name].get(value) for name, value in given.items() if value is not None}


def for_one_layer(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give the options to a layer: an initializer gives the same values to all who share it, so each gets its own."""
    return {
        name: option.clone() if isinstance(option, keras.initializers.Initializer) else option
        for name, option in options.items()
    }


def weight_config(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give the options as a configuration holds them."""
    return {name: _OPTIONS[name].serialize(option) for name, option in options.items()}


def of_weight(options: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Give the options of one weight, as `add_weight` takes them.

    Args:
        options: What `take_weight_options` gave.
        name: Of the weight: what is called a bias is one, and what is neither that nor a kernel has no options.
    """
    kind = "bias" if "bias" in name else {"kernel": "kernel", "recurrent_kernel": "recurrent"}.get(name)
    given = {option: options.get(f"{kind}_{option}") for option in _MODULES}
    return {option: value for option, value in given.items() if value is not None}
