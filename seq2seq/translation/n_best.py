"""Lists of the n best translations of each line, as `seq2seq translate` writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

_NEEDED = (
    "An n-best list is what `seq2seq translate --n-best` writes: the number of the line, what --scores, --ended and "
    "--alignment add, and the translation, with tabs between; or what it writes with --json."
)
_ENDS = ("ended", "cut")
_LINKS = re.compile(r"(\d+-\d+( \d+-\d+)*)?")


class Candidate(NamedTuple):
    """One of several translations of a line.

    Attributes:
        text: The translation.
        score: What the search that found it gave it; None where the list does not say.
    """

    text: str
    score: float | None


def read_n_best(lines: Iterable[str], place: str) -> list[list[Candidate]]:
    r"""Read the translations of each line, in their order.

    Args:
        lines: The lines of a list, in either form.
        place: What messages call it.

    Raises:
        ValueError: It is no such list, with place and line; or some lines have scores and others have not.

    Example:
        >>> lists = read_n_best(["1\t-0.25\ta house", "1\t-0.5\tone house", "2\t-1.5\tlake"], "stdin")
        >>> [len(each) for each in lists], lists[0][1]
        ([2, 1], Candidate(text='one house', score=-0.5))
    """
    found: list[list[Candidate]] = []
    for number, line in enumerate(lines, start=1):
        where = f"{place}, line {number}"
        if line.startswith("{"):
            found.append(_of_json(line, where))
            continue
        of, candidate = _of_columns(line, where)
        if of == len(found) + 1:
            found.append([])
        elif not found or of != len(found):
            raise ValueError(
                f"{_NEEDED} Received: {where} with number {of} behind {len(found)}. Keep the lists whole and in order."
            )
        found[-1].append(candidate)
    scored = {candidate.score is not None for candidates in found for candidate in candidates}
    if len(scored) > 1:
        raise ValueError(f"{_NEEDED} Received: {place}, where some lines have a score and others have none.")
    return found


def _of_columns(line: str, where: str) -> tuple[int, Candidate]:
    number, *between, text = line.split("\t") if "\t" in line else ["", ""]
    if between and _LINKS.fullmatch(between[-1]):
        between.pop()
    if between and between[-1] in _ENDS:
        between.pop()
    try:
        scores = [float(each) for each in between]
        if len(scores) > 1:
            raise ValueError
        return int(number), Candidate(text, scores[0] if scores else None)
    except ValueError:
        raise ValueError(f"{_NEEDED} Received: {where}, {line!r:.80}.") from None


def _of_json(line: str, where: str) -> list[Candidate]:
    try:
        best: dict[str, Any] = json.loads(line)
        # The score of what the model calls impossible is null.
        return [
            Candidate(str(one["text"]), -float("inf") if one["score"] is None else float(one["score"]))
            for one in (best, *best["others"])
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError(f"{_NEEDED} Received: {where}, {line!r:.80}.") from None
