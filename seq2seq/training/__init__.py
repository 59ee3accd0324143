"""Training: Keras `fit` with optimizers, schedules, validation by real decoding, a run folder and resume.

The names below are imported when they are first used, so that a run folder is read without TensorFlow.
"""

from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.system.lock import LockedError
    from seq2seq.training.checkpoint_file import CheckpointError
    from seq2seq.training.fit import TrainingResult, train
    from seq2seq.training.not_finite import NotFiniteError
    from seq2seq.training.optimizers import OPTIMIZERS, build_optimizer
    from seq2seq.training.run_folder import RunFolder, RunFolderError, open_run_folder
    from seq2seq.training.schedules import (
        SCHEDULES,
        Constant,
        Cosine,
        InverseSquareRoot,
        Linear,
        Luong,
        Plateau,
        Schedule,
        build_schedule,
    )
    from seq2seq.training.settings import TrainingSettings
    from seq2seq.training.state import TextPairs, TrainingBatches
    from seq2seq.training.step_times import StepTimes
    from seq2seq.training.validation import HeldOut

_WHERE = {
    "seq2seq.system.lock": ["LockedError"],
    "seq2seq.training.checkpoint_file": ["CheckpointError"],
    "seq2seq.training.fit": ["TrainingResult", "train"],
    "seq2seq.training.not_finite": ["NotFiniteError"],
    "seq2seq.training.optimizers": ["OPTIMIZERS", "build_optimizer"],
    "seq2seq.training.run_folder": ["RunFolder", "RunFolderError", "open_run_folder"],
    "seq2seq.training.schedules": [
        "SCHEDULES",
        "Constant",
        "Cosine",
        "InverseSquareRoot",
        "Linear",
        "Luong",
        "Plateau",
        "Schedule",
        "build_schedule",
    ],
    "seq2seq.training.state": ["TextPairs", "TrainingBatches"],
    "seq2seq.training.settings": ["TrainingSettings"],
    "seq2seq.training.step_times": ["StepTimes"],
    "seq2seq.training.validation": ["HeldOut"],
}

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "CheckpointError",
    "Constant",
    "Cosine",
    "HeldOut",
    "InverseSquareRoot",
    "Linear",
    "LockedError",
    "Luong",
    "NotFiniteError",
    "Plateau",
    "RunFolder",
    "RunFolderError",
    "Schedule",
    "StepTimes",
    "TextPairs",
    "TrainingBatches",
    "TrainingResult",
    "TrainingSettings",
    "build_optimizer",
    "build_schedule",
    "open_run_folder",
    "train",
]

__getattr__, __dir__ = lazily(__name__, _WHERE)
