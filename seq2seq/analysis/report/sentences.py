"""Translations one by one: how good each is, which are worth looking at, and what is wrong with many."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from seq2seq.analysis.comparison.measured import Texts
from seq2seq.metrics import EvaluationSettings, References, count
from seq2seq.metrics.settings import right_for_each

_SHORT, _LONG = 0.6, 1.6  # of the length of the reference
_AGAIN = re.compile(r"(?<!\S)(\S+(?:\s+\S+){0,3}?)(?:\s+\1){2,}(?!\S)")


class Pick(NamedTuple):
    """A sentence to look at.

    Attributes:
        why: "best", "worst" or "most uncertain".
        place: Its line, from 0.
    """

    why: str
    place: int


class Faults(NamedTuple):
    """What is wrong with translations, by sentences.

    Attributes:
        repeated: Say one to four words three times in a row, where the reference does not.
        short: Are shorter than 0.6 of their reference, in words or, of a single word, characters.
        long: Are longer than 1.6 of it.
        empty: Say nothing.
    """

    repeated: list[int]
    short: list[int]
    long: list[int]
    empty: list[int]


def qualities(texts: Texts, evaluation: EvaluationSettings) -> list[float]:
    """Give the chrF of each translation, 0–100, beside all that is right for its source."""
    references: References = texts.references
    if evaluation.several_references:
        references = right_for_each(texts.sources, texts.references)
    counts = count("chrf", texts.translations, references, lowercase=evaluation.lowercase)
    return [counts.score(row) for row in counts.rows]


def picks(texts: Texts, quality: Sequence[float], confidence: Sequence[float | None], each: int = 3) -> list[Pick]:
    """Choose the best, the worst and the most uncertain sentences; a sentence is chosen once.

    Args:
        texts: What was translated.
        quality: Of each translation.
        confidence: Mean log-probability of its tokens, nats; None where it is not known.
        each: How many of each kind.
    """
    worth = [place for place, text in enumerate(texts.translations) if text.strip() and texts.sources[place].strip()]
    # Of equally good ones the longest: that a long sentence is right says more.
    best = sorted(worth, key=lambda place: (-quality[place], -len(texts.sources[place])))
    worst = sorted(worth, key=lambda place: (quality[place], -len(texts.sources[place])))
    uncertain = sorted(
        (place for place in worth if confidence[place] is not None), key=lambda place: confidence[place] or 0.0
    )
    found: dict[int, str] = {}
    for why, ranked in (("best", best), ("worst", worst), ("most uncertain", uncertain)):
        fresh = [place for place in ranked if place not in found]
        found |= dict.fromkeys(fresh[:each], why)
    return [Pick(why, place) for place, why in found.items()]


def faults(texts: Texts) -> Faults:
    """Find what is wrong with translations beside single words.

    Example:
        >>> faults(Texts(["x"] * 4, ["a b c"] * 4, ["a a a", "a", "a b c d e", ""]))
        Faults(repeated=[0], short=[1], long=[2], empty=[3])
    """
    repeated, short, long, empty = [], [], [], []
    for place, (said, right) in enumerate(zip(texts.translations, texts.references, strict=True)):
        if _AGAIN.search(said) and not _AGAIN.search(right):
            repeated.append(place)
        ratio = len(said.split()) / max(len(right.split()), 1)
        if len(right.split()) == 1 and len(said.split()) == 1:
            ratio = len(said) / len(right)
        if not said.strip():
            empty.append(place)
        elif ratio < _SHORT:
            short.append(place)
        elif ratio > _LONG:
            long.append(place)
    return Faults(repeated, short, long, empty)
