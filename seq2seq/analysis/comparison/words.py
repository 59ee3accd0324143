"""How well words are translated, by how often the training text has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from statistics import median

Cut = Callable[[str], list[str]]


def cut_of(texts: Sequence[str]) -> tuple[str, Cut]:
    """Choose what texts consist of: words between white space, or characters where most texts are one word.

    Example:
        >>> cut_of(["a word", "two more"])[0], cut_of(["word", "more"])[0]
        ('words', 'characters')
    """
    return ("words", str.split) if median(len(text.split()) for text in texts) > 1 else ("characters", _characters)


def count_words(texts: Iterable[str], cut: Cut) -> Counter[str]:
    """Count the words of a text.

    Example:
        >>> count_words(["a b", "a"], str.split)["a"]
        2
    """
    return Counter(word for text in texts for word in cut(text))


class ByFrequency:
    """The words of the references in classes: never in the training text, 1 to 9 times, 10 to 99 times, and so on.

    Args:
        frequencies: How often the training text has each word.
        references: The references.
        cut: What a text consists of.

    Example:
        >>> classes = ByFrequency(Counter({"a": 12, "b": 3}), ["a b", "c a"], str.split)
        >>> classes.names, classes.sizes, classes.scores(["a b", "b a"])
        (['0', '1–9', '10–99'], [1, 1, 2], [0.0, 66.66..., 100.0])
    """

    def __init__(self, frequencies: Counter[str], references: Sequence[str], cut: Cut) -> None:
        self._frequencies = frequencies
        self._cut = cut
        self._references = [Counter(cut(text)) for text in references]
        there: Counter[int] = Counter()
        for words in self._references:
            for word, number in words.items():
                there[self._class(word)] += number
        self._classes = sorted(there)
        self.names = [_name(each) for each in self._classes]
        self.sizes = [there[each] for each in self._classes]

    def scores(self, translations: Sequence[str]) -> list[float]:
        """Score the words of translations, class by class.

        Returns:
            For each class the harmonic mean of precision and recall, in percent: a word is right as often as it stands
            both in the translation and in the reference of a sentence.
        """
        found: Counter[int] = Counter()
        said: Counter[int] = Counter()
        for text, reference in zip(translations, self._references, strict=True):
            for word, number in Counter(self._cut(text)).items():
                said[self._class(word)] += number
                found[self._class(word)] += min(number, reference[word])
        return [200 * found[each] / (said[each] + size) for each, size in zip(self._classes, self.sizes, strict=True)]

    def _class(self, word: str) -> int:
        """The number of digits of the frequency; 0 for a word that the training text never has."""
        frequency = self._frequencies[word]
        return len(str(frequency)) if frequency else 0


def _name(digits: int) -> str:
    return f"{10 ** (digits - 1):,}–{10**digits - 1:,}" if digits else "0"


def _characters(text: str) -> list[str]:
    return [character for character in text if not character.isspace()]
