"""Where a run stands: the counters that its callbacks share, and that a checkpoint keeps."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from seq2seq.distribution.devices import SharedBatches
from seq2seq.training.step_times import StepTimes

OF_THE_PROCESS = frozenset({
    *("time", "seconds", "epoch_seconds", "train_seconds", "tokens_per_second", "minutes", "timing"),
    *("data_wait", "traces", "trace_seconds", "compilations", "compile_seconds"),
})  # fmt: skip
"""Names of logged values that depend on the clock and on how often a run was taken up again, not on the run itself."""


class TrainingBatches(SharedBatches, Protocol):
    """What training asks of its batches; :class:`seq2seq.text.batches.Batches` gives it.

    Every iteration of its dataset is one epoch, and Keras can ask it for the number of batches.
    """

    @property
    def tokens(self) -> int:
        """Target tokens of an epoch, END counted."""

    @property
    def checksum(self) -> int:
        """A checksum over all ids, in order."""

    def run(self, epoch: int, step: int = 0) -> Iterator[Any]:
        """Give the batches of an epoch from a step on, as NumPy arrays."""

    def seek(self, epoch: int, step: int = 0) -> None:
        """Set where the next iteration starts."""

    def steps(self, epoch: int) -> int:
        """Give the number of batches of an epoch."""


class TextPairs(Protocol):
    """What validation asks of its corpus; :class:`seq2seq.text.corpus.Corpus` gives it."""

    @property
    def sources(self) -> list[str]:
        """The source texts."""

    @property
    def targets(self) -> list[str] | list[list[str]]:
        """The references, one text or several for each source."""


@dataclass
class RunState:
    """The counters of a run.

    Attributes:
        epoch: Epochs done, which is the number (from 0) of the running one.
        step: Batches done in the running epoch.
        update: Optimizer steps done in the run; a batch that was skipped makes none.
        skipped: Batches of the run that were skipped because they were not finite.
        skipped_in_a_row: How many of them since the last step.
        seconds: Wall time of the run so far, validation included.
        epoch_seconds: Wall time of the running epoch so far, validation included.
        train_seconds: Wall time spent in training steps of the running epoch.
        whole: Whether the epoch that ended last came to the end of its data, rather than being stopped in the middle.
        learning_rate: That of the last step; None before the first.
        validated_at: ``update`` at the last validation; -1 before the first.
        scores: What that validation measured, by name.
        history: One entry per epoch done: its logs by name.
    """

    epoch: int = 0
    step: int = 0
    update: int = 0
    skipped: int = 0
    skipped_in_a_row: int = 0
    seconds: float = 0.0
    epoch_seconds: float = 0.0
    train_seconds: float = 0.0
    whole: bool = True
    learning_rate: float | None = None
    validated_at: int = -1
    scores: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    _ticked: float = field(default=0.0, repr=False)

    def start_clock(self) -> None:
        """Count time from now on."""
        self._ticked = time.monotonic()

    def tick(self) -> None:
        """Add the time since the last tick."""
        now = time.monotonic()
        self.seconds += now - self._ticked
        self.epoch_seconds += now - self._ticked
        self._ticked = now

    def end_epoch(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Stand at the start of the next epoch if this one is done."""
        if self.whole:
            self.history.append(dict(logs))
            self.epoch, self.step = epoch + 1, 0

    def get_state(self) -> dict[str, Any]:
        """Give the counters as plain values."""
        return {name: value for name, value in asdict(self).items() if not name.startswith("_")}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take the counters back."""
        for name, value in state.items():
            setattr(self, name, value)


class Remembering(Protocol):
    """A part of a run with something to remember over a resume."""

    def get_state(self) -> dict[str, Any]:
        """Give it as plain JSON values."""

    def set_state(self, state: dict[str, Any]) -> None:
        """Take it back."""


@dataclass(frozen=True)
class Validated:
    """One validation: what was measured, and what came of it.

    Attributes:
        update: Optimizer steps done.
        values: Scores by name, as "val_loss" (nats per target token) or "val_bleu" (0–100); "val_cut" is the number of
            translations that the limit of length cut.
        signatures: How each metric of real decoding was computed.
        samples: Some triples of source, translation and reference.
        seconds: Wall time that it took.
    """

    update: int
    values: dict[str, float]
    signatures: dict[str, str]
    samples: Sequence[tuple[str, str, str]]
    seconds: float


class RunListener(Protocol):
    """Hears of what happens beside the steps and epochs that Keras tells its callbacks."""

    def first_step(self, times: StepTimes) -> None:
        """Hear that the first step of this process is done."""

    def validated(self, validation: Validated, best: bool) -> None:
        """Hear of a validation, and whether its score is the best so far."""

    def skipped(self, message: str, pairs: Sequence[tuple[str, str]]) -> None:
        """Hear that a batch was skipped: why, and which pairs of source and target did it, as text."""

    def saving(self, state: RunState) -> None:
        """Hear that a checkpoint is about to be written."""
