"""Which code runs each recurrent layer of a model, and why."""

from typing import NamedTuple

from seq2seq.layers.rnn import Implementation
from seq2seq.models.seq2seq import Seq2Seq

KERNEL_COLUMNS = ("part", "layer", "kernel", "why")
"""The columns of :func:`kernel_table`."""


class LayerKernel(NamedTuple):
    """The kernel of one layer, both directions alike.

    Attributes:
        part: "encoder" or "decoder".
        layer: Its number, 0 = lowest.
        kernel: Its name, as :class:`seq2seq.layers.rnn.Implementation` has it, or "steps" with input feeding.
        why: The reason, in words.
    """

    part: str
    layer: int
    kernel: str
    why: str


class SlowKernelError(ValueError):
    """A layer runs by Keras' own loop where only fast kernels are allowed."""


def layer_kernels(model: Seq2Seq) -> list[LayerKernel]:
    """Tell for every recurrent layer, the encoder's first, which kernel trains it here and why."""
    feeding = Implementation(
        "steps", "own loop over whole decoder steps, which input feeding joins; weights get their gradients after it"
    )
    found = []
    for part, stack, fed in (
        ("encoder", model.encoder.stack, False),
        ("decoder", model.decoder.stack, model.decoder.input_feeding),
    ):
        for number, layer in enumerate(stack.forward_layers):
            found.append(LayerKernel(part, number, *(feeding if fed else layer.implementation)))
    return found


def kernel_table(model: Seq2Seq) -> list[list[object]]:
    """List the kernels as rows of :data:`KERNEL_COLUMNS`."""
    return [[each.part, str(each.layer), each.kernel, each.why] for each in layer_kernels(model)]


def require_fast_kernels(model: Seq2Seq) -> None:
    """Refuse a model of which a layer would train by Keras' own loop.

    Raises:
        SlowKernelError: There is such a layer; the message says which and why.
    """
    slow = [each for each in layer_kernels(model) if each.kernel == "keras"]
    if slow:
        said = "; ".join(f"{each.part} layer {each.layer} by {each.kernel}: {each.why}" for each in slow)
        raise SlowKernelError(
            f"Every recurrent layer has to run by a fast kernel here. Received: strict_kernels=True, {said}. "
            "Change what the reason names, or set strict_kernels to False and wait longer."
        )
