"""What a model is given: whole numbers under their names, or a sentence about what they are instead."""

from collections.abc import Mapping
from typing import Any

import keras

NAMES = ("source", "target_in")


def need_names(inputs: Any) -> None:
    """Refuse inputs without their names.

    Raises:
        ValueError: They are no mapping, or a name is missing.
    """
    if isinstance(inputs, Mapping):
        if all(name in inputs for name in NAMES):
            return
        received = f"a dict of {', '.join(map(repr, inputs)) or 'nothing'}"
    else:
        received = f"a {type(inputs).__name__}" + (f" of {len(inputs)}" if isinstance(inputs, list | tuple) else "")
    raise ValueError(
        "A Seq2Seq model reads source and target ids by their names. "
        f'Received: {received}. Write {{"source": source, "target_in": target_in}}.'
    )


def need_ids(ids: Any, name: str) -> None:
    """Refuse what are no ids of a batch.

    Args:
        ids: A tensor.
        name: What messages call it.

    Raises:
        ValueError: They are fractions, or not `[batch, time]`.
    """
    kind = keras.backend.standardize_dtype(ids.dtype)
    if "int" in kind and len(ids.shape) == 2:
        return
    advice = (
        f'Write {name}.astype("int32"): fractions are rounded in mixed precision, and ids above 256 with them.'
        if len(ids.shape) == 2
        else "Give a row of ids for each sentence, as `Batches` makes them; no vectors of 0 and 1."
    )
    raise ValueError(
        f"{name} holds ids, whole numbers of [batch, time]. Received: shape {tuple(ids.shape)}, dtype {kind}. {advice}"
    )
