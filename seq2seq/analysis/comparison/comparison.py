"""Variants of a recipe side by side: how good each is, how sure the difference, what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from math import isclose, isfinite
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from seq2seq.analysis.comparison.lengths import Classes, by_length, class_scores
from seq2seq.analysis.comparison.measured import MeasuredRun, Texts, find_runs, read_measured
from seq2seq.analysis.comparison.notes import notes_on
from seq2seq.analysis.comparison.statistics import Difference, difference, drawn_together, holm, resample
from seq2seq.analysis.comparison.variants import Variant, group
from seq2seq.analysis.comparison.words import ByFrequency, count_words, cut_of
from seq2seq.metrics import EvaluationSettings, References, count
from seq2seq.metrics.settings import grouped
from seq2seq.recipe.corpora import read_also, read_corpora
from seq2seq.settings import changes, write_value

if TYPE_CHECKING:
    import numpy as np

    from seq2seq.metrics import Counts

_FEW = 20  # sentences of which drawing anew tells little
_SAME = 10  # times as many references as translations: those hardly depend on the source


@dataclass(frozen=True)
class MetricResult:
    """One metric of one variant.

    Attributes:
        scores: One for each seed.
        mean: Of the scores.
        spread: Standard deviation of the scores; None of one seed, and where a score is no number.
        difference: From the first variant; None for the first one, and where texts are missing.
        by_length: The mean score of each class of source length.
    """

    scores: list[float]
    mean: float
    spread: float | None
    difference: Difference | None = None
    by_length: list[float | None] = field(default_factory=list)


@dataclass(frozen=True)
class VariantResult:
    """What is known of one variant.

    Attributes:
        name: What tells it from the others.
        settings: What it has otherwise than another variant.
        seeds: The seed of each run.
        folders: The folder of each run.
        metrics: By name.
        parameters: Trained numbers; None in results older than that figure.
        minutes: Mean wall time of training.
        tokens_per_second: Mean of the target tokens trained on in a second.
        by_frequency: The mean score of the words of each class of frequency.
        curves: For each run optimizer steps and the monitored score of each validation.
    """

    name: str
    settings: dict[str, Any]
    seeds: list[int]
    folders: list[str]
    metrics: dict[str, MetricResult]
    parameters: int | None
    minutes: float
    tokens_per_second: float | None
    by_frequency: list[float] = field(default_factory=list)
    curves: list[list[tuple[int, float]]] = field(default_factory=list)


@dataclass(frozen=True)
class Refused:
    """A variant or a run that there is no result of.

    Attributes:
        name: What was asked for.
        reason: Why there is none.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Comparison:
    """Variants side by side; get one from :func:`compare_runs`.

    Attributes:
        part: What was scored: "test", or "validation" where a run has no test text.
        sentences: How many; None where texts are missing.
        signatures: How each metric was computed.
        monitor: The score that the curves show.
        variants: The first is what the others are compared with.
        lengths: The classes of source length; None where texts are missing.
        frequencies: The classes of words; None where texts are missing.
        notes: What could not be computed and why, and what else to know.
        refused: What there is no result of.
        instead_of: What the others should have been compared with, where there is no result of that; "" else.
    """

    part: str
    sentences: int | None
    signatures: dict[str, str]
    monitor: str
    variants: list[VariantResult]
    lengths: Classes | None
    frequencies: Classes | None
    notes: list[str]
    refused: list[Refused]
    instead_of: str = ""

    def report(self) -> str:
        """Lay everything out as tables for a terminal."""
        from seq2seq.analysis.comparison.report import text

        return text(self)

    def write(self, folder: str | Path) -> list[Path]:
        """Write the report into a folder: ``report.md``, ``report.html``, ``comparison.json`` and ``comparison.csv``.

        Args:
            folder: Where to; it is made where it is not there. What a comparison wrote before is replaced.

        Returns:
            The files.
        """
        from seq2seq.analysis.comparison.files import write

        return write(self, Path(folder))

    def table(self) -> dict[str, Any]:
        """Give everything as plain values, for JSON."""
        return asdict(self)


