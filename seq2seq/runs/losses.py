"""The loss of a run, as a small picture; the report of a run has more."""

import math
from collections.abc import Sequence

from seq2seq.system.picture import COLOURS, DARK_COLOURS, Picture, follow_reader

_WIDE, _HIGH, _LEFT, _TOP = 420, 120, 16, 34  # of the plot, and where it begins; pixels
_DARK = {COLOURS[0]: DARK_COLOURS[0], COLOURS[-1]: DARK_COLOURS[-1]}


def draw_losses(losses: Sequence[float]) -> Picture:
    """Draw how a loss went, with its first and its last value.

    Args:
        losses: Nats per target token, one for each validation.
    """
    finite = [loss for loss in losses if math.isfinite(loss)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    points = [
        f"{_LEFT + _WIDE * place / max(len(losses) - 1, 1):.1f},{_TOP + _HIGH * (high - loss) / (high - low or 1):.1f}"
        for place, loss in enumerate(losses)
        if math.isfinite(loss)
    ]
    size = f'viewBox="0 0 {_WIDE + 90} {_HIGH + 56}" width="{_WIDE + 90}" height="{_HIGH + 56}"'
    words = f"loss on validation, nats per token: {losses[0]:.2f} at first, {losses[-1]:.2f} at last"
    last = points[-1].split(",") if points else ("0", "0")
    return Picture(
        f'<svg xmlns="http://www.w3.org/2000/svg" class="losses" {size} role="img" font-family="sans-serif" '
        f'font-size="13" fill="{COLOURS[-1]}">\n<title>{words}</title>\n{follow_reader("losses", _DARK)}\n'
        f'<text x="{_LEFT}" y="20">{words}</text>\n'
        f'<polyline points="{" ".join(points)}" fill="none" stroke="{COLOURS[0]}" stroke-width="2"/>\n'
        f'<circle cx="{last[0]}" cy="{last[1]}" r="4" fill="{COLOURS[0]}"/>\n</svg>\n'
    )
