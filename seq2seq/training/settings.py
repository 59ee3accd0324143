"""Settings of training: how a model learns, what decides when it stops, and what is kept on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from seq2seq.models.settings import TeacherForcingSettings
from seq2seq.settings import (
    Count,
    CountOrNone,
    NotNegative,
    Positive,
    Range,
    SettingsError,
    Share,
    check_settings,
)

# The names of modes are typed here and explained beside what they name; a test compares.
Optimizer = Literal["adam", "adamw", "adamax", "nadam", "adafactor", "adagrad", "adadelta", "rmsprop", "lion", "sgd"]
Schedule = Literal["constant", "inverse_sqrt", "plateau", "luong", "cosine", "linear"]

# Which schedules read a setting; with another one it would do nothing.
_OF_SCHEDULES = {
    "schedule_start": ("luong",),
    "schedule_every": ("luong",),
    "schedule_patience": ("plateau",),
    "schedule_factor": ("luong", "plateau"),
}


@dataclass(frozen=True)
class TrainingSettings:
    """How the model learns.

    Args:
        optimizer: Name of the optimizer.
        learning_rate: Learning rate at its highest.
        schedule: How the learning rate changes.
        warmup_steps: Optimizer steps until the learning rate is at its highest.
        schedule_start: With "luong": epochs until the first cut.
        schedule_every: With "luong": epochs from one cut to the next; 0.5 is every half epoch.
        schedule_patience: With "plateau": validations without a better ``monitor`` that make a cut.
        schedule_factor: With "luong" and "plateau": what the learning rate is multiplied by in a cut.
        clip_norm: Largest norm of all gradients together; 0 for no bound.
        skip_not_finite: Batches in a row that are skipped, and counted, where their loss or gradient is not finite,
            before training stops; 0 stops at the first.
        label_smoothing: Share of probability spread over the whole vocabulary.
        sampled_softmax: Words that a step scores beside its targets, for vocabularies of 32,000 and more; 0 scores all.
        epochs: Passes over the training pairs, at most.
        patience: Validations without a better ``monitor`` after which training stops; 0 never stops early.
        monitor: What decides which weights are best: "loss" or a metric of greedy decoding; "" is the first metric.
        validate_every: Optimizer steps from one validation to the next; 0 validates after each epoch.
        ema: Decay of the running average of the weights; 0 for none.
        precision: Number format of the computation.
        freeze: Parts of the model that do not learn, by path, as in "encoder.embedding", "bridge" or
            "decoder.logits.bias".
        strict_kernels: Whether to refuse training where an LSTM layer would run by Keras' own loop, which is slower.
        tensorboard: Whether to write a log for TensorBoard.
        checkpoint_steps: Optimizer steps from one checkpoint inside an epoch to the next; 0 for none by the count.
        checkpoint_minutes: Minutes from one checkpoint inside an epoch to the next; 0 for none by the clock.
        keep_checkpoints: Checkpoints kept, the newest ones; with 2, a resume has another where one is damaged.
        teacher_forcing: What the decoder reads: the right tokens, or the model's own predictions.
    """

    section: ClassVar[str] = "training"
    optimizer: Optimizer = "adam"
    learning_rate: Positive = 1e-3
    schedule: Schedule = "constant"
    warmup_steps: CountOrNone = 0
    schedule_start: NotNegative = 5.0
    schedule_every: Positive = 1.0
    schedule_patience: Count = 1
    schedule_factor: Annotated[float, Range(0, 1, open_low=True, open_high=True)] = 0.5
    clip_norm: NotNegative = 1.0
    skip_not_finite: CountOrNone = 0
    label_smoothing: Share = 0.1
    sampled_softmax: CountOrNone = 0
    epochs: Count = 10
    patience: CountOrNone = 0
    monitor: str = ""
    validate_every: CountOrNone = 0
    ema: Share = 0.0
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    freeze: tuple[str, ...] = ()
    strict_kernels: bool = False
    tensorboard: bool = False
    checkpoint_steps: CountOrNone = 0
    checkpoint_minutes: NotNegative = 10.0
    keep_checkpoints: Count = 2
    teacher_forcing: TeacherForcingSettings = field(default_factory=TeacherForcingSettings)

    def __post_init__(self) -> None:
        check_settings(self)
        for name, schedules in _OF_SCHEDULES.items():
            value = getattr(self, name)
            if self.schedule not in schedules and value != getattr(type(self), name):
                raise SettingsError(
                    f"training.{name} belongs to the schedule {' or '.join(schedules)}. Received: training.{name}="
                    f'{value}, training.schedule="{self.schedule}". Leave it out, or change the schedule.'
                )
