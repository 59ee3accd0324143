"""What `seq2seq evaluate` found, as tables for a terminal and as plain values for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from seq2seq.analysis.evaluation import BadSentence, ClassScores, Said, comparison_text, worst_text
from seq2seq.metrics import Score, Surest
from seq2seq.metrics.paired import PairedScores
from seq2seq.system.terminal import format_table

if TYPE_CHECKING:
    from seq2seq.translation import Calibration, Cuts


class System(NamedTuple):
    """A translator on the test set.

    Attributes:
        said: What it says.
        cuts: What was cut, or translated in parts.
        surest: What its surest translations are worth; None where nobody asked.
        calibration: What it learnt of its confidence; None for nothing.
    """

    said: Said
    cuts: Cuts
    surest: list[Surest] | None
    calibration: Calibration | None


@dataclass(frozen=True)
class Evaluated:
    """What was found.

    Attributes:
        lines: Of the test set.
        sentences: Of them, where lines of equal source are one.
        systems: The translators.
        scores: Of each by every metric.
        compared: Each beside the first by every metric; empty of a single one.
        by_length: Scores in classes of length; None where nobody asked.
        by_frequency: Scores in classes of word frequency; None where nobody asked.
        worst: The worst sentences of each; None where nobody asked.
    """

    lines: int
    sentences: int
    systems: Sequence[System]
    scores: Sequence[Mapping[str, Score]]
    compared: dict[str, PairedScores]
    by_length: ClassScores | None
    by_frequency: ClassScores | None
    worst: Sequence[list[BadSentence]] | None

    def to_table(self) -> dict[str, Any]:
        """Give it as plain values."""
        each = [self._of(place) for place in range(len(self.systems))]
        models = [{"model": system.said.name, **own} for system, own in zip(self.systems, each, strict=True)]
        return {
            "sentences": self.sentences,
            "lines": self.lines,
            "signatures": {name: score.signature for name, score in self.scores[0].items()},
            **(each[0] if len(models) == 1 else {"models": models}),
            **({"compared": {name: each.table() for name, each in self.compared.items()}} if self.compared else {}),
            **({"by_length": asdict(self.by_length)} if self.by_length else {}),
            **({"by_frequency": asdict(self.by_frequency)} if self.by_frequency else {}),
        }

    def _of(self, place: int) -> dict[str, Any]:
        """Give what was found of one translator."""
        system = self.systems[place]
        return {
            "metrics": {name: score.value for name, score in self.scores[place].items()},
            "cut": system.cuts.cut,
            "in_parts": system.cuts.in_parts,
            **({} if self.worst is None else {"worst": [one.table() for one in self.worst[place]]}),
            **({} if system.surest is None else {"surest": [_told(one) for one in system.surest]}),
        }

    def text(self) -> str:
        """Lay it out for a terminal."""
        if self.compared:
            parts = [comparison_text(self.compared, [system.said.name for system in self.systems])]
        else:
            rows = [[name, f"{score.value:.2f}", score.signature] for name, score in self.scores[0].items()]
            parts = [format_table(["metric", "value", "signature"], rows, numbers=[1])]
        parts += [self.by_length.text("sentences")] if self.by_length else []
        parts += [self.by_frequency.text("words")] if self.by_frequency else []
        for system in self.systems:
            parts += [f"The surest translations of {system.said.name}"] if system.surest and self.compared else []
            parts += [_table(system.surest, system.calibration)] if system.surest else []
        for system, bad in zip(self.systems, self.worst or [[]] * len(self.systems), strict=True):
            parts += [f"The worst translations of {system.said.name}\n\n{worst_text(bad)}"] if bad else []
        return "\n\n".join(parts)


def _told(kept: Surest) -> dict[str, Any]:
    """Lay it out for JSON."""
    told = kept._asdict() | {"scores": {name: score.value for name, score in kept.scores.items()}}
    told["log_probability"] = least if isfinite(least := told.pop("least")) else None
    return told


def _table(kept: Sequence[Surest], curve: Calibration | None) -> str:
    metrics = list(kept[0].scores)
    header = ["surest", "sentences", "log p from", *([f"expected {curve.metric}"] if curve else []), *metrics]
    rows = [
        [f"{each.share} %", f"{each.sentences:,}", f"{each.least:.3f}",
         *([] if each.expected is None else [f"{100 * each.expected:.2f}"]),
         *(f"{score.value:.2f}" for score in each.scores.values())]
        for each in kept
    ]  # fmt: skip
    return format_table(header, rows, numbers=range(len(header)))
