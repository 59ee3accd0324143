"""The one description of a run: frozen settings with every default, written in Python or TOML."""

from __future__ import annotations

import importlib.util
import os
import sys
import tomllib
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from seq2seq import settings
from seq2seq.settings import Matching, Range, SettingsError, check_settings

# The names of modes are typed here and explained beside what they name (bridge.py, attention.py …); a test compares.
BridgeMode = Literal["per_layer", "last_layer", "concatenated", "mean", "learned", "zero"]
AttentionKind = Literal["none", "dot", "general", "additive"]
Optimizer = Literal["adam", "adamw", "adamax", "nadam", "adafactor", "adagrad", "adadelta", "rmsprop", "lion", "sgd"]
Schedule = Literal["constant", "inverse_sqrt", "plateau", "luong", "cosine", "linear"]
Metric = Literal["bleu", "chrf", "ter", "exact_match", "word_error_rate", "phoneme_error_rate", "character_error_rate"]
Architecture = Literal["", "sutskever2014", "bahdanau2014", "luong2015", "gnmt2016"]

# Which schedules read a setting; with another one it would do nothing.
_OF_SCHEDULES = {
    "schedule_start": ("luong",),
    "schedule_every": ("luong",),
    "schedule_patience": ("plateau",),
    "schedule_factor": ("luong", "plateau"),
}

Count = Annotated[int, Range(1)]
CountOrNone = Annotated[int, Range(0)]
Share = Annotated[float, Range(0, 1, open_high=True)]
Positive = Annotated[float, Range(0, open_low=True)]
NotNegative = Annotated[float, Range(0)]
Name = Annotated[str, Matching(r"\w[\w.+-]*", "letters, digits, and the signs . _ + - (it names the run folder)")]


@dataclass(frozen=True)
class Data:
    """Where the sentence pairs come from.

    Args:
        path: "dates" (built in), a folder, a file pattern, or a hub name "owner/name"; ``$NAME``: environment variable.
        source: Language or column to translate from.
        target: Language or column to translate into.
        train: Split to train on: a file stem in a folder, a split name on the hub.
        validation: Split to validate on; "" sets ``hold_out`` sentences of the training split aside.
        test: Split to report on; "" sets another ``hold_out`` sentences aside; with ``hold_out`` 0 there is no test.
        streaming: Read the training split piece by piece instead of keeping it in memory.
        hold_out: Distinct source sentences set aside for each missing split.
    """

    section: ClassVar[str] = "data"
    path: Annotated[str, Matching(r"(?s).+", 'a folder, a file pattern, a hub name or "dates"')]
    source: Annotated[str, Matching(r"(?s).+", "a language or a column")]
    target: Annotated[str, Matching(r"(?s).+", "a language or a column")]
    train: Annotated[str, Matching(r"(?s).+", "the name of a split")] = "train"
    validation: str = "validation"
    test: str = "test"
    streaming: bool = False
    hold_out: CountOrNone = 0

    def __post_init__(self) -> None:
        check_settings(self)
        if not self.validation and not self.hold_out:
            raise SettingsError(
                'A run needs sentences to validate on. Received: data.validation="", data.hold_out=0. '
                "Name a split, or set data.hold_out to the number of training sentences to set aside."
            )

    def place(self) -> str:
        """Give ``path`` with its environment variables filled in.

        Raises:
            SettingsError: A variable is not set.
        """
        place = os.path.expandvars(self.path)
        if "$" in place:
            missing = place[place.index("$") + 1 :].strip("{").partition("/")[0].rstrip("}")
            raise SettingsError(
                f"The environment variable {missing} says where the data lie and is not set. "
                f"Received: data.path={self.path}. Set {missing}, or name the folder itself with --data."
            )
        return place


