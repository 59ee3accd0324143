"""An explanation in words, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator

from seq2seq.analysis.explanation.explaining import Chosen, Explanation, Node, Reference
from seq2seq.system.terminal import format_table, width

_SHADES = " ░▒▓█"
_LEAST = (8, 33, 58, 83)  # percent of what was looked at, from which a shade stands
_ENDING = 30  # letters that are shown of what was first in the beam
_VERDICT = {
    "none": "The translation is the reference.",
    "settings": "The settings of the search do not allow the reference: {barred}.",
    "search": "An error of the search: the model prefers the reference, which was not found. A wider beam may find it.",
    "model": "An error of the model: it finds its own translation more probable than the reference. A wider beam would "
    "not help.",
}


def text(found: Explanation, columns: int = 120) -> str:
    """Lay an explanation out for a terminal.

    Args:
        found: The explanation.
        columns: The width of the terminal.
    """
    ended = "" if found.ended else ", cut at the limit of length"
    parts = [f"{found.translation}\nscore {found.score:.3f}{ended}"]
    if found.attention is not None:
        parts += _grids(found, columns)
    rows = [
        [each.token, percent(each.log_prob), *(f"{token} {percent(other)}" for token, other in each.others),
         *[""] * (3 - len(each.others)), _place(each)]
        for each in found.tokens
    ]  # fmt: skip
    header = ["token", "probability", "next best", "second", "third", "place in the beam"]
    parts += [format_table(header, rows, numbers=[1]), "\n".join(_branches(found.tree))]
    if found.reference is not None:
        parts.append(_told(found.reference))
    return "\n\n".join(parts)


def percent(log_prob: float) -> str:
    """Write a log-probability as a share.

    Example:
        >>> percent(math.log(0.25)), percent(-20)
        ('25.0 %', '0.0 %')
    """
    return f"{100 * math.exp(log_prob):.1f} %"


def verdict(reference: Reference) -> str:
    """Say what a reference shows, and where the model left it."""
    left = next((row for row in reference.tokens if row[0] != row[2]), None)
    where = (
        ""
        if left is None
        else (f" It would first write {left[2]!r} ({percent(left[3])}) for {left[0]!r} ({percent(left[1])}).")
    )
    unknown = (
        f" The vocabulary has not all of the reference: {reference.unknown} of its {len(reference.tokens) - 1} pieces "
        "are scored as unknown ones."
        if reference.unknown
        else ""
    )
    said = _VERDICT[reference.error].format(barred=reference.barred)
    return f"{said}{where if reference.error != 'none' else ''}{unknown}"


def _told(reference: Reference) -> str:
    rows = [
        [token, percent(log_prob), "" if token == best else f"{best} {percent(other)}"]
        for token, log_prob, best, other in reference.tokens
    ]
    table = format_table(["reference", "probability", "rather"], rows, numbers=[1])
    return f"{reference.text}\nscore {reference.score:.3f}. {verdict(reference)}\n\n{table}"


def _place(each: Chosen) -> str:
    """Say where a hypothesis stood in the beam, and behind which one, by the end of that."""
    ending = each.leader if len(each.leader) <= _ENDING else f"…{each.leader[-_ENDING:]}"
    return "first" if each.place == 1 else f"{each.place}: behind {ending!r}"


def _grids(found: Explanation, columns: int) -> Iterator[str]:
    """Draw the alignment in shades: a row for each token, a column for each source piece; as many as fit, then more."""
    yield "  ".join(f"{place} {token}" for place, token in enumerate(found.source, 1))
    wide = max(width(each.token) for each in found.tokens)
    fit = max((columns - wide - 1) // 3, 10)
    for first in range(0, len(found.source), fit):
        places = range(first, min(first + fit, len(found.source)))
        lines = [" " * (wide + 1) + "".join(f"{place + 1:>3}" for place in places)]
        for each, weights in zip(found.tokens, found.attention or [], strict=True):
            shades = "".join(f" {2 * _shade(weights[place])}" for place in places)
            lines.append(f"{' ' * (wide - width(each.token))}{each.token} {shades}".rstrip())
        yield "\n".join(lines)
    yield ", ".join(f"{shade} {least} %" for shade, least in zip(_SHADES[1:], _LEAST, strict=True)) + " and more."


def _shade(weight: float) -> str:
    return _SHADES[sum(100 * weight >= least for least in _LEAST)]


def _branches(tree: Node) -> Iterator[str]:
    """Draw the tree of the beam; what follows alone stands on one line."""
    left = [(tree, 0)]  # it may be deeper than Python calls functions
    while left:
        node, depth = left.pop()
        line = node.alone()
        last = line[-1]
        mark = "*" if last.won else " "
        end = f"  log p {last.log_prob:.2f}" + ("" if last.score is None else f", score {last.score:.3f}")
        yield f"{mark} {'  ' * depth}{' '.join(each.token for each in line)}{end}"
        left += [(child, depth + 1) for child in reversed(last.children)]
