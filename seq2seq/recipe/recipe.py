"""The one description of a run: frozen settings with every default, written in Python or TOML."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

from seq2seq import settings
from seq2seq.metrics.settings import EvaluationSettings
from seq2seq.models.architectures import start_from_architecture
from seq2seq.models.settings import ModelSettings
from seq2seq.search.settings import DecodingSettings
from seq2seq.settings import (
    Matching,
    Range,
    SettingsError,
    StartsFrom,
    check_settings,
)
from seq2seq.system.files import is_readable
from seq2seq.text.settings import BatchSettings, Data, TokenizerSettings
from seq2seq.training.settings import TrainingSettings

Name = Annotated[str, Matching(r"\w[\w.+-]*", "letters, digits, and the signs . _ + - (it names the run folder)")]


@dataclass(frozen=True)
class Recipe:
    """Everything that a run depends on, but for the place of its data and of its results.

    Args:
        name: Name of the run; it names the folder of its results.
        data: Where the sentence pairs come from.
        tokenizer: How text is cut into pieces.
        batches: How pairs are put into batches.
        model: The network.
        training: How it learns.
        decoding: How translations are searched.
        evaluation: How they are measured.
        seed: Seed of everything drawn: weights, dropout, order of the data.
        start_from: Model file, or folder of a finished run, whose weights and vocabularies training goes on from; ""
            draws weights.

    Raises:
        SettingsError: A value is of the wrong kind or out of its range.

    Example:
        >>> recipe = Recipe("tiny", Data("corpus", "de", "en"), model=ModelSettings(embedding=64))
        >>> recipe.model.attention.kind, recipe.training.learning_rate
        ('general', 0.001)
        >>> recipe.override(["model.attention.kind=dot", "model.encoder.units=32"]).model.encoder.units
        (32,)
    """

    name: Name
    data: Data
    tokenizer: TokenizerSettings = field(default_factory=TokenizerSettings)
    batches: BatchSettings = field(default_factory=BatchSettings)
    model: Annotated[ModelSettings, StartsFrom(start_from_architecture)] = field(default_factory=ModelSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    decoding: DecodingSettings = field(default_factory=DecodingSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    seed: Annotated[int, Range(0, 2**32 - 1)] = 0
    start_from: str = ""

    def __post_init__(self) -> None:
        check_settings(self)
        known = ("loss", "perplexity", "accuracy", *self.evaluation.metrics)
        monitor = self.training.monitor.removeprefix("val_")
        if monitor and monitor not in known:
            raise SettingsError(
                f'training.monitor is "" or one of {", ".join(known)}: what is not measured cannot decide. '
                f'Received: training.monitor="{self.training.monitor}". '
                "Choose one of these, or add a metric to evaluation.metrics."
            )
        vectors = {f"model.{side}.pretrained": vars(self.model)[side].pretrained for side in ("encoder", "decoder")}
        if self.start_from and any(vectors.values()):
            received = ", ".join(f'{name}="{value}"' for name, value in vectors.items() if value)
            raise SettingsError(
                "Embeddings start from a model or from vectors. Received: "
                f'start_from="{self.start_from}", {received}. Leave one of them out.'
            )
        if self.tokenizer.grow and not self.start_from:
            raise SettingsError(
                "What grows is the vocabulary of a trained model. Received: "
                f'tokenizer.grow={self.tokenizer.grow}, start_from="". Name the model (--from), or set '
                "tokenizer.vocab_size instead."
            )

    @classmethod
    def from_toml(cls, path: str | Path) -> Recipe:
        """Read a recipe from a TOML file; what the file does not say keeps its default.

        Args:
            path: The file.

        Raises:
            FileNotFoundError: There is no such file.
            SettingsError: The file is not TOML, or a setting is unknown or not allowed: file and setting are named.
        """
        return cls.from_text(_read(Path(path)), str(path))

    @classmethod
    def from_text(cls, text: str, where: str = "") -> Recipe:
        """Read a recipe from TOML text; ``where`` names it in messages."""
        try:
            table = tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # of numbers and brackets without an end too
            raise SettingsError(f"{where or 'The recipe'} is not TOML: {error}.") from None
        return cls.from_table(table, where)

    @classmethod
    def from_table(cls, table: Mapping[str, Any], where: str = "") -> Recipe:
        """Read a recipe from a table as TOML or JSON has it; ``where`` names it in messages."""
        return settings.from_table(cls, _as_stored(_without_idle(table)), where)

    def to_toml(self, onto: str = "") -> str:
        """Write the recipe as TOML, defaults included; :meth:`from_text` gives the same recipe again.

        Args:
            onto: TOML whose comments are to stay, such as the recipe that this one was made from.
        """
        return settings.to_toml(self, onto)

    def override(self, assignments: Iterable[str]) -> Recipe:
        """Give the recipe with some settings changed by texts such as ``model.dropout=0.3``, as ``--set`` does.

        Raises:
            SettingsError: A setting is unknown or its value is not allowed.
        """
        return settings.override(self, assignments)

    def changes(self, other: Recipe) -> dict[str, object]:
        """List what another recipe has otherwise, as ``{"model.dropout": 0.3}``."""
        return settings.changes(self, other)


def _without_idle(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out what did nothing in a recipe as version 0.1 stored it: what stood beside the name of an architecture.

    There it left only the width open, and everything else was written out at its default.
    """
    model = table.get("model")
    if not isinstance(model, Mapping) or not model.get("architecture") or ModelSettings.renamed.keys() - model.keys():
        return table
    return {**table, "model": {name: model[name] for name in ("architecture", "width") if name in model}}