@dataclass(frozen=True)
class TokenizerSettings:
    """How text is cut into pieces, by SentencePiece.

    Args:
        kind: Kind of pieces.
        vocab_size: Number of pieces, special ones included; fewer where the text does not support as many.
        joint: One vocabulary for both languages, or one for each.
        byte_fallback: Spell unknown characters in bytes instead of the unknown piece.
        normalization: Name of SentencePiece's rule; "identity" where the target must come back exactly.
        character_coverage: Share of the characters of the text that get a piece; below 1 leaves the rarest out.
        symbols: Texts that always stay one piece.
        source_model: A SentencePiece model file to use for the source instead of training one; "" trains.
        target_model: The same for the target.
    """

    section: ClassVar[str] = "tokenizer"
    kind: Literal["unigram", "bpe", "char", "word"] = "unigram"
    vocab_size: Annotated[int, Range(8)] = 8000
    joint: bool = True
    byte_fallback: bool = False
    normalization: Literal["nmt_nfkc", "nmt_nfkc_cf", "nfkc", "nfkc_cf", "identity"] = "nmt_nfkc"
    character_coverage: Annotated[float, Range(0, 1, open_low=True)] = 1.0
    symbols: tuple[str, ...] = ()
    source_model: str = ""
    target_model: str = ""

    def __post_init__(self) -> None:
        check_settings(self)
        if bool(self.source_model) != bool(self.target_model):
            raise SettingsError(
                "Give a tokenizer model for both sides or for none. Received: "
                f'tokenizer.source_model="{self.source_model}", tokenizer.target_model="{self.target_model}". '
                "For a joint vocabulary name the same file twice."
            )


@dataclass(frozen=True)
class BatchSettings:
    """How pairs are put into batches.

    Args:
        size: Bound of a batch: sentence pairs, or tokens of the larger side, padding counted.
        unit: What ``size`` counts.
        max_source_length: Longest source in tokens, ``</s>`` counted; longer pairs are skipped and counted.
        max_target_length: Longest target in tokens, ``</s>`` counted.
    """

    section: ClassVar[str] = "batches"
    size: Count = 64
    unit: Literal["sentences", "tokens"] = "sentences"
    max_source_length: Annotated[int, Range(2)] = 100
    max_target_length: Annotated[int, Range(2)] = 100

    def __post_init__(self) -> None:
        check_settings(self)


@dataclass(frozen=True)
class ModelSettings:
    """The encoder stack, the decoder stack, and what passes between them.

    Args:
        embedding: Width of source and target embeddings.
        encoder: Units of each encoder layer, bottom first; per direction.
        decoder: Units of each decoder layer, bottom first.
        bidirectional: Encoder layers that read both ways: never, first, all, or one flag per layer.
        reverse: Whether the encoder reads the source from its end.
        bridge: What each decoder layer starts from: the name of a mode, or a list of encoder layers per decoder layer.
        to: With ``last_layer``: the decoder layers that get the state; zeros elsewhere.
        directions: How the two states of a bidirectional layer join.
        merge: How the states of several encoder layers join.
        states: What is passed; what is not is zero.
        project: When a trained projection stands between encoder and decoder state.
        activation: Activation of that projection; "auto" is tanh for the mode mean, else none.
        align: How layers are matched where the depths differ; "none" refuses it.
        attention: How the decoder looks at the source at every step.
        input_feeding: Whether the attended output enters the next step's input.
        residual_from: First layer (counted from 0) of both stacks with a residual connection round it; "none" for none.
        dropout: Share dropped between layers of the stacks.
        embedding_dropout: Share dropped after the embeddings.
        output_dropout: Share dropped before the logits.
        tied: Which embeddings are one matrix: none, target (input and output of the decoder), all (source as well).
        architecture: A model by paper name, which fixes everything above; "" for none.
        width: Factor for the widths of ``architecture``.
    """

    section: ClassVar[str] = "model"
    embedding: Count = 256
    encoder: tuple[Count, ...] = (256, 256)
    decoder: tuple[Count, ...] = (512, 512)
    bidirectional: Literal["never", "first", "all"] | tuple[bool, ...] = "all"
    reverse: bool = False
    bridge: BridgeMode | tuple[tuple[int, ...], ...] = "per_layer"
    to: Literal["all", "first"] = "all"
    directions: Literal["concat", "sum", "mean", "forward", "backward"] = "concat"
    merge: Literal["concat", "sum", "mean"] = "concat"
    states: Literal["both", "hidden", "cell"] = "both"
    project: Literal["auto", "always", "never"] = "auto"
    activation: Literal["auto", "none", "tanh", "relu"] = "auto"
    align: Literal["none", "bottom", "top", "spread"] = "none"
    attention: AttentionKind = "general"
    input_feeding: bool = False
    residual_from: Literal["none"] | CountOrNone = "none"
    dropout: Share = 0.2
    embedding_dropout: Share = 0.2
    output_dropout: Share = 0.2
    tied: Literal["none", "target", "all"] = "none"
    architecture: Architecture = ""
    width: Positive = 1.0

    def __post_init__(self) -> None:
        check_settings(self)
        for side in ("encoder", "decoder"):
            if not getattr(self, side):
                raise SettingsError(
                    f"A stack needs at least one layer. Received: model.{side}=[]. Write its units, as in [256]."
                )


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
        strict_kernels: Whether to refuse training where an LSTM layer would run by Keras' own loop, which is slower.
        tensorboard: Whether to write a log for TensorBoard.
        checkpoint_steps: Optimizer steps from one checkpoint inside an epoch to the next; 0 for none by the count.
        checkpoint_minutes: Minutes from one checkpoint inside an epoch to the next; 0 for none by the clock.
        keep_checkpoints: Checkpoints kept, the newest ones; with 2, a resume has another where one is damaged.
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
    strict_kernels: bool = False
    tensorboard: bool = False
    checkpoint_steps: CountOrNone = 0
    checkpoint_minutes: NotNegative = 10.0
    keep_checkpoints: Count = 2

    def __post_init__(self) -> None:
        check_settings(self)
        for name, schedules in _OF_SCHEDULES.items():
            value = getattr(self, name)
            if self.schedule not in schedules and value != getattr(type(self), name):
                raise SettingsError(
                    f"training.{name} belongs to the schedule {' or '.join(schedules)}. Received: training.{name}="
                    f'{value}, training.schedule="{self.schedule}". Leave it out, or change the schedule.'
                )


