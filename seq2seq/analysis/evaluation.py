"""Translators on a test set, alone or side by side: scores, by length and word frequency, and the worst sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from seq2seq.analysis.comparison.lengths import by_length, class_scores
from seq2seq.analysis.comparison.words import ByFrequency, count_words, cut_of
from seq2seq.metrics import EvaluationSettings, References, Score, count, measure
from seq2seq.metrics.paired import PairedScores, paired_bootstrap
from seq2seq.metrics.settings import grouped
from seq2seq.system.terminal import format_table


@dataclass(frozen=True)
class Said:
    """What a translator says to the sources of a test set.

    Attributes:
        name: What it is called.
        texts: Its translations.
        scores: The score of each, as its search gives it.
    """

    name: str
    texts: list[str]
    scores: list[float]


@dataclass(frozen=True)
class ClassScores:
    """The scores of each system in classes of sentences or words.

    Attributes:
        what: What is scored, and what the classes are told by.
        names: Their names.
        sizes: How many sentences or words are in each.
        scores: For each system by its name; None where there is nothing to divide by.
    """

    what: str
    names: list[str]
    sizes: list[int]
    scores: dict[str, list[float | None]]

    def text(self, unit: str) -> str:
        """Lay it out for a terminal."""
        rows = [[unit, *map(str, self.sizes)]]
        rows += [[name, *("–" if each is None else f"{each:.2f}" for each in own)] for name, own in self.scores.items()]
        return f"{self.what}\n\n" + format_table(["", *self.names], rows, numbers=range(1, len(self.names) + 1))


@dataclass(frozen=True)
class BadSentence:
    """A sentence that is worth looking at.

    Attributes:
        line: Of the test set, from 1.
        chrf: Of the translation, 0–100.
        score: Of the translation, as the search gives it.
        source: The source.
        translation: The translation.
        references: Its right translations.
    """

    line: int
    chrf: float
    score: float
    source: str
    translation: str
    references: list[str]

    def table(self) -> dict[str, Any]:
        """Give it as plain values, for JSON, which has no infinity: the score of what is impossible is None."""
        return asdict(self) | {"score": self.score if isfinite(self.score) else None}


class HeldOut:
    """Sources with their references, and the ways to look at what translators say to them.

    Args:
        sources: Source sentences, line by line.
        references: One text per source, or a list of texts per source.
        settings: How translations are measured; with ``several_references`` lines of equal source are one sentence.

    Attributes:
        sentences: How many there are.

    Example:
        >>> held_out = HeldOut(["ein Haus", "am See"], ["a house", "by the lake"], EvaluationSettings(("exact_match",)))
        >>> said = Said("a.s2s", ["a house", "the sea"], [-0.1, -0.5])
        >>> held_out.scores(said)["exact_match"].value, held_out.worst(said, 1)[0].translation
        (50.0, 'the sea')
    """

    def __init__(self, sources: Sequence[str], references: References, settings: EvaluationSettings) -> None:
        self._lines, self._settings = (list(sources), references), settings
        self._places = list(range(len(sources)))
        self._references: References = references
        if settings.several_references:
            first: dict[str, int] = {}
            for place, source in enumerate(sources):
                first.setdefault(source, place)
            self._places = list(first.values())
            self._references = grouped(sources, list(sources), references)[1]
        self._sources = [sources[place] for place in self._places]
        self.sentences = len(self._sources)

    def scores(self, said: Said) -> dict[str, Score]:
        """Score what a translator says by every metric."""
        sources, references = self._lines
        return measure(said.texts, references, self._settings, sources)

    def compared(self, systems: Sequence[Said]) -> dict[str, PairedScores]:
        """Compare translators with the first one by every metric (see :func:`seq2seq.metrics.paired_bootstrap`)."""
        texts = [self._of(said.texts) for said in systems]
        return {
            name: paired_bootstrap(name, texts, self._references, self._settings) for name in self._settings.metrics
        }

    def by_length(self, systems: Sequence[Said]) -> ClassScores:
        """Score classes of sentences, by the length of their sources, by the first metric."""
        name, settings = self._settings.metrics[0], self._settings
        classes, members = by_length(self._sources)
        scores = {}
        for said in systems:
            counted = count(
                name,
                self._of(said.texts),
                self._references,
                lowercase=settings.lowercase,
                tokenize=settings.tokenize,
            )
            scores[said.name] = class_scores([counted], members)
        return ClassScores(f"{name} by {classes.what}", classes.names, classes.sizes, scores)

    def by_frequency(self, systems: Sequence[Said], training_text: Iterable[str]) -> ClassScores:
        """Score classes of words, by how often a text has them: F1 of the words of the (first) reference.

        Args:
            systems: The translators.
            training_text: The text, usually the target side of what was trained on.
        """
        lower = str.lower if self._settings.lowercase else str
        right = [lower(each if isinstance(each, str) else each[0]) for each in self._references]
        what, cut = cut_of(right)
        frequencies: Counter[str] = count_words(map(lower, training_text), cut)
        classes = ByFrequency(frequencies, right, cut)
        scores: dict[str, list[float | None]] = {
            said.name: [*classes.scores([lower(text) for text in self._of(said.texts)])] for said in systems
        }
        which = "reference" if all(isinstance(each, str) for each in self._references) else "first reference"
        told = f"F1 of the {what} of the {which}, by their number in the training text"
        return ClassScores(told, classes.names, classes.sizes, scores)

    def worst(self, said: Said, number: int) -> list[BadSentence]:
        """Give the sentences of the lowest chrF, the worst first; of equally bad ones the longest."""
        texts = self._of(said.texts)
        counts = count("chrf", texts, self._references, lowercase=self._settings.lowercase)
        chrf = [counts.score(row) for row in counts.rows]
        # An empty line that is to stay empty is right, and has no chrF.
        real = [place for place, text in enumerate(texts) if text.strip() or "".join(self._references[place]).strip()]
        ranked = sorted(real, key=lambda place: (chrf[place], -len(self._sources[place])))
        return [
            BadSentence(
                self._places[place] + 1,
                chrf[place],
                said.scores[self._places[place]],
                self._sources[place],
                texts[place],
                [right] if isinstance(right := self._references[place], str) else list(right),
            )
            for place in ranked[:number]
        ]

    def _of(self, values: Sequence[str]) -> list[str]:
        """Take what was said to the lines that are sentences."""
        return [values[place] for place in self._places]


def comparison_text(found: dict[str, PairedScores], names: Sequence[str]) -> str:
    """Lay a comparison out for a terminal: each metric of each system, with its difference from the first one."""
    rows = []
    for metric, comparison in found.items():
        for name, one in zip(names, comparison.systems, strict=True):
            difference = "" if one.difference is None else f"{one.difference:+.2f}"
            p = "" if one.difference is None else "–" if one.p is None else f"{one.p:.3f}"
            rows.append([metric, name, f"{one.value:.2f}", f"{one.mean:.2f} ± {one.reach:.2f}", difference, p])
    header = ["metric", "model", "value", "mean ± 95 %", "difference", "p"]
    signatures = [f"{metric}: {comparison.signature}" for metric, comparison in found.items()]
    return "\n".join([format_table(header, rows, numbers=range(2, 6)), "", *signatures])


def worst_text(worst: Sequence[BadSentence]) -> str:
    """Lay sentences out for a terminal, a block for each."""
    blocks = []
    for one in worst:
        lines = [f"line {one.line}: chrF {one.chrf:.2f}, score {one.score:.4f}", f"  source       {one.source}"]
        lines.append(f"  translation  {one.translation}")
        lines += [f"  reference    {text}" for text in one.references]
        blocks.append("\n".join(line.rstrip() for line in lines))
    return "\n\n".join(blocks)
