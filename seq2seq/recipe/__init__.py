"""The one description of a run: its settings, and how they become objects."""

from seq2seq.recipe.build import (
    ContradictionError,
    Corpora,
    build_batches,
    build_model,
    build_tokenizers,
    check_model,
    read_corpora,
)
from seq2seq.recipe.recipe import (
    BatchSettings,
    Data,
    DecodingSettings,
    EvaluationSettings,
    ModelSettings,
    Recipe,
    TokenizerSettings,
    TrainingSettings,
    load_recipe,
)
from seq2seq.settings import SettingsError

__all__ = [
    "BatchSettings",
    "ContradictionError",
    "Corpora",
    "Data",
    "DecodingSettings",
    "EvaluationSettings",
    "ModelSettings",
    "Recipe",
    "SettingsError",
    "TokenizerSettings",
    "TrainingSettings",
    "build_batches",
    "build_model",
    "build_tokenizers",
    "check_model",
    "load_recipe",
    "read_corpora",
]
