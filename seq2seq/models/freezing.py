"""Parts of a model that keep their weights in training, named by path."""

import difflib
from collections.abc import Iterator, Sequence

import keras


def frozen_weights(model: keras.Model, paths: Sequence[str]) -> list[keras.Variable]:
    """Give the weights that paths name.

    Args:
        model: A built model.
        paths: Parts of a model, each with the parts that it lies in before it: a layer, as in "encoder.embedding",
            with all that lies in it, as in "encoder"; or one weight, as in "decoder.logits.bias".

    Returns:
        The weights, each once, in the order of the model.

    Raises:
        ValueError: There is no such part (the nearest are named), or nothing would be left to learn.
    """
    parts = dict(_parts(model))
    for path in paths:
        if path not in parts:
            near = " or ".join(map(repr, difflib.get_close_matches(path, parts, n=3)))
            largest = ", ".join(part for part in parts if part.count(".") < 2)
            raise ValueError(
                f"What is frozen is a part of the model with weights. Received: freeze={path!r}. "
                f"{f'Did you mean {near}?' if near else f'There are: {largest}, and what lies in them.'}"
            )
    chosen = {id(weight) for path in paths for weight in parts[path]}
    if len(chosen) == len(model.weights):
        raise ValueError(
            f"Something has to learn. Received: freeze={', '.join(map(repr, paths))}, which is every weight there is. "
            "Leave a part out."
        )
    return [weight for weight in model.weights if id(weight) in chosen]


def _parts(layer: keras.Layer, path: str = "") -> Iterator[tuple[str, list[keras.Variable]]]:
    """Give every layer inside a layer, and every weight, by path."""
    for inner in _inside(layer):
        if inner.weights:
            # By attribute, where there is one: Keras numbers the names of layers that nobody named in each process.
            attributes = (name for name, value in vars(layer).items() if value is inner and name[0] != "_")
            name = f"{path}{next(attributes, inner.name)}"
            yield name, inner.weights
            yield from _parts(inner, f"{name}.")
    deeper = {id(weight) for inner in _inside(layer) for weight in inner.weights}
    yield from ((f"{path}{weight.name}", [weight]) for weight in layer.weights if id(weight) not in deeper)


def _inside(layer: keras.Layer) -> list[keras.Layer]:
    return list(layer._flatten_layers(include_self=False, recursive=False))
