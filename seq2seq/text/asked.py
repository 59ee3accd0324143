"""What a caller asks of translations, from text to ids: how each begins, and what none may have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from seq2seq.text.special_ids import UNKNOWN
from seq2seq.text.texts import texts_of

if TYPE_CHECKING:
    from seq2seq.text.tokenizer import Tokenizer


def prefix_ids(tokenizer: Tokenizer, texts: Sequence[str], prefixes: Iterable[str] | None) -> list[list[int]]:
    """Read what the translation of each text begins with.

    Args:
        tokenizer: Of the target.
        texts: The source texts.
        prefixes: One for each, "" for anything; None for anything.

    Raises:
        ValueError: There is not one prefix for each text, one for nothing, or one that cannot be written.
    """
    begun = [""] * len(texts) if prefixes is None else list(texts_of(prefixes, "prefixes"))
    if len(begun) != len(texts):
        raise ValueError(
            f"Each text has its prefix. Received: {len(texts):,} texts, {len(begun):,} prefixes. "
            'Give "" where a translation may begin with anything.'
        )
    ids = tokenizer.encode_batch(begun)
    for place, (text, prefix, pieces) in enumerate(zip(texts, begun, ids, strict=True)):
        if pieces and not text.strip():
            raise ValueError(
                "An empty text has an empty translation, which begins with nothing. "
                f"Received: prefixes[{place}]={prefix!r} for {text!r}. Leave it empty."
            )
        if UNKNOWN in pieces:
            raise ValueError(
                "A translation can begin only with what the target vocabulary can write. "
                f"Received: prefixes[{place}]={prefix!r}, with signs that it does not have. Leave these out."
            )
    return ids


def avoided_ids(tokenizer: Tokenizer, avoid: Iterable[str]) -> list[list[int]]:
    """Read the phrases that no translation may have; what the vocabulary cannot write is not written anyway."""
    phrases = tokenizer.encode_batch(list(texts_of(avoid, "avoid")))
    return [phrase for phrase in phrases if phrase and UNKNOWN not in phrase]
