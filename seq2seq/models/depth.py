"""Deep stacks without residual connections: what is known of them, and what to set instead."""

from seq2seq.layers.stack import StackedRNN
from seq2seq.models.seq2seq import Seq2Seq

DEEPEST_PLAIN = 4
"""The layers up to which a stack learns well without residual connections (Wu et al. 2016, section 3.1)."""


def told_depth(model: Seq2Seq) -> str:
    """Say where a stack has more layers on top of each other than learn well by themselves.

    Args:
        model: The model.

    Returns:
        A line, with what to set; empty where there is no such stack.

    Source:
        Wu et al. 2016, section 3.1: plain stacks "work well up to 4 layers, barely with 6 layers, and very poorly
        beyond 8 layers".
    """
    stacks = {"encoder": model.encoder.stack, "decoder": model.decoder.stack}
    deep = {side: stack for side, stack in stacks.items() if _plain(stack) > DEEPEST_PLAIN}
    if not deep:
        return ""
    counts = " and ".join(f"the {side} {_plain(stack)}" for side, stack in deep.items())
    ways = [f"model.{side}.residual_from={_equal_from(stack)}" for side, stack in deep.items() if _equal_from(stack)]
    way = f"set {' and '.join(ways)}" if len(ways) == len(deep) else "give the layers equal widths and a residual_from"
    return (
        f"Of layers without residual connections, {counts} on top of each other: such stacks work well up to "
        f"{DEEPEST_PLAIN} layers, barely with 6, and very poorly beyond 8 (Wu et al. 2016). Where it does not learn, "
        f"{way}."
    )


def _plain(stack: StackedRNN) -> int:
    """How many layers lie on top of each other without a residual connection."""
    return len(stack.units) if stack.residual_from is None else stack.residual_from


def _equal_from(stack: StackedRNN) -> int:
    """The lowest layer, the first one aside, from which on all read as much as they put out; 0 if of no help."""
    widths = [sum(widths) for widths in stack.state_units]
    start = len(widths)
    while start > 1 and widths[start - 1] == widths[start - 2]:
        start -= 1
    return start if start <= DEEPEST_PLAIN else 0  # above it, as many plain layers would stay below
