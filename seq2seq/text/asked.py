"""What a caller asks of translations, from text to ids: how each begins, and what none may have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from seq2seq.text.edges import count_as_word
from seq2seq.text.special_ids import UNKNOWN
from seq2seq.text.texts import texts_of

if TYPE_CHECKING:
    from seq2seq.text.tokenizer import Tokenizer

_DISAGREE = "What a translation must have it cannot avoid."


class PrefixError(ValueError):
    """A translation cannot begin as it should.

    Args:
        needed: What is needed.
        place: The prefix's place among those that were given, 0 the first.
        found: What was received in its place.
        way_out: What to do.
    """

    def __init__(self, needed: str, place: int, found: str, way_out: str) -> None:
        super().__init__(f"{needed} Received: prefixes[{place}]={found}. {way_out}")
        self.place = place
        self.without_place = f"{needed} Received: the prefix {found}. {way_out}"


def prefix_ids(
    tokenizer: Tokenizer, texts: Sequence[str], prefixes: Iterable[str] | None, avoid: Sequence[Sequence[int]] = ()
) -> list[list[int]]:
    """Read what the translation of each text begins with.

    Args:
        tokenizer: Of the target.
        texts: The source texts.
        prefixes: One for each, "" for anything; None for anything.
        avoid: Phrases that no translation may have, in ids.

    Raises:
        ValueError: There is not one prefix for each text.
        PrefixError: There is one for nothing, one that cannot be written, or one that has what is to be avoided.
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
            raise PrefixError(
                "An empty text has an empty translation, which begins with nothing.",
                place,
                f"{prefix!r} for {text!r}",
                "Leave it empty.",
            )
        if UNKNOWN in pieces:
            raise PrefixError(
                "A translation can begin only with what the target vocabulary can write.",
                place,
                f"{prefix!r}, with signs that it does not have",
                "Leave these out.",
            )
        avoided = _avoided_in(tokenizer, pieces, avoid)
        if avoided is not None:
            raise PrefixError(_DISAGREE, place, f"{prefix!r}, and avoid={avoided!r}", "Leave one of them out.")
    return ids


def need_agreement(tokenizer: Tokenizer, told: str, ids: Sequence[int], avoid: Sequence[Sequence[int]]) -> None:
    """Refuse what a translation must have where that has, as whole words, what none may have.

    Args:
        tokenizer: Of the target.
        told: What the translation must have, in words.
        ids: The same in ids.
        avoid: Phrases that no translation may have.

    Raises:
        ValueError: One of these is in it.
    """
    avoided = _avoided_in(tokenizer, ids, avoid)
    if avoided is not None:
        raise ValueError(f"{_DISAGREE} Received: {told}, and avoid={avoided!r}. Leave one of them out.")


def _avoided_in(tokenizer: Tokenizer, ids: Sequence[int], avoid: Sequence[Sequence[int]]) -> str | None:
    """Give the first phrase to avoid that stands in a text as whole words; None where none does."""
    for phrase in avoid:
        if any(list(ids[place : place + len(phrase)]) == list(phrase) for place in range(len(ids))):
            text = tokenizer.decode(list(phrase))
            if text and count_as_word(text, tokenizer.decode(list(ids))):
                return text
    return None


def avoided_ids(tokenizer: Tokenizer, avoid: Iterable[str]) -> list[list[int]]:
    """Read the phrases that no translation may have; what the vocabulary cannot write is not written anyway."""
    phrases = tokenizer.encode_batch(list(texts_of(avoid, "avoid")))
    return [phrase for phrase in phrases if phrase and UNKNOWN not in phrase]
