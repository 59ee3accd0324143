"""The bias that forget gates start from."""

import math

import numpy as np

from seq2seq.distribution.replicas import local_copies
from seq2seq.layers.stack import StackedRNN


def start_forget_gates(stack: StackedRNN, bias: float) -> None:
    """Let the forget gates of a stack start from another bias than one, in every layer and direction.

    The bias is trained afterwards, as every weight is. With `b` a gate first keeps about `σ(b)` of the cell from step
    to step: 0.50 with 0, 0.73 with 1, 0.95 with 3.

    Args:
        stack: A built stack.
        bias: What they start from.

    Raises:
        ValueError: Its cell has no forget gate, it is not built, or the bias is no number.

    Example:
        >>> from seq2seq.layers import StackedLSTM
        >>> stack = StackedLSTM([2])
        >>> stack.build((None, None, 3))
        >>> start_forget_gates(stack, 3.0)
        >>> stack.weights[-1].numpy().tolist()
        [0.0, 0.0, 3.0, 3.0, 0.0, 0.0, 0.0, 0.0]

    Source:
        Gers et al. 2000, section 4; Jozefowicz et al. 2015, section 3.2 (a bias of one).
    """
    gate = stack.cell.forget_gate
    if gate is None:
        raise ValueError(
            f"A forget bias is for cells with a forget gate. Received: a bias of {bias:g}, a stack of cell="
            f'"{stack.cell.name}". Leave it at 1, or take another cell.'
        )
    if not math.isfinite(bias) or not stack.built:
        raise ValueError(
            "A built stack takes a forget bias that is a number. "
            f"Received: bias={bias}, {'a built stack' if stack.built else 'a stack without weights: build it first'}."
        )
    for layers in (stack.forward_layers, stack.backward_layers):
        for layer in layers:
            if layer is None:
                continue
            (weight,) = (weight for weight in layer.weights if weight.name == "bias")
            for copy in local_copies(weight):
                values = np.array(copy)
                values[gate * layer.units : (gate + 1) * layer.units] = bias
                copy.assign(values)
