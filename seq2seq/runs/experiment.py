"""One run: from a recipe to a trained, measured translator in a run folder."""

from __future__ import annotations

import base64
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seq2seq.metrics import EvaluationSettings, measure
from seq2seq.recipe import Recipe
from seq2seq.settings import SettingsError, by_name, from_table, to_table
from seq2seq.system.files import replacing
from seq2seq.system.terminal import silence, tell

if TYPE_CHECKING:
    import keras

    from seq2seq.distribution.devices import Devices
    from seq2seq.distribution.workers import Workers
    from seq2seq.models import Seq2Seq
    from seq2seq.recipe.build import Corpora
    from seq2seq.text.batches import Batches
    from seq2seq.text.corpus import Corpus
    from seq2seq.text.streaming import StreamedBatches
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.training.run_folder import RunFolder
    from seq2seq.training.train import TrainingResult
    from seq2seq.translation.translator import Translator

EXAMPLE = ("source", "translation", "reference")
"""What an example of a result consists of."""

_EXAMPLES = 6
_RECORD = "run.json"
# What a run may not change when it goes on: its data, and the shapes of what was saved.
_FIXED = ("data", "tokenizer", "batches", "model", "seed", "training.optimizer", "training.ema")


@dataclass(frozen=True)
class RunResult:
    """What came of a run.

    Attributes:
        folder: The run folder.
        model: The translator file; None where the run was stopped before its end.
        metrics: Scores by part of the corpus ("validation", "test") and name, as in ``{"test": {"bleu": 36.1}}``.
        signatures: How each metric was computed.
        minutes: Wall time of training, validation included.
        stopped: Why training ended: "finished", "patience", or the signal that stopped it.
        examples: Some triples of held-out source, translation and reference.
    """

    folder: Path
    model: Path | None
    metrics: dict[str, dict[str, float]]
    signatures: dict[str, str]
    minutes: float
    stopped: str
    examples: list[tuple[str, str, str]]


def run(
    recipe: Recipe,
    *,
    folder: str | Path | None = None,
    resume: bool = False,
    data: str | None = None,
    seed: int | None = None,
    command: str = "",
    changed: Mapping[str, object] | None = None,
    progress: str = "auto",
    strategy: str | Devices = "",
) -> RunResult:
    """Read text, train a model, write the translator and measure it.

    Args:
        recipe: What to run.
        folder: The run folder; None is ``runs/`` and the recipe's name.
        resume: Whether to go on with a stopped run in the folder.
        data: Where to read text instead of ``recipe.data.path``.
        seed: A seed instead of ``recipe.seed``.
        command: The command that started this, for the record.
        changed: Settings that differ from the recipe as it was published, for the record.
        progress: How to show training: "auto", "bar", "lines" or "none".
        strategy: What the work is shared among: "mirrored", all devices of this process; "multiworker", all workers
            that ``TF_CONFIG`` or Slurm names, each of which calls this alike; "", one device. Or what
            :func:`seq2seq.distribution.devices.open_devices` gave. The chief alone writes, and shows what happens.

    Returns:
        What came of it, which is also in ``result.json`` in the folder.

    Raises:
        RunFolderError: The folder holds another run.
        LockedError: Another process is at work in it.
        ValueError: Settings, text or saved state do not fit together.
        OSError: A file cannot be read or written.
    """
    recipe = recipe if seed is None else replace(recipe, seed=seed)
    # A metric that cannot be computed here (a tokenizer that is unknown or not installed) is told before training.
    measure(["text"], ["text"], recipe.evaluation)
    with (
        _opened(strategy) as devices,
        _run_folder(recipe, default_folder(recipe) if folder is None else folder, resume, devices) as run_folder,
    ):
        ready = _prepare(recipe, run_folder, data, command, changed or {}, devices)
        trained = _train(recipe, ready, run_folder, resume, progress, devices)
        if trained.stopped.startswith("SIG"):
            return RunResult(run_folder.path, None, {}, {}, trained.minutes, trained.stopped, [])
        if not devices.workers.chief:
            return _told(run_folder, devices.workers.from_chief())
        try:
            result = _finish(recipe, ready.translator, ready.corpora, run_folder, trained, ready.record)
        except KeyboardInterrupt:
            tell(f"Training is over and kept in {run_folder.path}. The same command with --resume measures the result.")
            raise
        devices.workers.from_chief(vars(result) | {"folder": None, "model": None})
        return result