def compare_runs(folders: Sequence[str | Path]) -> Comparison:
    """Compare finished runs: those of one recipe but for the seed are one variant.

    Nothing is trained or translated, and TensorFlow is not loaded: the folders hold what is needed.

    Args:
        folders: Run folders, or folders that hold some; the first run's variant is what the others are compared with.

    Returns:
        The comparison; what is unfinished or damaged inside a folder is named in it.

    Raises:
        ValueError: A folder holds no finished run, or the runs cannot be compared: other test sentences, other
            metrics.
    """
    named, runs, refused = set(map(Path, folders)), [], []
    for folder in find_runs(folders):
        try:
            run = read_measured(folder)
            run.need_texts()
        except ValueError as error:
            if folder in named:
                raise
            refused.append(Refused(str(folder), str(error)))
        else:
            runs.append(run)
    if not runs:
        raise ValueError(refused[0].reason)
    return compare(group(runs), refused)


def is_whole(run: MeasuredRun, refused: list[Refused]) -> bool:
    """Tell whether the texts of a run are whole; one whose are not is refused."""
    try:
        run.need_texts()
    except ValueError as error:
        refused.append(Refused(run.folder.name, str(error)))
        return False
    return True


def compare(variants: Sequence[Variant], refused: Sequence[Refused] = (), *, first: str = "") -> Comparison:
    """Compare variants, the others with the first.

    Args:
        variants: At least one.
        refused: What else was asked for, to be named in the report.
        first: The name of what the others should be compared with; "" for the first one that there is.
    """
    instead_of = first if first != variants[0].name else ""
    return replace(_compared(variants, list(refused)), instead_of=instead_of)


def _compared(variants: Sequence[Variant], refused: list[Refused]) -> Comparison:
    runs = [run for variant in variants for run in variant.runs]
    part = "test" if all("test" in run.scores for run in runs) else "validation"
    metrics = [name for name in runs[0].scores[part] if all(name in run.scores[part] for run in runs)]
    if not metrics:
        raise ValueError(
            "Runs are compared by a metric that all have. Received: "
            + "; ".join(f"{run.folder} with {', '.join(run.scores[part])}" for run in runs)
            + "."
        )
    notes = notes_on(variants, part, metrics)
    missing = [(run, paths) for run in runs if (paths := run.missing_texts(part))]
    if missing:
        notes.append(_told_missing(missing))
        signatures = _need_same_signatures(runs, metrics)
        results = [_without_texts(variant, part, metrics) for variant in variants]
        return Comparison(part, None, signatures, _monitor(runs), results, None, None, notes, refused)
    return _WithTexts(variants, part, metrics, notes).comparison(refused)


