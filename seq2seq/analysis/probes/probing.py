"""What the states that a model passes are worth, what they hold, and what reading its own words costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from seq2seq.analysis.comparison import Classes, Difference, difference, holm, resample
from seq2seq.analysis.comparison.lengths import by_length
from seq2seq.analysis.probes.alterations import How, alterations, draw_donors, places
from seq2seq.analysis.probes.forcing import Position, accuracy_by_position
from seq2seq.analysis.probes.linear import LinearProbe, properties, read_off
from seq2seq.analysis.probes.passing import Passing
from seq2seq.metrics import HIGHER_IS_BETTER, Counts, EvaluationSettings, References, count
from seq2seq.metrics.settings import grouped
from seq2seq.models import Ensemble
from seq2seq.runs.measuring import evaluation_of
from seq2seq.search import Search
from seq2seq.system.fork import need_own_threads
from seq2seq.system.terminal import tell
from seq2seq.text.texts import texts_of

if TYPE_CHECKING:
    from seq2seq.layers.state import StackState
    from seq2seq.translation.translator import Translator

_RESAMPLES = 1000


@dataclass(frozen=True)
class StateLoss:
    """What a score loses where the states that are passed are altered.

    Attributes:
        where: What is altered, as in "layer 0, cell": what decoder layer 0 starts from; "encoder layer 1": what that
            layer ends with, wherever it goes.
        how: "zeros": they stand in its place; "of another sentence": its states do; "exchanged": two layers start from
            each other's.
        whole: Whether all parts of the state are altered.
        score: The score then.
        lost: How much worse it is, with its interval of 95 % over sentences (paired bootstrap); `corrected` is for all
            alterations together (Holm).
        by_length: The same of each class of source length; None where it cannot be told.
    """

    where: str
    how: How
    whole: bool
    score: float
    lost: Difference
    by_length: list[Difference | None]


@dataclass(frozen=True)
class Probes:
    """What is found in the states that a model passes; get one from :func:`probe`.

    Attributes:
        metric: By which losses are measured.
        signature: How it was computed.
        score: What the model reaches as it is.
        search: What it was translated with, in words.
        sentences: How many.
        lengths: Classes of source length.
        states: What each of the states is worth.
        linear: What a linear function reads from them.
        positions: Accuracy by position of the target, after right tokens and after its own.
        notes: What could not be told and why.
    """

    metric: str
    signature: str
    score: float
    search: str
    sentences: int
    lengths: Classes
    states: list[StateLoss]
    linear: list[LinearProbe]
    positions: list[Position]
    notes: list[str]

    def report(self) -> str:
        """Lay everything out as tables for a terminal."""
        from seq2seq.analysis.probes.words import text

        return text(self)

    def table(self) -> dict[str, Any]:
        """Give everything as plain values, for JSON."""
        return {**asdict(self), "positions": [each._asdict() for each in self.positions]}


def probe(
    translator: Translator,
    sources: Iterable[str],
    references: References,
    search: Search | None = None,
    *,
    evaluation: EvaluationSettings | None = None,
    batch_size: int | None = None,
    seed: int = 0,
) -> Probes:
    """Alter the states that a model passes, read them, and feed it its own words.

    The text is translated once for each alteration: six times for each decoder layer of an LSTM.

    Args:
        translator: What is probed: of one model.
        sources: Source texts; those without a token, and those that a translator would cut, are left out.
        references: One text per source, or a list of texts per source, the first of which is read by position.
        search: What to search with; None: the translator's own.
        evaluation: Its first metric measures what is lost; None: as the translator was measured.
        batch_size: Sentences decoded together; None: the translator's own.
        seed: Of who gets whose states, and of what is held out from linear functions.

    Returns:
        What each state is worth, what is read from it, and how often the next token is right by position.

    Raises:
        ValueError: The translator is an ensemble, or there are not two sentences, or not a reference for each.
    """
    need_own_threads()
    if isinstance(translator.model, Ensemble):
        raise ValueError(
            "States pass inside one model. Received: an ensemble of several. Probe each of its models by itself."
        )
    evaluation = evaluation_of(translator) if evaluation is None else evaluation
    sources = list(texts_of(sources, "sources"))
    if len(sources) != len(references):
        raise ValueError(
            "Every source needs its reference, in the same order. "
            f"Received: {len(sources):,} sources, {len(references):,} references."
        )
    if evaluation.several_references:
        sources, references = grouped(sources, sources, references)
    ids = translator.source_tokenizer.encode_batch(sources)
    longest = translator.longest_part
    real = [place for place, sentence in enumerate(ids) if 0 < len(sentence) <= longest]
    if len(real) < 2:
        raise ValueError(
            f"A probe gives each sentence the states of another one. Received: {len(real)} of 1 to {longest:,} tokens."
        )
    notes = [] if len(real) == len(ids) else [
        f"Left out: {len(ids) - len(real):,} sources without a token or of more than {longest:,}."
    ]  # fmt: skip
    return _Probing(
        translator,
        [sources[place] for place in real],
        [references[place] for place in real],
        [ids[place] for place in real],
        translator.search if search is None else search,
        evaluation,
        translator.batch_size if batch_size is None else batch_size,
        seed,
    ).probes(notes)


class _Probing:
    """Probes a translator with sentences that all have tokens."""

    def __init__(
        self,
        translator: Translator,
        sources: list[str],
        references: list[Any],
        ids: list[Sequence[int]],
        search: Search,
        evaluation: EvaluationSettings,
        batch_size: int,
        seed: int,
    ) -> None:
        self.translator, self.sources, self.references, self.ids = translator, sources, references, ids
        self.search, self.seed = search, seed
        self.metric = evaluation.metrics[0]
        self.count = partial(count, self.metric, lowercase=evaluation.lowercase, tokenize=evaluation.tokenize)
        self.lengths, self.members = by_length(sources)
        self.passing = Passing(translator, ids, search, batch_size)

    def probes(self, notes: list[str]) -> Probes:
        counts, states = self._states()
        asked, missing = properties(self.sources, [len(sentence) for sentence in self.ids], self.seed)
        first = [right if isinstance(right, str) else right[0] for right in self.references]
        return Probes(
            self.metric,
            counts.signature,
            counts.score(counts.rows.sum(0)),
            str(self.search),
            len(self.sources),
            self.lengths,
            states,
            [
                read_off(place.name, place.values(self._end(place.end)), each, self.seed)
                for place in places(self.translator.model)
                for each in asked
            ],
            accuracy_by_position(self.translator.model, self.ids, self.translator.target_tokenizer.encode_batch(first)),
            [*notes, *missing],
        )

    def _states(self) -> tuple[Counts, list[StateLoss]]:
        donors = draw_donors(len(self.sources), self.seed)
        every = list(alterations(self.translator.model, donors))
        tell(f"Translating {len(self.sources):,} sentences, once as they are and up to {len(every)} times altered ...")
        plain = self._counts(self.passing.started)
        altered = []
        for each in every:
            changed = each.change(self._end(each.end))
            started = changed if each.end == "decoder" else self.passing.bridge(changed)
            altered.append(plain if _same(started, self.passing.started) else self._counts(started))
            tell(f"  {each.where}, {each.how}: {altered[-1].score(altered[-1].rows.sum(0)):.2f}")
        losses = self._lost(plain, altered, range(len(self.sources)))
        if losses is None:
            raise ValueError(
                f"A loss is of a score, and {self.metric} has none here: its references have nothing to count by. "
                "Received: empty references. Use another metric, or other text."
            )
        untold: list[Difference | None] = [None] * len(every)
        by_class = [self._lost(plain, altered, members) or untold for members in self.members]
        return plain, [
            StateLoss(each.where, each.how, each.whole, counts.score(counts.rows.sum(0)), lost, list(of_class))
            for each, counts, lost, *of_class in zip(every, altered, holm(losses), *by_class, strict=True)
        ]

    def _end(self, end: str) -> StackState:
        return self.passing.started if end == "decoder" else self.passing.ended

    def _counts(self, started: StackState) -> Counts:
        return self.count(self.passing.write(started), self.references)

    def _lost(self, plain: Counts, altered: list[Counts], members: Sequence[int]) -> list[Difference] | None:
        """Give how much worse each alteration is on some of the sentences; None where that cannot be told."""
        if len(members) < 2:
            return None
        chosen = [each._replace(rows=each.rows[list(members)]) for each in (plain, *altered)]
        way = 1 if HIGHER_IS_BETTER[self.metric] else -1
        scores = [way * each.score(each.rows.sum(0)) for each in chosen]
        drawn = way * resample(chosen, resamples=_RESAMPLES)
        if np.isnan(drawn).any():
            return None
        return [
            difference(
                [score], scores[:1], drawn[:, [place]], drawn[:, :1], sentences=len(members), comparisons=len(altered)
            )
            for place, score in enumerate(scores[1:], start=1)
        ]


def _same(one: StackState, other: StackState) -> bool:
    """Tell whether two states are equal, so that the same would be written."""
    return all(map(np.array_equal, tf.nest.flatten(one), tf.nest.flatten(other)))
