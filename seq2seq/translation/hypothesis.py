"""One translation, what it is made of, and how many of several are not whole.

Needs no TensorFlow: the translator, the runtime of exported models and whatever hands translations on share it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.metrics.risk import expected_utility
from seq2seq.text.sentences import encodable

_DECIMALS = 6  # of a number in JSON: more are noise of float32


class Hypothesis(NamedTuple):
    """One translation, its score, and where it was asked for, what it is made of.

    Attributes:
        text: The translation.
        score: Log-probability (nats) over its length in tokens, ``</s>`` counted, to the power of the length penalty.
        ended: Whether it ended by itself. False where the limit of length cut it; of a source in parts, where it cut
            one of them.
        parts: Into how many parts the source was cut, as too long for one.
        tokens: Its pieces, those of the parts one after the other, each with its ``</s>``; empty where nobody asked.
        token_scores: The log-probability of each piece, nats.
        words: The place of the word of each piece in ``text.split()``; None of ``</s>``, and of a last space.
        alignment: What each piece looked at, ``[tokens, source_tokens]``, the ``</s>`` of every part counted; None
            where nobody asked for it, or the model has no attention.
        confidence: The quality that is to be expected, from 0 to 1 (:class:`Calibration`); None where nobody asked, the
            model was not calibrated, or the text is empty.
        lost: What was protected in the source and did not come through.
        log_probability: The sum of those of all its tokens, nats, whatever the score makes of it.
        length: How many tokens these are, ``</s>`` counted; 0 of an empty text.
    """

    text: str
    score: float
    ended: bool = True
    parts: int = 1
    tokens: tuple[str, ...] = ()
    token_scores: tuple[float, ...] = ()
    words: tuple[int | None, ...] = ()
    alignment: npt.NDArray[np.float32] | None = None
    confidence: float | None = None
    lost: tuple[str, ...] = ()
    log_probability: float = 0.0
    length: int = 0

    @property
    def exists(self) -> bool:
        """Whether there is such a translation; False where a search found fewer than it was asked for."""
        return self.length > 0 or self.score > -math.inf

    @property
    def mean_log_probability(self) -> float | None:
        """The log-probability per token, nats; None of an empty text."""
        return self.log_probability / self.length if self.length else None


@dataclass(frozen=True)
class Translation:
    """A text, its translations, and what both are made of: ``Translator.translate(texts, details=True)``.

    Attributes:
        source: The text.
        source_tokens: Its pieces, with the ``</s>`` of every part.
        source_words: The place of the word of each piece in ``source.split()``; None of ``</s>``, and of a last
            space.
        hypotheses: Its translations, best first; there is one at least.
        model: The fingerprint of the model (``Translator.fingerprint``).

    Example:
        >>> looked = np.array([[0.1, 0.9, 0.0], [0.8, 0.2, 0.0], [0.0, 0.0, 1.0]], np.float32)
        >>> best = Hypothesis("b a", -0.5, True, 1, ("▁b", "▁a", "</s>"), (-0.1, -0.2, -0.2), (0, 1, None), looked)
        >>> found = Translation("x y", ("▁x", "▁y", "</s>"), (0, 1, None), (best,), "6a1f")
        >>> found.text, found.pharaoh()
        ('b a', '0-1 1-0')
        >>> found.to_json()["tokens"][0]
        {'piece': '▁b', 'log_probability': -0.1, 'word': 0}
    """

    source: str
    source_tokens: tuple[str, ...]
    source_words: tuple[int | None, ...]
    hypotheses: tuple[Hypothesis, ...]
    model: str

    @property
    def text(self) -> str:
        """The best translation."""
        return self.hypotheses[0].text

    def piece_links(self, rank: int = 0) -> list[tuple[int, int]]:
        """Give for each piece of a translation, ``</s>`` counted, the source piece that it looked at most.

        Args:
            rank: Which translation, 0 the best.

        Returns:
            Pairs of places, source first, from 0; in the order of the target.

        Raises:
            ValueError: There is no alignment, as the model has no attention.
        """
        looked = self.hypotheses[rank].alignment
        if looked is None:
            raise ValueError(
                "An alignment is what attention looked at. Received: a translation by a model without attention. "
                "Use one that has it, as with model.attention = 'general'."
            )
        return [(int(row.argmax()), target) for target, row in enumerate(looked)]

    def word_links(self, rank: int = 0) -> list[tuple[int, int]]:
        """Give which words of a translation looked at which of the source: those that a piece links, each pair once.

        Args:
            rank: Which translation, 0 the best.

        Returns:
            Pairs of places in ``split()`` of both texts, source first, from 0; ascending.

        Raises:
            ValueError: There is no alignment, as the model has no attention.
        """
        words = self.hypotheses[rank].words
        links = {(self.source_words[source], words[target]) for source, target in self.piece_links(rank)}
        return sorted((source, target) for source, target in links if source is not None and target is not None)

    def pharaoh(self, rank: int = 0) -> str:
        """Write the links of words in Pharaoh format, as ``0-0 1-2``; see :meth:`word_links`."""
        return " ".join(f"{source}-{target}" for source, target in self.word_links(rank))

    def to_json(self, n_best: int | None = None) -> dict[str, Any]:
        """Give all of it as plain JSON values: the one form of the command line and of whatever hands it on.

        Args:
            n_best: How many translations to give; None for all.

        Returns:
            ``source`` (the text), ``source_tokens`` (each ``piece`` and its ``word``), then of the best translation
            ``text``, ``score`` (null where the model calls it impossible), ``confidence`` (0 to 1; null where the
            model was not calibrated, and of an empty text), ``ended``, ``parts``, ``tokens`` (each
            ``piece``, ``log_probability`` and ``word``) and ``alignment`` (links of ``pieces`` and of ``words``, each
            a pair of places, source first; null without attention) and ``lost`` (what was protected and did not come
            through); ``others``, the other translations with the same fields; and ``model``, the fingerprint.
        """
        found = enumerate(self.hypotheses[:n_best])
        best, *others = (self._told(rank) for rank, one in found if not rank or one.exists)
        pieces = zip(self.source_tokens, self.source_words, strict=True)
        return {
            "source": encodable(self.source),
            "source_tokens": [{"piece": piece, "word": word} for piece, word in pieces],
            **best,
            "others": others,
            "model": self.model,
        }

    def _told(self, rank: int) -> dict[str, Any]:
        one = self.hypotheses[rank]
        tokens = zip(one.tokens, one.token_scores, one.words, strict=True)
        aligned = one.alignment is not None
        return {
            "text": one.text,
            "score": _number(one.score),
            "confidence": None if one.confidence is None else round(one.confidence, 4),
            "ended": one.ended,
            "parts": one.parts,
            "tokens": [
                {"piece": piece, "log_probability": _number(score), "word": word} for piece, score, word in tokens
            ],
            "alignment": {"pieces": self.piece_links(rank), "words": self.word_links(rank)} if aligned else None,
            "lost": list(one.lost),
        }


def _number(value: float) -> float | None:
    return round(value, _DECIMALS) if math.isfinite(value) else None  # JSON has no infinity


def lost_pieces(number: int) -> str:
    """Say how many protected pieces did not come through."""
    return f"Did not come through: {number:,} protected piece{'s' * (number != 1)}"


def joined(parts: Sequence[Sequence[Hypothesis]]) -> list[Hypothesis]:
    """Join the hypotheses of the parts of one text, the best with the best.

    Example:
        >>> joined([[Hypothesis("a b", -1.0)], [Hypothesis("c", -2.0, ended=False)]])[0][:4]
        ('a b c', -1.5, False, 2)
    """
    return [_one(rank) if len(rank) > 1 else rank[0] for rank in zip(*parts, strict=True)]


def _one(parts: Sequence[Hypothesis]) -> Hypothesis:
    if not all(one.exists for one in parts):  # of a part there are fewer
        return Hypothesis("", -math.inf, False, len(parts))
    words: list[int | None] = []
    before = 0
    for one in parts:
        words += [None if word is None else word + before for word in one.words]
        before += len(one.text.split())
    return Hypothesis(
        " ".join(one.text for one in parts),
        fmean(one.score for one in parts),
        all(one.ended for one in parts),
        len(parts),
        tuple(token for one in parts for token in one.tokens),
        tuple(score for one in parts for score in one.token_scores),
        tuple(words),
        _beside([one.alignment for one in parts]),
        log_probability=sum(one.log_probability for one in parts),
        length=sum(one.length for one in parts),
    )


def _beside(alignments: Sequence[npt.NDArray[np.float32] | None]) -> npt.NDArray[np.float32] | None:
    """Each part looked at its own source: blocks along the diagonal."""
    blocks = [one for one in alignments if one is not None]
    if len(blocks) < len(alignments):
        return None
    whole = np.zeros([sum(len(block) for block in blocks), sum(block.shape[1] for block in blocks)], np.float32)
    row = column = 0
    for block in blocks:
        whole[row : row + len(block), column : column + block.shape[1]] = block
        row, column = row + len(block), column + block.shape[1]
    return whole


def most_alike(hypotheses: Sequence[Hypothesis], utility: Any) -> list[Hypothesis]:
    """Order hypotheses by how like each is to all of them, the most alike first.

    Args:
        hypotheses: Those of one text; of equally alike ones the first comes first. What does not exist has no say, and
            comes last.
        utility: See :func:`seq2seq.metrics.expected_utility`.

    Example:
        >>> texts = ["the sea", "a red house", "a red horse"]
        >>> [one.text for one in most_alike([Hypothesis(text, 0.0) for text in texts], "chrf")][2]
        'the sea'
    """
    found = [one for one in hypotheses if one.exists]
    utilities = expected_utility([one.text for one in found], utility)
    ranked = sorted(zip(utilities, found, strict=True), key=lambda pair: -pair[0])
    return [one for _, one in ranked] + [one for one in hypotheses if not one.exists]


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