def _told(folder: RunFolder, result: dict[str, Any]) -> RunResult:
    """Give the result as the chief told it."""
    examples = [(source, translation, reference) for source, translation, reference in result["examples"]]
    return RunResult(**result | {"folder": folder.path, "model": _model_file(folder), "examples": examples})


def train_only(
    recipe: Recipe,
    *,
    folder: str | Path,
    resume: bool = False,
    data: str | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    progress: str = "auto",
    strategy: str | Devices = "",
) -> TrainingResult:
    """Train as :func:`run` does, and leave it at that: nothing is measured at the end, and no translator is written.

    Args:
        recipe: What to train.
        folder: The run folder.
        resume: Whether to go on with a stopped run in the folder.
        data: Where to read text instead of ``recipe.data.path``.
        callbacks: Keras callbacks of your own.
        progress: How to show training: "auto", "bar", "lines" or "none".
        strategy: As for :func:`run`.

    Returns:
        What came of it.
    """
    with _opened(strategy) as devices, _run_folder(recipe, folder, resume, devices) as run_folder:
        ready = _prepare(recipe, run_folder, data, "", {}, devices)
        return _train(recipe, ready, run_folder, resume, progress, devices, callbacks)


def need_same_settings(workers: Workers, recipe: Recipe) -> None:
    """Make sure that all workers were given the same recipe; called by all of them together.

    Raises:
        ClusterError: They were not; it names the settings.
    """
    workers.need_same(by_name(recipe), "settings")


def _opened(strategy: str | Devices) -> AbstractContextManager[Devices]:
    from seq2seq.distribution.devices import open_devices

    return open_devices(strategy) if isinstance(strategy, str) else nullcontext(strategy)


@contextmanager
def _run_folder(recipe: Recipe, path: str | Path, resume: bool, devices: Devices) -> Iterator[RunFolder]:
    """Take the run folder, as the chief; the others know its name, and say nothing."""
    from seq2seq.training.run_folder import RunFolder, open_run_folder

    need_same_settings(devices.workers, recipe)
    if not devices.workers.chief:
        with silence():
            yield RunFolder(path)
        return
    run_folder = open_run_folder(path, resume=resume)
    with run_folder.locked():
        yield run_folder


@dataclass(frozen=True)
class _Ready:
    """Everything that training takes, once the text is read and the folder is taken."""

    corpora: Corpora
    batches: Batches | StreamedBatches
    validation: Batches | StreamedBatches
    translator: Translator
    record: dict[str, Any]


def _prepare(
    recipe: Recipe,
    run_folder: RunFolder,
    data: str | None,
    command: str,
    changed: Mapping[str, object],
    devices: Devices,
) -> _Ready:
    from seq2seq.recipe.build import build_batches, build_model, check_model, read_corpora

    workers = devices.workers
    before = _begun(run_folder, recipe) if workers.chief else {}
    check_model(recipe)
    began_with = workers.from_chief(before.get("data"))
    data = began_with if data is None else data
    record = {
        "command": before.get("command") or command,  # the one that began it: --resume alone makes no run
        "data": data,
        "changed_settings": {**before.get("changed_settings", {}), **changed},
    }
    corpora = read_corpora(recipe, data)
    source, target = _shared_tokenizers(workers, lambda: _tokenizers(run_folder, recipe, corpora.train, before))
    record["tokenizers"] = [source.fingerprint, target.fingerprint]
    cache = _cache(run_folder.path) if workers.chief else None
    batches = build_batches(recipe, corpora.train, source, target, cache=cache)
    validation = build_batches(recipe, corpora.validation, source, target, cache=cache, shuffle=False)
    with devices.strategy.scope():
        model = build_model(recipe, source.vocab_size, target.vocab_size)
    for corpus in corpora:
        if corpus is not None:
            tell(corpus.report())
    tell(f"training batches: {batches.report()}")
    tell(f"validation batches: {validation.report()}")
    if workers.chief:
        _begin(run_folder, recipe, record, source, target)
    tell(f"model: {model.count_params():,} parameters, vocabulary {source.vocab_size:,} → {target.vocab_size:,}")
    return _Ready(corpora, batches, validation, _translator(recipe, model, source, target), record)


