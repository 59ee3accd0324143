"""What the measurements of training and of decoding share: speeds with their spread, the setting, tables of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from seq2seq.system.machine import machine
from seq2seq.system.terminal import format_table
from seq2seq.system.versions import installed_versions

if TYPE_CHECKING:
    from seq2seq.models import Seq2Seq


@dataclass(frozen=True)
class Spread:
    """A quantity, measured several times.

    Attributes:
        median: The middle one of all.
        low: The first quartile.
        high: The third quartile.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Sum measurements up.

        Example:
            >>> Spread.of([4.0, 1.0, 2.0, 3.0, 5.0])
            Spread(median=3.0, low=2.0, high=4.0)
        """
        ranked = sorted(values)
        low, high = (ranked[round(share * (len(ranked) - 1))] for share in (0.25, 0.75))
        return cls(median(ranked), low, high)

    def text(self, unit: str, factor: float = 1.0) -> str:
        """Write it for people.

        Example:
            >>> Spread(0.5, 0.25, 0.75).text("ms", 1000)
            '500 ms (middle half 250–750)'
        """
        middle, low, high = (f"{factor * value:,.0f}" for value in (self.median, self.low, self.high))
        return f"{middle} {unit} (middle half {low}–{high})"


@dataclass(frozen=True)
class Setting:
    """What was measured, and where.

    Attributes:
        name: Of the recipe or the model file.
        machine: Processor, cores, graphics processors.
        versions: Of the packages that decide about speed.
        precision: Number format of the computation.
        parameters: Trained numbers.
        vocabulary: Ids of source and target.
        kernels: For every LSTM layer which kernel runs and why.
    """

    name: str
    machine: dict[str, Any]
    versions: dict[str, str]
    precision: str
    parameters: int
    vocabulary: tuple[int, int]
    kernels: list[dict[str, Any]]

    @classmethod
    def of(cls, name: str, model: Seq2Seq) -> Setting:
        """Describe a model and this machine."""
        from seq2seq.models.kernels import layer_kernels

        return cls(
            name,
            machine(),
            installed_versions(),
            model.dtype_policy.name,
            int(model.count_params()),
            (model.encoder.vocab_size, model.decoder.vocab_size),
            [kernel._asdict() for kernel in layer_kernels(model)],
        )

    def report(self, rows: Sequence[tuple[str, str]]) -> str:
        """Lay out what was measured, under the machine and above the kernels."""
        from seq2seq.models.kernels import KERNEL_COLUMNS

        source, target = self.vocabulary
        gpus = "".join(f", {name}" for name in self.machine["gpus"])
        head = [
            ("machine", f"{self.machine['processor']}, {times(self.machine['cores'], 'core')}{gpus}"),
            ("model", f"{self.parameters:,} parameters, vocabulary {source:,} → {target:,}, {self.precision}"),
        ]
        kernels = [[str(each[name]) for name in KERNEL_COLUMNS] for each in self.kernels]
        measured = format_table(["what", "measured"], [*head, *rows])
        return f"{self.name}\n\n{measured}\n\n{format_table(KERNEL_COLUMNS, kernels)}"


def memory_text(peak: int, gpu: int) -> str:
    """Write the memory that was taken, in bytes, for people.

    Example:
        >>> memory_text(2**30, 0)
        '1,024 MiB'
    """
    main = f"{peak / 2**20:,.0f} MiB" if peak else "not told by this system"
    return f"{main}, and {gpu / 2**20:,.0f} MiB of the GPU" if gpu else main


def duration(hours: float) -> str:
    """Write a time in the unit that fits it.

    Example:
        >>> duration(0.5), duration(36.0), duration(0.001)
        ('30 minutes', '36.0 hours', '4 seconds')
    """
    seconds = 3600 * hours
    if seconds < 100:
        return times(round(seconds), "second")
    return f"{hours:.1f} hours" if hours >= 1.5 else times(round(60 * hours), "minute")


def percent(share: float, digits: int = 0) -> str:
    """Write a share, 0 to 1.

    Example:
        >>> percent(0.123), percent(0.123, 1)
        ('12 %', '12.3 %')
    """
    return f"{100 * share:.{digits}f} %"


def times(count: int, what: str) -> str:
    """Write a number of things.

    Example:
        >>> times(1, "graph"), times(2000, "graph")
        ('1 graph', '2,000 graphs')
    """
    return f"{count:,} {what}{'' if count == 1 else 's'}"
