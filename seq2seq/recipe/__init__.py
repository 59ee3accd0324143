"""The one description of a run: its settings, and how they become objects."""

from seq2seq.metrics.settings import EvaluationSettings
from seq2seq.models.settings import (
    AttentionSettings,
    BridgeSettings,
    DecoderSettings,
    EncoderSettings,
    ModelSettings,
)
from seq2seq.recipe.recipe import Recipe, load_recipe
from seq2seq.search.settings import DecodingSettings
from seq2seq.text.settings import BatchSettings, Data, TokenizerSettings
from seq2seq.training.settings import TrainingSettings

__all__ = [
    "AttentionSettings",
    "BatchSettings",
    "BridgeSettings",
    "Data",
    "DecoderSettings",
    "DecodingSettings",
    "EncoderSettings",
    "EvaluationSettings",
    "ModelSettings",
    "Recipe",
    "TokenizerSettings",
    "TrainingSettings",
    "load_recipe",
]