def finished_run(recipe: Recipe, folder: str | Path, *, data: str | None = None) -> RunResult | None:
    """Give the stored result of a finished run of the very same recipe, without loading anything large.

    Args:
        recipe: What is to be run.
        folder: The run folder.
        data: Where to read text instead of ``recipe.data.path``, as it was given to :func:`run`.

    Returns:
        What :func:`run` gave then; None where the folder holds no finished run, or one of another recipe, text or seed.
    """
    from seq2seq.training.run_folder import RunFolder

    run_folder = RunFolder(folder)
    model = _model_file(run_folder)
    if not (run_folder.result.exists() and model.exists()):
        return None
    written = _read_object(run_folder.result)
    # Its own settings, not recipe.toml: that may have changed since, where the run was taken up again and stopped.
    if not _same_settings(written.get("settings"), recipe, run_folder.result) or written["data"] != data:
        return None
    return RunResult(
        run_folder.path,
        model,
        written["metrics"],
        written["signatures"],
        written["minutes"],
        written["stopped"],
        [(example["source"], example["translation"], example["reference"]) for example in written["examples"]],
    )


class Begun(NamedTuple):
    """What was written down when a run began.

    Attributes:
        recipe: The recipe.
        record: The command, the place of the text, and the settings that differ from the recipe as it was published.
    """

    recipe: Recipe
    record: dict[str, Any]


def begun_run(folder: str | Path) -> Begun | None:
    """Read what the run in a folder began with; None where none did.

    Raises:
        SettingsError: The recipe in the folder is not one that this version knows.
    """
    from seq2seq.training.run_folder import RunFolder

    begun = RunFolder(folder).recipe
    if not begun.exists():
        return None
    record = _read_object(begun.parent / _RECORD)
    return Begun(Recipe.from_toml(begun), record)


def _same_settings(table: dict[str, Any] | None, recipe: Recipe, path: Path) -> bool:
    """Tell whether stored settings are those of a recipe; a setting newer than they are is as by default."""
    try:
        return table is not None and Recipe.from_table(table, str(path)) == recipe
    except SettingsError:
        return False


def is_fixed(name: str) -> bool:
    """Tell whether a setting, such as ``model.dropout``, stays as it is for the whole of a run."""
    return name in _FIXED or name.partition(".")[0] in _FIXED


def default_folder(recipe: Recipe) -> Path:
    """Name the run folder of a recipe where none is given."""
    return Path("runs") / recipe.name


def evaluation_of(translator: Translator, metrics: Sequence[str] | None = None) -> EvaluationSettings:
    """Give the settings by which a translator was measured, or others where its file does not say.

    Args:
        translator: The translator.
        metrics: Names to use instead.
    """
    said = dict(translator.about.get("evaluation", {}))
    return from_table(EvaluationSettings, said | ({"metrics": list(metrics)} if metrics else {}))


def _begun(folder: RunFolder, recipe: Recipe) -> dict[str, Any]:
    """Give what was written down when the run in a folder began; empty where none did."""
    begun = begun_run(folder.path) if folder.resume else None
    if begun is None:
        return {}
    differing = [name for name in begun.recipe.changes(recipe) if is_fixed(name)]
    if differing:
        raise SettingsError(
            "A run goes on with the data, the model, the optimizer and the seed that it began with. "
            f"Received: {folder.path} with another {', '.join(differing)}. Set them back, or start a new run in "
            "another folder."
        )
    return begun.record