class _WithTexts:
    """Compares variants whose runs have all their texts."""

    def __init__(self, variants: Sequence[Variant], part: str, metrics: Sequence[str], notes: list[str]) -> None:
        self.variants, self.part, self.metrics, self.notes = variants, part, metrics, notes
        self.runs = [run for variant in variants for run in variant.runs]
        texts = _need_same_texts(self.runs, part)
        evaluation = _need_same_evaluation(self.runs)
        self.sources: Sequence[str] = texts[0].sources
        self.references: References = texts[0].references
        self.translations: list[list[str]] = [each.translations for each in texts]
        self.several = evaluation.several_references
        if self.several:
            together = [grouped(each.sources, each.translations, each.references) for each in texts]
            self.sources, self.references = list(dict.fromkeys(self.sources)), together[0][1]
            self.translations = [said for said, _ in together]
        self.drawn = len(set(self.sources))  # those of one source are drawn together
        self.lower = str.lower if evaluation.lowercase else str
        self.count = partial(count, lowercase=evaluation.lowercase, tokenize=evaluation.tokenize)
        self.lengths, self.members = by_length(self.sources)
        self.places: list[slice] = []  # of the runs of each variant
        for variant in variants:
            start = self.places[-1].stop if self.places else 0
            self.places.append(slice(start, start + len(variant.runs)))

    def comparison(self, refused: list[Refused]) -> Comparison:
        signatures, results = {}, [_without_texts(variant, self.part, ()) for variant in self.variants]
        for name in self.metrics:
            counts = [self.count(name, said, self.references) for said in self.translations]
            signatures[name] = counts[0].signature
            self._compare_with_results(name, counts)
            for result, found in zip(results, self._metric(name, counts), strict=True):
                result.metrics[name] = found
        if 1 < self.drawn < _FEW and len(self.variants) > 1:
            self.notes.append(
                f"There are {self.drawn} sentences of different sources: too few to tell what others would have given. "
                "The intervals are too short, and a difference may be chance whatever the verdict."
            )
        if self.drawn < len(self.sources):
            self.notes.append(
                f"The {len(self.sources):,} sentences have {self.drawn:,} sources: those of one source count as one "
                "where chance is reckoned."
            )
        self._note_sameness()
        frequencies = self._frequencies(results)
        return Comparison(
            self.part,
            len(self.sources),
            signatures,
            _monitor(self.runs),
            results,
            self.lengths,
            frequencies,
            self.notes,
            refused,
        )

    def _compare_with_results(self, name: str, counts: Sequence[Counts]) -> None:
        """Note where the texts of a run are not those that its result was made of."""
        for run, each in zip(self.runs, counts, strict=True):
            now, then = each.score(each.rows.sum(0)), run.scores[self.part][name]
            if isfinite(then) and not isclose(now, then, rel_tol=1e-4, abs_tol=1e-4) and isfinite(now):
                self.notes.append(
                    f"The {self.part} texts of {run.folder} come to {name} {now:.2f}, its result says {then:.2f}; "
                    f"one of the two was written by another measuring. To measure it again: {run.measure_again()}"
                )

    def _note_sameness(self) -> None:
        """Note which variants hardly look at the source: they give few translations to many sources."""
        wanted = len({right if isinstance(right, str) else right[0] for right in self.references})
        for variant, place in zip(self.variants, self.places, strict=True):
            given = mean(len(set(said)) for said in self.translations[place])
            if given * _SAME < wanted:
                self.notes.append(
                    f"{variant.name} gives {given:,.0f} different translations to {self.drawn:,} sources, whose "
                    f"references are {wanted:,}: it has learnt little of what tells one source from another."
                )

    def _metric(self, name: str, counts: Sequence[Counts]) -> list[MetricResult]:
        """Score all variants by one metric, and compare them."""
        scores = [each.score(each.rows.sum(0)) for each in counts]
        differences: list[Difference | None] = [None] * len(self.variants)
        drawn = self._drawn(name, counts, scores) if len(self.variants) > 1 else None
        if drawn is not None:
            first, *others = self.places
            differences[1:] = holm([
                difference(
                    scores[first],
                    scores[place],
                    drawn[:, first],
                    drawn[:, place],
                    sentences=self.drawn,
                    comparisons=len(others),
                )
                for place in others
            ])  # fmt: skip
        return [
            MetricResult(*_summed(scores[place]), found, class_scores(counts[place], self.members))
            for place, found in zip(self.places, differences, strict=True)
        ]

    def _drawn(self, name: str, counts: Sequence[Counts], scores: Sequence[float]) -> np.ndarray | None:
        """Score sets of sentences drawn anew; None, with a note, where that says nothing."""
        if self.drawn == 1:
            self.notes.append(f"No interval of {name}: one sentence shows nothing of what another would have given.")
            return None
        drawn = resample([drawn_together(each, self.sources) for each in counts])
        known = drawn[[all(map(isfinite, row)) for row in drawn]]
        lost = len(drawn) - len(known)
        if 2 * lost > len(drawn) or not all(map(isfinite, scores)):
            self.notes.append(
                f"No interval of {name}: it is no number of some run, or of most sets of sentences that are drawn anew."
            )
            return None
        if lost:
            self.notes.append(f"{name} is no number of {lost} of {len(drawn)} sets of sentences drawn anew, left out.")
        return known

    def _frequencies(self, results: Sequence[VariantResult]) -> Classes | None:
        """Score words by how often the training text has them, and say why where that is not known."""
        run = self.runs[0]
        if run.recipe.data.streaming:
            self.notes.append("Nothing by word frequency: the training text is streamed, and not read again for it.")
            return None
        try:
            corpora = read_corpora(run.recipe, run.data)
            learnt = [corpora.train, *read_also(run.recipe, corpora)]
        except (ValueError, OSError, ImportError) as error:
            self.notes.append(f"Nothing by word frequency: the training text cannot be read here. {error}")
            return None
        references = [self.lower(right if isinstance(right, str) else right[0]) for right in self.references]
        what, cut = cut_of(references)
        classes = ByFrequency(
            count_words((self.lower(text) for corpus in learnt for text in corpus.targets), cut), references, cut
        )
        for result, place in zip(results, self.places, strict=True):
            each = [classes.scores([self.lower(text) for text in said]) for said in self.translations[place]]
            result.by_frequency.extend(map(mean, zip(*each, strict=True)))
        which = f"{what} of the {'first ' if self.several else ''}reference"
        owner = f" of {self.variants[0].name}" if any("data." in name for name in self.variants[0].settings) else ""
        return Classes(f"{which}, by their number in the training text{owner}", classes.names, classes.sizes)


