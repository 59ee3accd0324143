"""What a model is given: whole numbers under their names, or a sentence about what they are instead."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import tensorflow as tf

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
        f'Write {name}.astype("int32"), or dtype="int32" in a keras.Input: fractions are rounded in mixed precision, '
        "and ids above 256 with them."
        if len(ids.shape) == 2
        else "Give a row of ids for each sentence, as `Batches` makes them; no vectors of 0 and 1."
    )
    raise ValueError(
        f"{name} holds ids, whole numbers of [batch, time]. Received: shape {tuple(ids.shape)}, dtype {kind}. {advice}"
    )


def need_floats(layers: Iterable[Any]) -> None:
    """Refuse layers whose weights Keras has quantized: read without its scales, they would be other numbers.

    Args:
        layers: Some of them, or None.

    Raises:
        ValueError: One is quantized.
    """
    quantized = [layer for layer in layers if getattr(layer, "quantization_mode", None)]
    if quantized:
        raise ValueError(
            "The steps of a decoder read weights in floats. "
            f"Received: a layer {quantized[0].name!r} quantized to {quantized[0].quantization_mode}. "
            "Take the model as it was saved; for numbers of 8 bits export it: seq2seq export MODEL --precision int8."
        )


def need_one_batch(source: Any, target_in: Any, target_out: Any) -> None:
    """Refuse ids that do not belong to each other, as far as their sizes are known.

    Raises:
        ValueError: Another number of sentences, or of target tokens read and scored.
    """
    read, given, scored = (tf.TensorShape(ids.shape) for ids in (source, target_in, target_out))
    if read[:1].is_compatible_with(given[:1]) and given.is_compatible_with(scored):
        return
    raise ValueError(
        "Each token of target_out is scored after the token of target_in at the same place, a target for each source. "
        f"Received: source of shape {tuple(read)}, target_in {tuple(given)}, target_out {tuple(scored)}. "
        "Let target_in start with <s> and target_out end with </s>, padded to one width."
    )


def whole_numbers(values: Any, name: str) -> tf.Tensor:
    """Give what a caller hands over as a tensor; a cast would cut fractions off without a word.

    Raises:
        ValueError: They are fractions.
    """
    tensor = tf.convert_to_tensor(values)
    if tensor.dtype.is_integer:
        return tensor
    raise ValueError(f'{name} takes whole numbers. Received: {name} of dtype {tensor.dtype.name}. Cast it to "int32".')