@dataclass(frozen=True)
class DecodingSettings:
    """How a translation is searched.

    Args:
        beam_size: Open hypotheses per sentence; 1 is greedy search.
        length_penalty: Exponent of the length by which a score is divided; 0 for none.
        max_length_factor: Longest translation in tokens: this factor times the source's tokens, plus 10.
        batch_size: Sentences decoded together.
    """

    section: ClassVar[str] = "decoding"
    beam_size: Count = 5
    length_penalty: NotNegative = 1.0
    max_length_factor: Positive = 2.0
    batch_size: Count = 64

    def __post_init__(self) -> None:
        check_settings(self)


@dataclass(frozen=True)
class EvaluationSettings:
    """How translations are measured.

    Args:
        metrics: Names of metrics; the first one is told first.
        lowercase: Whether the metrics ignore case.
        tokenize: sacreBLEU's tokenizer for BLEU: "13a" for plain text, "none" for text that is tokenised already.
    """

    section: ClassVar[str] = "evaluation"
    metrics: tuple[Metric, ...] = ("bleu", "chrf", "exact_match")
    lowercase: bool = False
    tokenize: str = "13a"

    def __post_init__(self) -> None:
        check_settings(self)


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

    Raises:
        SettingsError: A value is of the wrong kind or out of its range.

    Example:
        >>> recipe = Recipe("tiny", Data("corpus", "de", "en"), model=ModelSettings(encoder=(64,), decoder=(128,)))
        >>> recipe.model.attention, recipe.training.learning_rate
        ('general', 0.001)
        >>> recipe.override(["model.attention=dot", "model.encoder=32"]).model.encoder
        (32,)
    """

    name: Name
    data: Data
    tokenizer: TokenizerSettings = TokenizerSettings()
    batches: BatchSettings = BatchSettings()
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings()
    decoding: DecodingSettings = DecodingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    seed: Annotated[int, Range(0, 2**32 - 1)] = 0

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
        return settings.from_table(cls, table, where)

    def to_toml(self) -> str:
        """Write the recipe as TOML, defaults included; :meth:`from_text` gives the same recipe again."""
        return settings.to_toml(self)

    def override(self, assignments: Iterable[str]) -> Recipe:
        """Give the recipe with some settings changed by texts such as ``model.dropout=0.3``, as ``--set`` does.

        Raises:
            SettingsError: A setting is unknown or its value is not allowed.
        """
        return settings.override(self, assignments)

    def changes(self, other: Recipe) -> dict[str, object]:
        """List what another recipe has otherwise, as ``{"model.dropout": 0.3}``."""
        return settings.changes(self, other)


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
    if not path.is_file():
        raise FileNotFoundError(_no_file(path))
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise SettingsError(
            f"A recipe is a TOML file in UTF-8 or a Python file (.py). Received: {path}, which is neither."
        ) from None


def _no_file(path: Path) -> str:
    return f"There is no recipe file {path}. Give a TOML file, or a Python file with a module-level `recipe`."
