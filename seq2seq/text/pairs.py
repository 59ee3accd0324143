"""One source with its target, and the error that a bad corpus raises."""

from typing import NamedTuple


class Pair(NamedTuple):
    """A source text and the target text that belongs to it, without the end of the line.

    Example:
        >>> Pair("3 mai 1979", "3 May 1979").target
        '3 May 1979'
    """

    source: str
    target: str


class CorpusError(ValueError):
    """A corpus that cannot be used as it is; the message says where, and what to do."""


class MissingSplitError(CorpusError):
    """A corpus that has not the split that was named."""
