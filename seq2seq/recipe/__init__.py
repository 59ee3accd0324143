"""The one description of a run: its settings, and how they become objects."""

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

__all__ = [
    "BatchSettings",
    "Data",
    "DecodingSettings",
    "EvaluationSettings",
    "ModelSettings",
    "Recipe",
    "TokenizerSettings",
    "TrainingSettings",
    "load_recipe",
]
