"""What a caller asks of translations: how each begins, and what none may have; from text to ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.text.asked import avoided_ids, need_agreement, prefix_ids
from seq2seq.text.special_ids import PAD, UNKNOWN

if TYPE_CHECKING:
    from seq2seq.search import Constraints
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.translation.parts import TextPart
    from seq2seq.translation.terms import Terms


class Wanted(NamedTuple):
    """What is asked of the translations of some texts, or of parts of them, in ids of the target.

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
        parts: Sequence[TextPart],
    ) -> Wanted:
        """Read what is asked for.

        Args:
            tokenizer: Of the target.
            texts: The source texts.
            prefixes: What the translation of each begins with; None for anything.
            avoid: Phrases that no translation may have.
            terms: How some phrases of the texts are translated.
            parts: What of them is translated as one. The first part of a text begins with its prefix, and each has the
                terms that occur in it.

        Raises:
            ValueError: There is not one prefix for each text, or one for nothing; a prefix or a term cannot be written,
                or has what is to be avoided.
        """
        avoided = avoided_ids(tokenizer, avoid)
        ids = prefix_ids(tokenizer, texts, prefixes, avoided)
        # All terms, and not only those of these texts: what is wrong with a table is told before a long work.
        targets = list(dict.fromkeys(terms.table.values()))
        written = dict(zip(targets, tokenizer.encode_batch(targets), strict=True))
        for target, pieces in written.items():
            _need_written(target, pieces)
            need_agreement(tokenizer, f"the term {target!r}", pieces, avoided)
        first = {part.place: part for part in reversed(parts)}
        return cls(
            [ids[part.place] if part is first[part.place] else [] for part in parts],
            avoided,
            [[written[target] for target in terms.of(part.text)] for part in parts],
        )

    def batch(self, places: Iterable[int]) -> Wanted:
        """Give what is asked of some of the parts."""
        places = list(places)
        return self._replace(
            prefixes=[self.prefixes[place] for place in places], phrases=[self.phrases[place] for place in places]
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


def _need_written(target: str, ids: Sequence[int]) -> None:
    if UNKNOWN in ids or not ids:
        raise ValueError(
            "A term is translated by what the target vocabulary can write. "
            f"Received: {target!r}, {'with signs that it does not have' if ids else 'which is nothing to it'}. "
            "Leave the term out."
        )


def _padded(rows: Sequence[Sequence[int]]) -> npt.NDArray[np.int32]:
    array = np.full((len(rows), max(map(len, rows))), PAD, np.int32)
    for row, ids in zip(array, rows, strict=True):
        row[: len(ids)] = ids
    return array
