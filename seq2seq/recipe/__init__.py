"""The one description of a run: its settings, and how they become objects."""

from seq2seq.metrics.settings import EvaluationSettings
from seq2seq.models.settings import (
    AttentionSettings,
    BridgeSettings,
    ContradictionError,
    DecoderSettings,
    EncoderSettings,
    ModelSettings,
    TeacherForcingSettings,
)
from seq2seq.recipe.build import build_batches, build_model, check_model
from seq2seq.recipe.corpora import Corpora, read_corpora
from seq2seq.recipe.recipe import Recipe, load_recipe
from seq2seq.recipe.tokenizers import build_tokenizers
from seq2seq.search.settings import DecodingSettings
from seq2seq.settings import SettingsError
from seq2seq.text.settings import (
    AlsoSettings,
    BatchSettings,
    Data,
    SourceTokenizerSettings,
    TargetTokenizerSettings,
    TokenizerSettings,
)
from seq2seq.training.settings import TrainingSettings

__all__ = [
    "AlsoSettings",
    "AttentionSettings",
    "BatchSettings",
    "BridgeSettings",
    "ContradictionError",
    "Corpora",
    "Data",
    "DecoderSettings",
    "DecodingSettings",
    "EncoderSettings",
    "EvaluationSettings",
    "ModelSettings",
    "Recipe",
    "SettingsError",
    "SourceTokenizerSettings",
    "TargetTokenizerSettings",
    "TeacherForcingSettings",
    "TokenizerSettings",
    "TrainingSettings",
    "build_batches",
    "build_model",
    "build_tokenizers",
    "check_model",
    "load_recipe",
    "read_corpora",
]
