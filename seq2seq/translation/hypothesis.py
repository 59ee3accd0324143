"""One translation, and how many of several are not whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from seq2seq.metrics.risk import expected_utility


class Hypothesis(NamedTuple):
    """One translation and its score.

    Attributes:
        text: The translation.
        score: Log-probability (nats) over its length in tokens, ``</s>`` counted, to the power of the length penalty.
        ended: Whether it ended by itself. False where the limit of length cut it; of a source in parts, where it cut
            one of them.
        parts: Into how many parts the source was cut, as too long for one.
    """

    text: str
    score: float
    ended: bool = True
    parts: int = 1


def most_alike(hypotheses: Sequence[Hypothesis], utility: Any) -> list[Hypothesis]:
    """Order hypotheses by how like each is to all of them, the most alike first.

    Args:
        hypotheses: Those of one text; of equally alike ones the first comes first.
        utility: See :func:`seq2seq.metrics.expected_utility`.

    Example:
        >>> texts = ["the sea", "a red house", "a red horse"]
        >>> [one.text for one in most_alike([Hypothesis(text, 0.0) for text in texts], "chrf")][2]
        'the sea'
    """
    utilities = expected_utility([one.text for one in hypotheses], utility)
    return [one for _, one in sorted(zip(utilities, hypotheses, strict=True), key=lambda pair: -pair[0])]


@dataclass(frozen=True)
class Cuts:
    """How many of some translations are not whole, and why.

    Args:
        translations: How many there are.
        cut: How many of them the limit of length cut.
        in_parts: How many have a source that was cut into parts.

    Example:
        >>> found = [[Hypothesis("a b", -0.5)], [Hypothesis("a a", -0.9, ended=False)]]
        >>> Cuts.of(found)
        Cuts(translations=2, cut=1, in_parts=0)
        >>> print(Cuts.of(found) + Cuts(300, 20, 1))
        Cut at the limit of length: 21 of 302 translations; a max_length_factor above that limit gives them room. \
Translated in parts, as too long for one: 1 source.
    """

    translations: int = 0
    cut: int = 0
    in_parts: int = 0

    @classmethod
    def of(cls, found: Iterable[Sequence[Hypothesis]]) -> Cuts:
        """Count among the best hypotheses of some texts, as ``Translator.hypotheses`` gives them."""
        best = [hypotheses[0] for hypotheses in found]
        return cls(len(best), sum(not one.ended for one in best), sum(one.parts > 1 for one in best))

    def __add__(self, others: Cuts) -> Cuts:
        """Count both together."""
        return Cuts(self.translations + others.translations, self.cut + others.cut, self.in_parts + others.in_parts)

    def __bool__(self) -> bool:
        """Whether there is something to tell."""
        return self.cut > 0 or self.in_parts > 0

    def __str__(self) -> str:
        """Tell it in one line; nothing where all are whole."""
        said = []
        if self.cut:
            said.append(
                f"Cut at the limit of length: {self.cut:,} of {_counted(self.translations, 'translation')}; "
                "a max_length_factor above that limit gives them room."
            )
        if self.in_parts:
            said.append(f"Translated in parts, as too long for one: {_counted(self.in_parts, 'source')}.")
        return " ".join(said)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
