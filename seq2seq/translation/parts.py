"""What of texts is translated as one: most are whole, and one that is too long is cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from seq2seq.text.tokenizer import Tokenizer


class TextPart(NamedTuple):
    """What of a text is translated as one.

    Args:
        place: Of the text among others.
        span: Which of its tokens these are.
        ids: The tokens.
        text: What they stand for.
    """

    place: int
    span: slice
    ids: list[int]
    text: str


def parts_of(tokenizer: Tokenizer, texts: Sequence[str], longest: int) -> list[TextPart]:
    """Cut texts into parts, those of one text one after the other.

    A text of which normalization leaves nothing (a zero-width space) has no part: no source of training was so.

    Args:
        tokenizer: Of the source.
        texts: The texts.
        longest: The most tokens of a part.

    Example:
        >>> from seq2seq.text import Tokenizer
        >>> tokenizer = Tokenizer.train(["ab a"], kind="char")
        >>> [(part.place, part.text) for part in parts_of(tokenizer, ["ab a", " ", "a"], 3)]
        [(0, 'ab'), (0, ' a'), (2, 'a')]
    """
    real = [place for place, text in enumerate(texts) if text.strip()]
    parts = []
    for place, ids in zip(real, tokenizer.encode_batch([texts[place] for place in real]), strict=True):
        surfaces = tokenizer.surfaces(texts[place]) if len(ids) > longest else []
        for start in range(0, len(ids), longest):
            span = slice(start, start + longest)
            parts.append(TextPart(place, span, ids[span], "".join(surfaces[span]) if surfaces else texts[place]))
    return parts