def _as_stored(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fill in what a run stored whole before there were pools: batches of a text that was sorted as a whole."""
    batches = table.get("batches")
    whole = {each.name for each in fields(BatchSettings)} - {"pool"}
    # A run writes everything out, a person hardly.
    stored = {"name", "data", "tokenizer", "model", "training", "decoding", "evaluation", "seed"} <= table.keys()
    if not stored or not isinstance(batches, Mapping) or batches.keys() != whole:
        return table
    return {**table, "batches": {**batches, "pool": 0}}


def load_recipe(path: str | Path) -> Recipe:
    """Read a recipe from a TOML file or a recipe script.

    Args:
        path: A ``.toml`` file, or a Python file with a module-level ``recipe``; it is run, though not as ``__main__``,
            and may import the files beside it.

    Returns:
        The recipe.

    Raises:
        FileNotFoundError: There is no such file.
        SettingsError: The file holds no recipe.
    """
    path = Path(path)
    if path.suffix != ".py":
        return Recipe.from_toml(path)
    if not path.is_file():
        raise FileNotFoundError(_no_file(path))
    spec = importlib.util.spec_from_file_location(f"recipe_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise SettingsError(f"{path} cannot be loaded as a Python file.")
    module = importlib.util.module_from_spec(spec)
    with _as_if_run(path):
        sys.modules[spec.name] = module  # dataclasses look themselves up by the name of their module
        try:
            spec.loader.exec_module(module)
        except Exception as error:  # whatever a script may raise
            why = error.msg if isinstance(error, SyntaxError) else str(error).removesuffix(".")
            raise SettingsError(
                f"The recipe script fails: {path}{_line(path, error)}: {type(error).__name__}: {why}. Repair it."
            ) from error
    recipe = getattr(module, "recipe", None)
    if not isinstance(recipe, Recipe):
        raise SettingsError(
            f"A recipe script has a module-level `recipe = Recipe(...)`. Received: {path} with recipe={recipe!r}."
        )
    return recipe


@contextmanager
def _as_if_run(path: Path) -> Iterator[None]:
    """Let a script import the files beside it, as `python path` does."""
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _line(path: Path, error: Exception) -> str:
    """Say at which line of a script something was raised."""
    frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        frames.append((str(error.filename), error.lineno))
    lines = [line for file, line in frames if Path(file).resolve() == path.resolve()]
    return f", line {lines[-1]}" if lines else ""


def _read(path: Path) -> str:
    if not is_readable(path):
        raise FileNotFoundError(_no_file(path))
    try:
        return path.read_text(encoding="utf-8-sig")  # editors of Windows begin a text with a mark
    except UnicodeDecodeError:
        raise SettingsError(
            f"A recipe is a TOML file in UTF-8 or a Python file (.py). Received: {path}, which is neither."
        ) from None


def _no_file(path: Path) -> str:
    return f"There is no recipe file {path}. Give a TOML file, or a Python file with a module-level `recipe`."