def _begin(folder: RunFolder, recipe: Recipe, record: Mapping[str, Any], source: Tokenizer, target: Tokenizer) -> None:
    """Write down what is run, once nothing but training can fail: until then the folder is nobody's."""
    source.save(folder.source_tokenizer)
    if target is source:
        folder.target_tokenizer.unlink(missing_ok=True)  # of a run that was here before
    else:
        target.save(folder.target_tokenizer)
    with replacing(folder.path / _RECORD) as path:
        path.write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    there = folder.recipe.read_text(encoding="utf-8") if folder.recipe.exists() else ""  # of a run that goes on
    with replacing(folder.recipe) as path:
        path.write_text(recipe.to_toml(onto=there), encoding="utf-8")


def _read_object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError(
            f"The run folder is damaged. Received: {path}, which holds no JSON object. Name another folder with --out, "
            "or delete this one."
        )
    return found


def _model_file(folder: RunFolder) -> Path:
    return folder.path / "model.s2s"


def _tokenizers(
    folder: RunFolder, recipe: Recipe, corpus: Corpus, before: Mapping[str, Any]
) -> tuple[Tokenizer, Tokenizer]:
    """Load the tokenizers of a run that goes on, or make those of a new one."""
    from seq2seq.recipe.build import build_tokenizers
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.training.run_folder import RunFolderError

    if not before:
        return build_tokenizers(recipe.tokenizer, corpus)
    fingerprints = before.get("tokenizers")
    source = target = Tokenizer.load(folder.source_tokenizer)
    joint = fingerprints[0] == fingerprints[1] if fingerprints else not folder.target_tokenizer.exists()
    if not joint:
        target = Tokenizer.load(folder.target_tokenizer)
    if fingerprints not in (None, [source.fingerprint, target.fingerprint]):
        raise RunFolderError(
            f"A run goes on with the tokenizers that it began with. Received: {folder.path}, where "
            f"{folder.source_tokenizer.name} or {folder.target_tokenizer.name} is another. Put the file back, or start "
            "a new run in another folder."
        )
    return source, target


def _shared_tokenizers(
    workers: Workers, make: Callable[[], tuple[Tokenizer, Tokenizer]]
) -> tuple[Tokenizer, Tokenizer]:
    """Let the chief make the tokenizers, and give all workers the same."""
    from seq2seq.text.tokenizer import Tokenizer

    if workers.count == 1:
        return make()
    if workers.chief:
        source, target = make()
        workers.from_chief([base64.b64encode(each.to_bytes()).decode() for each in (source, target)])
        return source, target
    models = [base64.b64decode(text) for text in workers.from_chief()]
    source = Tokenizer.from_bytes(models[0])
    return source, source if models[0] == models[1] else Tokenizer.from_bytes(models[1])


def _cache(folder: Path) -> Path:
    """Name where tokenised text is kept: beside the run folder, for all runs over it, where that can be written."""
    beside = folder.absolute().parent
    return beside / ".tokenised" if os.access(beside, os.W_OK) else folder / "tokenised"


def _translator(recipe: Recipe, model: Seq2Seq, source: Tokenizer, target: Tokenizer) -> Translator:
    from seq2seq.training.run_folder import installed_versions
    from seq2seq.translation.translator import Translator

    about = {
        "name": recipe.name,
        "max_source_length": recipe.batches.max_source_length,
        "source": recipe.data.source,
        "target": recipe.data.target,
        "seed": recipe.seed,
        "decoding": to_table(recipe.decoding),
        "evaluation": to_table(recipe.evaluation),
        "versions": installed_versions(),
    }
    return Translator(model, source, target, recipe=recipe.to_toml(), about=about)


