"""What of texts is translated as one: most are whole, and one that is too long is cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from unicodedata import category, east_asian_width

if TYPE_CHECKING:
    from seq2seq.text.tokenizer import Tokenizer

# Full stops, exclamation and question marks, dots: of Latin, Arabic, Indian and East Asian writing.
_STOPS = frozenset(".!?\u2025\u2026\u061f\u06d4\u0964\u3002\uff01\uff1f\uff61")
_LOOKS = 8  # tokens before an end

LONGEST = 1000
"""Source tokens: a longer text is no sentence, and time and memory grow with its length times its translation's."""


class TextPart(NamedTuple):
    """What of a text is translated as one.

    Args:
        place: Of the text among others.
        places: Which of its tokens these are.
        ids: The tokens.
        text: What they stand for.
    """

    place: int
    places: Sequence[int]
    ids: list[int]
    text: str


def longest_part(about: Mapping[str, Any]) -> int:
    """Give the most source tokens that are translated as one, by what travels with a model."""
    return max(LONGEST, about.get("max_source_length", 0))


def parts_of(tokenizer: Tokenizer, texts: Sequence[str], longest: int) -> list[TextPart]:
    """Cut texts into parts, those of one text one after the other.

    A part ends behind the last sentence of its second half, or else behind the last word of it, or else in a word; each
    begins with the symbols that its text begins with, such as the tag of a language. A text of which normalization
    leaves nothing (a zero-width space) has no part: no source of training was so.

    Args:
        tokenizer: Of the source.
        texts: The texts.
        longest: The most tokens of a part.

    Example:
        >>> from seq2seq.text import Tokenizer
        >>> tokenizer = Tokenizer.train(["ab a"], kind="char")
        >>> [(part.place, part.text) for part in parts_of(tokenizer, ["ab a", " ", "a"], 4)]
        [(0, 'ab'), (0, ' a'), (2, 'a')]
    """
    real = [place for place, text in enumerate(texts) if text.strip()]
    parts = []
    for place, ids in zip(real, tokenizer.encode_batch([texts[place] for place in real]), strict=True):
        if len(ids) <= longest:
            parts += [TextPart(place, range(len(ids)), ids, texts[place])] if ids else []
            continue
        surfaces = tokenizer.surfaces(texts[place])
        parts += [
            TextPart(place, places, [ids[each] for each in places], "".join(surfaces[each] for each in places))
            for places in _cut(surfaces, _symbols_first(tokenizer, ids, longest), longest)
        ]
    return parts


def _symbols_first(tokenizer: Tokenizer, ids: Sequence[int], longest: int) -> int:
    """Give how many tokens a text begins with up to the last symbol of its beginning: fewer than half of a part."""
    count = 0
    for place, id in enumerate(ids[: (longest + 1) // 2 - 1]):
        if tokenizer.is_symbol(id):
            count = place + 1
        elif tokenizer.piece(id) != "▁":
            break
    return count


def _cut(surfaces: Sequence[str], first: int, longest: int) -> Iterator[list[int]]:
    start = first
    while start < len(surfaces):
        end = start + longest - first
        if end < len(surfaces):
            end = _end(surfaces, (start + end + 1) // 2, end)
        yield [*range(first), *range(start, min(end, len(surfaces)))]
        start = end


def _end(surfaces: Sequence[str], least: int, most: int) -> int:
    """Give the place behind a part: at least the one, at most the other."""
    of_words = [end for end in range(most, least - 1, -1) if _between_words(surfaces, end)]
    of_sentences = (end for end in of_words if _ends_a_sentence("".join(surfaces[max(0, end - _LOOKS) : end])))
    return next(of_sentences, of_words[0] if of_words else most)


def _between_words(surfaces: Sequence[str], end: int) -> bool:
    before, behind = surfaces[end - 1], surfaces[end]
    # A space alone is a piece of its own, and goes with the word behind it.
    suffixed = bool(before.strip()) and before[-1].isspace()
    return behind[:1].isspace() or suffixed or _needs_no_space(before)


def _needs_no_space(text: str) -> bool:
    """Tell whether a text ends with a stop, comma or bracket of East Asian writing."""
    return bool(text) and east_asian_width(text[-1]) in "WF" and category(text[-1]) in ("Po", "Pe")


def _ends_a_sentence(text: str) -> bool:
    while text and (text[-1].isspace() or text[-1] in "\"'" or category(text[-1]) in ("Pe", "Pf")):
        text = text[:-1]
    return text[-1:] in _STOPS
