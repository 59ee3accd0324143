"""An explanation in words, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator

from seq2seq.analysis.explanation.explaining import Explanation, Node, Reference
from seq2seq.system.terminal import format_table, width

_SHADES = " ░▒▓█"
_VERDICT = {
    "none": "The translation is the reference.",
    "search": "An error of the search: the model prefers the reference, which was not found. A wider beam may find it.",
    "model": "An error of the model: it finds its own translation more probable than the reference. A wider beam would "
    "not help.",
}


def text(found: Explanation) -> str:
    """Lay an explanation out for a terminal."""
    ended = "" if found.ended else ", cut at the limit of length"
    parts = [f"{found.translation}\nscore {found.score:.3f}{ended}"]
    if found.attention is not None:
        parts.append(_grid(found))
    rows = [
        [each.token, percent(each.log_prob), *(f"{token} {percent(other)}" for token, other in each.others),
         *[""] * (3 - len(each.others)), "first" if each.place == 1 else f"{each.place}: behind {each.leader!r}"]
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
    return f"{_VERDICT[reference.error]}{where if reference.error != 'none' else ''}"


def _told(reference: Reference) -> str:
    rows = [
        [token, percent(log_prob), "" if token == best else f"{best} {percent(other)}"]
        for token, log_prob, best, other in reference.tokens
    ]
    table = format_table(["reference", "probability", "rather"], rows, numbers=[1])
    return f"{reference.text}\nscore {reference.score:.3f}. {verdict(reference)}\n\n{table}"


def _grid(found: Explanation) -> str:
    """Draw the alignment in shades: a row for each token, a column for each source piece, numbered."""
    wide = max(width(each.token) for each in found.tokens)
    names = "  ".join(f"{place} {token}" for place, token in enumerate(found.source, 1))
    head = " " * (wide + 1) + "".join(f"{place:>3}" for place in range(1, len(found.source) + 1))
    lines = [names, head]
    for each, weights in zip(found.tokens, found.attention or [], strict=True):
        shades = "".join(f" {2 * _SHADES[min(round(weight * 4 + 0.2), 4)]}" for weight in weights)
        lines.append(f"{' ' * (wide - width(each.token))}{each.token} {shades}".rstrip())
    return "\n".join(lines)


def _branches(node: Node, indent: str = "") -> Iterator[str]:
    """Draw the tree of the beam; what follows alone stands on one line."""
    line = [node]
    while len(line[-1].children) == 1:
        line.append(line[-1].children[0])
    last = line[-1]
    mark = "*" if last.won else " "
    end = f"  log p {last.log_prob:.2f}" + ("" if last.score is None else f", score {last.score:.3f}")
    yield f"{mark} {indent}{' '.join(each.token for each in line)}{end}"
    for child in last.children:
        yield from _branches(child, indent + "  ")