def _without_texts(variant: Variant, part: str, metrics: Sequence[str]) -> VariantResult:
    runs = variant.runs
    speeds = [run.tokens_per_second for run in runs if run.tokens_per_second is not None]
    return VariantResult(
        variant.name,
        variant.settings,
        [run.recipe.seed for run in runs],
        [str(run.folder) for run in runs],
        {name: MetricResult(*_summed([run.scores[part][name] for run in runs])) for name in metrics},
        runs[0].parameters,
        mean(run.minutes for run in runs),
        mean(speeds) if speeds else None,
        curves=[run.curve for run in runs],
    )


def _summed(scores: Sequence[float]) -> tuple[list[float], float, float | None]:
    known = len(scores) > 1 and all(map(isfinite, scores))
    return list(scores), mean(scores), stdev(scores) if known else None


def _told_missing(missing: Sequence[tuple[MeasuredRun, Sequence[Path]]]) -> str:
    (run, paths), *others = missing
    more = f" (and in {len(others)} more)" if others else ""
    return (
        "No intervals, and nothing by length or frequency, because texts are missing: "
        f"{', '.join(path.name for path in paths)} in {run.folder}{more}. Runs of older versions did not write them. "
        f"To measure one again, without training: {run.measure_again()}"
    )


def _monitor(runs: Sequence[MeasuredRun]) -> str:
    """Name the score of the curves; "" where the runs were not validated by one and the same."""
    names = {run.monitor for run in runs}
    return names.pop() if len(names) == 1 else ""


def _need_same_texts(runs: Sequence[MeasuredRun], part: str) -> list[Texts]:
    texts = [run.texts(part) for run in runs]
    for run, each in zip(runs, texts, strict=True):
        for what, ours, theirs in (
            ("sources", texts[0].sources, each.sources),
            ("references", texts[0].references, each.references),
        ):
            if ours != theirs:
                line = next(
                    (number for number, (one, two) in enumerate(zip(ours, theirs, strict=False), 1) if one != two),
                    min(len(ours), len(theirs)) + 1,
                )
                raise ValueError(
                    f"Runs are compared on the same sentences. Received: {runs[0].folder} and {run.folder}, whose "
                    f"{part} {what} differ from line {line} on. Compare runs over one {part} text."
                )
    return texts


def _need_same_evaluation(runs: Sequence[MeasuredRun]) -> EvaluationSettings:
    """Give how the texts are measured, which has to be one way for all; they may have been by other metrics."""
    first = runs[0].recipe.evaluation
    for run in runs:
        other = replace(run.recipe.evaluation, metrics=first.metrics)
        for name, value in changes(first, other).items():
            ours = getattr(first, name)
            raise ValueError(
                f"Runs are compared by one measure. Received: evaluation.{name}={write_value(ours)} in "
                f"{runs[0].folder}, {write_value(value)} in {run.folder}. To measure one again by the other's: "
                f"{run.measure_again()} --set evaluation.{name}={write_value(ours)}"
            )
    return first


def _need_same_signatures(runs: Sequence[MeasuredRun], metrics: Sequence[str]) -> dict[str, str]:
    for run in runs:
        for name in metrics:
            if run.signatures[name] != runs[0].signatures[name]:
                raise ValueError(
                    f"Only numbers of equal signatures may be compared. Received: {runs[0].signatures[name]} in "
                    f"{runs[0].folder}, {run.signatures[name]} in {run.folder}. To measure one again: "
                    f"{run.measure_again()}"
                )
    return {name: runs[0].signatures[name] for name in metrics}
