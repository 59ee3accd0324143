"""Learning-rate schedules: factors of the peak learning rate, as functions of where the run stands.

They are computed on the Python side before each step, not inside the graph: that lets warm-up, halving on a metric and
a change of settings on resume work alike, and a schedule that is a function of the position needs no state to be saved.
"""

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

from seq2seq.training.settings import TrainingSettings


class Position(NamedTuple):
    """Where a run stands before an optimizer step.

    Attributes:
        update: Optimizer steps done.
        epoch: Epochs done, the share of the running one counted: 2.5 is in the middle of the third.
        epochs: Epochs that the run will have.
    """

    update: int
    epoch: float
    epochs: int


class Schedule(ABC):
    """Abstract: a factor of the peak learning rate for each step.

    Args:
        warmup_steps: Optimizer steps over which the learning rate rises linearly to its peak; the first step has peak /
            warmup_steps.
    """

    def __init__(self, warmup_steps: int = 0) -> None:
        if warmup_steps < 0:
            raise ValueError(
                f"Warm-up lasts 0 or more optimizer steps. Received: warmup_steps={warmup_steps}. Use 0 for none."
            )
        self.warmup_steps = warmup_steps

    def factor(self, position: Position) -> float:
        """Give the factor of the peak learning rate at this position, between 0 and 1."""
        if position.update < self.warmup_steps:
            return (position.update + 1) / self.warmup_steps
        return self.after_warmup(position)

    @abstractmethod
    def after_warmup(self, position: Position) -> float:
        """Give the factor once warm-up is over."""

    def observe(self, improved: bool) -> None:  # noqa: B027 - most schedules do not listen
        """Hear after each validation whether the monitored metric improved."""

    def get_state(self) -> dict[str, float]:
        """Give what the schedule has to remember over a resume."""
        return {}

    def set_state(self, state: dict[str, float]) -> None:  # noqa: B027 - most schedules remember nothing
        """Take back what :meth:`get_state` gave, in so far as another schedule gave it."""


class Constant(Schedule):
    """The peak learning rate throughout, after an optional linear warm-up."""

    def after_warmup(self, position: Position) -> float:
        """Give 1."""
        return 1.0


class InverseSquareRoot(Schedule):
    """Linear warm-up, then the inverse square root of the step, with its peak at the end of warm-up.

    Source:
        Vaswani et al. 2017, equation 3, divided by its own maximum; without warm-up it falls from the first step on.

    Example:
        >>> schedule = InverseSquareRoot(warmup_steps=100)
        >>> [schedule.factor(Position(update, 0, 1)) for update in (49, 99, 399)]
        [0.5, 1.0, 0.5]
    """

    def after_warmup(self, position: Position) -> float:
        """Give sqrt(warmup / step), steps counted from 1."""
        return math.sqrt(max(self.warmup_steps, 1) / (position.update + 1))


class Cosine(Schedule):
    """Half a cosine from the peak down to zero over the whole run.

    Source:
        Loshchilov and Hutter 2017, equation 5, without restarts.
    """

    def after_warmup(self, position: Position) -> float:
        """Give the half cosine of the share of the run that is done."""
        return 0.5 * (1 + math.cos(math.pi * min(position.epoch / position.epochs, 1.0)))


class Linear(Schedule):
    """A straight line from the peak down to zero over the whole run."""

    def after_warmup(self, position: Position) -> float:
        """Give the share of the run that is left."""
        return max(1.0 - position.epoch / position.epochs, 0.0)


