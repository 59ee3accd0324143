"""A table of terms: how some phrases of the source are to be translated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.text.edges import stands_as_word

if TYPE_CHECKING:
    from seq2seq.text.tokenizer import Tokenizer


class Terms:
    """How some phrases of the source are to be translated.

    Args:
        table: Translations by phrase of the source.

    Raises:
        ValueError: A phrase is empty.

    Example:
        >>> terms = Terms({"Haus am See": "lake house", "Haus": "house"})
        >>> terms.of("Das Haus am See"), terms.of("ein Haus"), terms.of("Hausboot")
        (['lake house'], ['house'], [])
        >>> terms.missing("ein Haus", "a home")
        ['house']
    """

    def __init__(self, table: Mapping[str, str]) -> None:
        self._table: dict[str, str] = {}
        for source, target in ((source.strip(), target.strip()) for source, target in table.items()):
            if self._table.setdefault(source, target) != target:
                raise ValueError(
                    "A term has one translation. "
                    f"Received: {source!r} for {target!r}, and for {self._table[source]!r}. Leave one out."
                )
            if not source or not target:
                raise ValueError(
                    f"A term is a phrase of the source and its translation. Received: {source!r} for {target!r}. "
                    "Give both, or leave the term out."
                )
        # Of two that begin alike the longer one holds.
        self._by_first: dict[str, list[str]] = {}
        for source in sorted(self._table, key=len, reverse=True):
            self._by_first.setdefault(source[0], []).append(source)

    @classmethod
    def read(cls, path: str | Path) -> Terms:
        """Read a table from a file: a phrase of the source, a tab and its translation on each line.

        Raises:
            ValueError: A line is no term; the message names it.
        """
        from seq2seq.text.lines import read_lines

        table: dict[str, str] = {}
        for number, line in enumerate(read_lines(Path(path)), start=1):
            source, *targets = line.split("\t")
            if not line.strip():
                continue
            if len(targets) != 1 or not source.strip() or not targets[0].strip():
                raise ValueError(
                    "A term is a phrase of the source, a tab and its translation. "
                    f"Received: {path}, line {number}: {line!r}. Mend the line."
                )
            if table.setdefault(source.strip(), targets[0].strip()) != targets[0].strip():
                raise ValueError(
                    "A term has one translation. "
                    f"Received: {path}, line {number}: {line!r}, before {table[source.strip()]!r}. Leave one out."
                )
        return cls(table)

    def of(self, text: str) -> list[str]:
        """Give the translations that must appear in that of a text, each once, in the order of their phrases."""
        found: dict[str, None] = {}
        place = 0
        while place < len(text):
            phrases = self._by_first.get(text[place], ())
            here = next((each for each in phrases if self._stands(each, text, place)), "")
            if here:
                found[self._table[here]] = None
            place += len(here) or 1
        return list(found)

    @staticmethod
    def _stands(phrase: str, text: str, place: int) -> bool:
        return text.startswith(phrase, place) and stands_as_word(text, place, place + len(phrase))

    def missing(self, text: str, translation: str) -> list[str]:
        """Give those of a text that its translation does not have."""
        return [target for target in self.of(text) if target not in translation]

    def written(self, tokenizer: Tokenizer) -> Terms:
        """Give the table with each translation as the target tokenizer writes it: what :meth:`missing` has to look for.

        A tokenizer may write lower case only, or one sign for another.
        """
        return Terms({
            source: tokenizer.decode(tokenizer.encode(target)) or target for source, target in self._table.items()
        })  # fmt: skip

    @property
    def table(self) -> dict[str, str]:
        """Translations by phrase of the source."""
        return dict(self._table)