def _train(
    recipe: Recipe,
    ready: _Ready,
    folder: RunFolder,
    resume: bool,
    progress: str,
    devices: Devices,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> TrainingResult:
    from seq2seq.training.schedules import build_schedule
    from seq2seq.training.train import train

    settings = recipe.training
    return train(
        ready.translator.model,
        ready.batches,
        folder=folder,
        epochs=settings.epochs,
        optimizer=settings.optimizer,
        learning_rate=settings.learning_rate,
        schedule=build_schedule(
            settings.schedule,
            settings.warmup_steps,
            start=settings.schedule_start,
            every=settings.schedule_every,
            patience=settings.schedule_patience,
            by=settings.schedule_factor,
        ),
        clip_norm=settings.clip_norm,
        skip_not_finite=settings.skip_not_finite,
        to_text=(ready.translator.source_tokenizer.decode, ready.translator.target_tokenizer.decode),
        ema=settings.ema,
        strict_kernels=settings.strict_kernels,
        validation_batches=ready.validation,
        validation_corpus=ready.corpora.validation,
        decode=lambda texts: ready.translator.translate(texts, ready.translator.search.greedy()),
        metrics=recipe.evaluation.metrics,
        lowercase=recipe.evaluation.lowercase,
        tokenize=recipe.evaluation.tokenize,
        monitor=settings.monitor,
        patience=settings.patience,
        validate_every=settings.validate_every,
        tensorboard=settings.tensorboard,
        checkpoint_steps=settings.checkpoint_steps,
        checkpoint_minutes=settings.checkpoint_minutes,
        keep_checkpoints=settings.keep_checkpoints,
        progress=progress,
        callbacks=callbacks,
        resume=resume,
        devices=devices,
    )


def _finish(
    recipe: Recipe,
    translator: Translator,
    corpora: Corpora,
    folder: RunFolder,
    trained: TrainingResult,
    record: Mapping[str, Any],
) -> RunResult:
    """Translate and score what was held out, and write the translator and the result."""
    from seq2seq.text.lines import one_line
    from seq2seq.training.run_folder import installed_versions

    found: dict[str, dict[str, float]] = {}
    signatures: dict[str, str] = {}
    examples: list[tuple[str, str, str]] = []
    for part, corpus in (("validation", corpora.validation), ("test", corpora.test)):
        if corpus is None:
            continue
        tell(f"Translating {corpus.name} ...")
        hypotheses = translator.translate(corpus.sources)
        scores = measure(hypotheses, corpus.targets, recipe.evaluation)
        found[part] = {name: score.value for name, score in scores.items()}
        signatures = {name: score.signature for name, score in scores.items()}
        examples = _examples(corpus, hypotheses)
        with replacing(folder.path / f"{part}.translations.txt") as path:
            path.write_text("".join(f"{one_line(text)}\n" for text in hypotheses), encoding="utf-8")
    model = _model_file(folder)
    translator.about |= {"metrics": found, "signatures": signatures}
    translator.save(model)
    result = {
        "metrics": found,
        "signatures": signatures,
        "seed": recipe.seed,
        "minutes": round(trained.minutes, 2),
        "timing": trained.timing.table(),
        "stopped": trained.stopped,
        "epochs": trained.epochs,
        "skipped": trained.skipped,
        "best_epoch": trained.best_epoch,
        **{name: record[name] for name in ("command", "changed_settings", "data")},
        "settings": to_table(recipe),
        "machine": machine(),
        "versions": installed_versions(),
        "examples": [dict(zip(EXAMPLE, example, strict=True)) for example in examples],
    }
    with replacing(folder.result) as path:
        path.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return RunResult(folder.path, model, found, signatures, trained.minutes, trained.stopped, examples)


def _examples(corpus: Corpus, hypotheses: Sequence[str]) -> list[tuple[str, str, str]]:
    from seq2seq.training.validation import spread_samples

    return spread_samples(corpus.sources, hypotheses, corpus.targets, _EXAMPLES)


def machine() -> dict[str, Any]:
    """Describe the machine as far as times depend on it: processor, cores of this process, graphics processors."""
    import tensorflow as tf

    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [line for line in information.read_text(encoding="utf-8").splitlines() if line.startswith("model name")]
        processor = names[0].partition(":")[2].strip() if names else processor
    gpus = [
        tf.config.experimental.get_device_details(device).get("device_name", "GPU")
        for device in tf.config.list_physical_devices("GPU")
    ]
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return {"processor": processor, "cores": cores, "gpus": gpus}
