"""What a caller asks of translations: how each begins, and what none may have; from text to ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.text.asked import avoided_ids, prefix_ids
from seq2seq.text.special_ids import PAD, UNKNOWN

if TYPE_CHECKING:
    from seq2seq.search import Constraints
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.translation.terms import Terms


class Wanted(NamedTuple):
    """What is asked of the translations of some texts, in ids of the target.

    Attributes:
        prefixes: What the translation of each begins with; empty for anything.
        avoid: Phrases that no translation may have.
        phrases: Phrases that the translation of each must have.
    """

    prefixes: Sequence[Sequence[int]]
    avoid: Sequence[Sequence[int]]
    phrases: Sequence[Sequence[Sequence[int]]]

    @classmethod
    def of(
        cls,
        tokenizer: Tokenizer,
        texts: Sequence[str],
        prefixes: Iterable[str] | None,
        avoid: Iterable[str],
        terms: Terms,
    ) -> Wanted:
        """Read what is asked for.

        Args:
            tokenizer: Of the target.
            texts: The source texts.
            prefixes: What the translation of each begins with; None for anything.
            avoid: Phrases that no translation may have.
            terms: How some phrases of the texts are translated.

        Raises:
            ValueError: There is not one prefix for each text, or one for nothing, or a prefix or a term that cannot be
                written.
        """
        ids, avoided = prefix_ids(tokenizer, texts, prefixes), avoided_ids(tokenizer, avoid)
        return cls(ids, avoided, [[_term(tokenizer, target) for target in terms.of(text)] for text in texts])

    def batch(self, places: Iterable[int | None]) -> Wanted:
        """Give what is asked of some of the texts; of a later part of a text (None) nothing is but what to avoid."""
        places = list(places)
        return self._replace(
            prefixes=[[] if place is None else self.prefixes[place] for place in places],
            phrases=[[] if place is None else self.phrases[place] for place in places],
        )

    def ids(self) -> npt.NDArray[np.int32]:
        """Give all ids that are in it."""
        phrases = (*self.prefixes, *self.avoid, *(phrase for each in self.phrases for phrase in each))
        return np.array([token for phrase in phrases for token in phrase], np.int32)

    def lengths(self) -> list[int]:
        """Give how many tokens each translation needs at least."""
        pairs = zip(self.prefixes, self.phrases, strict=True)
        return [len(prefix) + sum(map(len, phrases)) for prefix, phrases in pairs]

    def constraints(self) -> Constraints | None:
        """Give it as arrays; None where nothing is asked for, which costs a search nothing."""
        from seq2seq.search import Constraints  # the runtime, which has its own, has no TensorFlow

        asked: dict[str, Any] = {}
        if any(self.prefixes):
            asked["prefix"] = _padded(self.prefixes)
        if self.avoid:
            asked["avoid"] = np.tile(_padded(self.avoid), (len(self.prefixes), 1, 1))
        most = max(map(len, self.phrases), default=0)
        if most:
            each = [phrase for phrases in self.phrases for phrase in (*phrases, *[[]] * (most - len(phrases)))]
            asked["phrases"] = _padded(each).reshape(len(self.phrases), most, -1)
        return Constraints(**asked) if asked else None


def _term(tokenizer: Tokenizer, target: str) -> list[int]:
    ids = tokenizer.encode(target)
    if UNKNOWN in ids or not ids:
        raise ValueError(
            "A term is translated by what the target vocabulary can write. "
            f"Received: {target!r}, {'with signs that it does not have' if ids else 'which is nothing to it'}. "
            "Leave the term out."
        )
    return ids


def _padded(rows: Sequence[Sequence[int]]) -> npt.NDArray[np.int32]:
    array = np.full((len(rows), max(map(len, rows))), PAD, np.int32)
    for row, ids in zip(array, rows, strict=True):
        row[: len(ids)] = ids
    return array
