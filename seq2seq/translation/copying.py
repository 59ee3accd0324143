"""What of a source comes through as it is: words for which the model says unknown, and what is protected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy.typing as npt

from seq2seq.search.settings import Beam, Search, protected_pattern
from seq2seq.settings import SettingsError
from seq2seq.text.edges import count_as_word, inside_word
from seq2seq.text.sentences import encodable
from seq2seq.text.special_ids import UNKNOWN

if TYPE_CHECKING:
    from seq2seq.text.tokenizer import Tokenizer


class Part(NamedTuple):
    """What of a source, or of a part of one, may come through.

    Attributes:
        copies: What each of its pieces is copied as; of its ``</s>`` nothing.
        protected: What has to come through, each once.
    """

    copies: Sequence[str]
    protected: Sequence[str]


class Copying:
    """Copies words of a source into its translation.

    Args:
        source: The tokenizer of the source.
        target: The tokenizer of the target.
        unknown: Whether a word of the source comes where the model says unknown: the one that it looked at most.
        dictionary: How words are written that come so; others stay as they are.
        protect: A regular expression: what of a source it finds comes through unchanged. "" for nothing.
        avoid: Phrases that no translation may have.

    Raises:
        SettingsError: There is a dictionary and nothing to look up in it, or protect is no regular expression.
    """

    def __init__(
        self,
        source: Tokenizer,
        target: Tokenizer,
        unknown: bool = False,
        dictionary: Mapping[str, str] | None = None,
        protect: str = "",
        avoid: Iterable[str] = (),
    ) -> None:
        if dictionary and not unknown:
            raise SettingsError(
                "A dictionary says how words are copied where the model says unknown. "
                "Received: a dictionary, and unknown='keep'. Use unknown='copy', or terms for words that it knows."
            )
        self.unknown = unknown
        self._source, self._target = source, target
        self._dictionary = dict(dictionary or {})
        self._avoid = [phrase.strip() for phrase in avoid if phrase.strip()]
        self._protect = protected_pattern(protect) if protect else None

    def __bool__(self) -> bool:
        """Whether anything may come through."""
        return self.unknown or self._protect is not None

    def check(self, search: Search, attends: bool) -> None:
        """Refuse what cannot be done with a search and a model.

        Raises:
            SettingsError: It cannot.
        """
        if self.unknown and not attends:
            raise SettingsError(
                "The word that stands for an unknown one is the one that the model looked at. "
                "Received: unknown='copy', and a model without attention. Use unknown='keep'."
            )
        if self._protect and not (isinstance(search, Beam) and search.groups == 1):
            raise SettingsError(
                "What is protected is looked for by several hypotheses side by side. "
                f"Received: protect={self._protect.pattern!r}, with search={search!r}. Use Beam(5), without groups."
            )

    def protected(self, text: str) -> list[str]:
        """Give what of a text is protected, each once, in its order."""
        return list(dict.fromkeys(found for _, found in self._found(encodable(text))))

    def phrases(self, text: str) -> list[list[int]]:
        """Give what a translation must have, as the target tokenizer cuts it; what it cannot write as unknown."""
        return [ids for found in self.protected(text) if (ids := self._target.encode(found))]

    def copies(self, text: str) -> list[str]:
        """Give what each piece of a text is copied as: the whole word that it is of; what is unknown, as it stands.

        "" is of a piece that is not copied: what is to be avoided is not written in this way either.
        """
        if not self.unknown:
            return []
        text = encodable(text)
        words = text.split()
        pieces = zip(self._source.encode(text), self._source.words(text), self._source.surfaces(text), strict=True)
        found = [
            surface.strip() if id == UNKNOWN else "" if word is None else words[word] for id, word, surface in pieces
        ]
        written = (self._dictionary.get(each, each) for each in found)
        return ["" if any(count_as_word(phrase, each) for phrase in self._avoid) else each for each in written]

    def surfaces(self, ids: Sequence[int], looked: npt.NDArray | None, part: Part) -> list[str]:
        """Give what each id of a translation stands for, with what comes through.

        Args:
            ids: With `</s>`, without padding.
            looked: What each looked at, `[tokens, source_tokens]`; None where no word is copied.
            part: Of its source.
        """
        surfaces = self._target.decoded_surfaces(ids)
        if looked is not None and part.copies:
            for place, id in enumerate(ids):
                if id == UNKNOWN:
                    # Not its end, which is no word.
                    copied = part.copies[int(looked[place, : len(part.copies)].argmax())]
                    surfaces[place] = self._copied(copied, first=place == 0) if copied else surfaces[place]
        taken: set[int] = set()
        for text in part.protected:
            phrase = self._target.encode(text)
            for first in range(len(ids) - len(phrase) + 1 if phrase else 0):
                end = first + len(phrase)
                if list(ids[first:end]) == phrase and taken.isdisjoint(range(first, end)):
                    after = "".join(surfaces[end:])[:1]
                    # What the model goes on with behind it would change it.
                    space = " " * inside_word(text[-1] + after, 1)
                    written = _written(text, "".join(surfaces[first:end])) + space
                    # In the last place, so that all of them are of its word.
                    surfaces[first:end] = [*[""] * (len(phrase) - 1), written]
                    taken |= {*range(first, end)}
                    break
        return surfaces

    def _copied(self, text: str, *, first: bool) -> str:
        """Write a text for an unknown piece: a word takes the space before it along, and no other piece has one."""
        return f" {text}" if self._target.kind == "word" and not first else text

    def lost(self, text: str, translation: str) -> tuple[str, ...]:
        """Give what of a text was protected and did not come through, as often as it did not."""
        text = encodable(text)
        places: dict[str, list[int]] = {}
        for place, found in self._found(text):
            places.setdefault(found, []).append(place)
        missing = Counter({each: len(found) for each, found in places.items()})
        for each, found_at in places.items():
            # A number is none of those of a longer one; but what is a part of a word in the source may be one again.
            begins = each[0].isalnum() and not any(inside_word(text, place) for place in found_at)
            ends = each[-1].isalnum() and not any(inside_word(text, place + len(each)) for place in found_at)
            missing[each] -= count_as_word(each, translation, before=begins, after=ends)
        return tuple((+missing).elements())

    def _found(self, text: str) -> list[tuple[int, str]]:
        """Give what is protected of an encodable text, each with its place."""
        if self._protect is None:
            return []
        # White space around it is not kept by a tokenizer, and nothing is nothing to keep.
        found = ((match.start(), match.group()) for match in self._protect.finditer(text))
        return [(start + len(each) - len(each.lstrip()), each.strip()) for start, each in found if each.strip()]


def read_dictionary(path: Path) -> dict[str, str]:
    """Read how words are written: a word of the source, a tab and its translation on each line.

    Raises:
        ValueError: A line is no entry; the message names it.
    """
    from seq2seq.text.lines import read_lines

    table: dict[str, str] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        word, *translations = (each.strip() for each in line.split("\t"))
        if len(translations) != 1 or not word or not translations[0] or len(word.split()) > 1:
            raise ValueError(
                "An entry of a dictionary is one word of the source, a tab and its translation. "
                f"Received: {path}, line {number}: {line!r}. Mend the line."
            )
        if table.setdefault(word, translations[0]) != translations[0]:
            raise ValueError(
                "An entry of a dictionary has one translation. "
                f"Received: {path}, line {number}: {line!r}, before {table[word]!r}. Leave one out."
            )
    return table


def _written(text: str, instead: str) -> str:
    """Write a text in the place of another one, with the space around that."""
    inner = instead.strip()
    before, _, after = instead.partition(inner) if inner else (instead, "", "")
    return f"{before}{text}{after}"