class Luong(Schedule):
    """The peak learning rate for some epochs, then cut again and again at a fixed pace.

    Args:
        warmup_steps: Optimizer steps of linear warm-up.
        start: Epochs at the full rate; the first cut comes when they are over.
        every: Epochs from one cut to the next: 1.0, or 0.5 for every half epoch.
        by: Factor of one cut.

    Source:
        Luong et al. 2015, section 4.1: halved every epoch after 5 of 10 epochs; with dropout, every half epoch after 8
        of 12.

    Example:
        >>> [Luong(start=5).factor(Position(0, epoch, 10)) for epoch in (4.9, 5.0, 6.5)]
        [1.0, 0.5, 0.25]
    """

    def __init__(self, warmup_steps: int = 0, start: float = 5.0, every: float = 1.0, by: float = 0.5) -> None:
        super().__init__(warmup_steps)
        if start < 0 or not every > 0 or not 0 < by < 1:
            raise ValueError(
                "Cuts start after 0 or more epochs, come every so many epochs (above 0), and multiply by a factor "
                f"between 0 and 1. Received: start={start}, every={every}, by={by}. Luong et al. used start=5, "
                "every=1, by=0.5."
            )
        self.start = start
        self.every = every
        self.by = by

    def after_warmup(self, position: Position) -> float:
        """Give the factor after the cuts so far."""
        if position.epoch < self.start:
            return 1.0
        # A step k of n in an epoch is k/n with a rounding error: a cut due exactly here must not be missed.
        cuts = 1 + math.floor((position.epoch - self.start) / self.every + 1e-9)
        return self.by**cuts


class Plateau(Schedule):
    """Cut the learning rate when the monitored metric has not improved for some validations.

    Args:
        warmup_steps: Optimizer steps of linear warm-up.
        patience: Validations in a row without improvement that make a cut; the count starts again after a cut.
        by: Factor of one cut.
        lowest: The factor never falls below this.
    """

    def __init__(self, warmup_steps: int = 0, patience: int = 1, by: float = 0.5, lowest: float = 1e-3) -> None:
        super().__init__(warmup_steps)
        if patience < 1 or not 0 < by < 1 or not 0 <= lowest <= 1:
            raise ValueError(
                "A plateau lasts 1 or more validations, and a cut multiplies by a factor between 0 and 1, never below "
                f"the lowest. Received: patience={patience}, by={by}, lowest={lowest}. Use patience=1, by=0.5 for the "
                "usual halving."
            )
        self.patience = patience
        self.by = by
        self.lowest = lowest
        self._factor = 1.0
        self._waited = 0

    def after_warmup(self, position: Position) -> float:
        """Give the factor after the cuts so far."""
        return self._factor

    def observe(self, improved: bool) -> None:
        """Count a validation without improvement, and cut when there were enough of them."""
        self._waited = 0 if improved else self._waited + 1
        if self._waited >= self.patience:
            self._waited = 0
            self._factor = max(self._factor * self.by, self.lowest)

    def get_state(self) -> dict[str, float]:
        """Give the factor and the validations waited."""
        return {"factor": self._factor, "waited": self._waited}

    def set_state(self, state: dict[str, float]) -> None:
        """Take them back."""
        self._factor = state.get("factor", self._factor)
        self._waited = int(state.get("waited", self._waited))


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "inverse_sqrt": InverseSquareRoot,
    "plateau": Plateau,
    "luong": Luong,
    "cosine": Cosine,
    "linear": Linear,
}
"""The schedules by name."""


def build_schedule(settings: TrainingSettings) -> Schedule:
    """Build the schedule that settings name; it takes of them what its class has.

    Returns:
        A new schedule.

    Example:
        >>> build_schedule(TrainingSettings(warmup_steps=4)).factor(Position(update=0, epoch=0.0, epochs=1))
        0.25
        >>> luong = TrainingSettings(schedule="luong", schedule_start=8, schedule_every=0.5)
        >>> build_schedule(luong).factor(Position(update=0, epoch=8.5, epochs=12))
        0.25
    """
    made, warmup = SCHEDULES[settings.schedule], settings.warmup_steps
    if made is Luong:
        return Luong(warmup, settings.schedule_start, settings.schedule_every, settings.schedule_factor)
    if made is Plateau:
        return Plateau(warmup, settings.schedule_patience, settings.schedule_factor)
    return made(warmup)
