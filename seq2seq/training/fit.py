"""One run of training: Keras `fit` with a run folder round it."""

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras

from seq2seq.distribution.devices import Devices, devices_of
from seq2seq.distribution.workers import Workers
from seq2seq.models.kernels import layer_kernels, require_fast_kernels
from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.system.choices import choose
from seq2seq.training.agreement import Agreement, ChiefFollower, batch_digest
from seq2seq.training.checkpoint_file import Loaded, load_checkpoint, load_latest, load_weights
from seq2seq.training.checkpointing import Checkpoints
from seq2seq.training.data_check import DataCheck
from seq2seq.training.examining import Examining
from seq2seq.training.log import JsonLog
from seq2seq.training.not_finite import NotFiniteError, ToText, Watch
from seq2seq.training.optimizers import build_optimizer
from seq2seq.training.progress import Progress
from seq2seq.training.run_folder import RunFolder, RunFolderError, open_run_folder
from seq2seq.training.schedules import Schedule, build_schedule
from seq2seq.training.settings import TrainingSettings
from seq2seq.training.state import Remembering, RunListener, RunState, TrainingBatches
from seq2seq.training.step_callbacks import Counting, LearningRate
from seq2seq.training.step_times import StepTimes
from seq2seq.training.stopping import BestScore, interruptions
from seq2seq.training.timing import Timing
from seq2seq.training.validation import HeldOut, Validation, Validator
from seq2seq.training.writers import Writers


@dataclass(frozen=True)
class TrainingResult:
    """What came of a run.

    Attributes:
        folder: The run folder.
        stopped: Why it ended: "finished", "patience", "SIGINT", "SIGTERM", "SIGHUP", or "callback" (another
            callback stopped it).
        epochs: Whole epochs done.
        updates: Optimizer steps done.
        skipped: Batches that were skipped because the loss or a gradient was not finite.
        minutes: Wall time of training, validation included, over all resumes.
        monitor: Name of the score that decided what is best.
        best: The best score; None where nothing was measured.
        best_epoch: Epochs done when it was reached; 2.5 is in the middle of the third.
        history: For each whole epoch its metrics by name: "loss" (nats per target token), "val_bleu" (0–100),
            "learning_rate" (of the last step), "tokens_per_second" (target tokens), "seconds", "data_wait" (share of
            the time of the steps, 0 to 1) and others.
        timing: What the steps of this process cost beside the arithmetic.
    """

    folder: Path
    stopped: str
    epochs: int
    updates: int
    skipped: int
    minutes: float
    monitor: str
    best: float | None
    best_epoch: float
    history: list[dict[str, float]]
    timing: StepTimes


def train(
    model: keras.Model,
    batches: TrainingBatches,
    settings: TrainingSettings,
    *,
    folder: str | Path | RunFolder,
    validation: HeldOut | None = None,
    optimizer: keras.optimizers.Optimizer | None = None,
    schedule: Schedule | None = None,
    to_text: tuple[ToText, ToText] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    progress: str = "auto",
    resume: bool = False,
    devices: Devices | None = None,
    accepted: Callable[[], None] | None = None,
) -> TrainingResult:
    """Train a model with Keras `fit`, and leave it with its best weights.

    The run can be stopped at any step (SIGINT, SIGTERM, SIGHUP) and goes on from there with ``resume``.

    Args:
        model: The model; compiled here. It takes ``{"source", "target_in"}`` and logs at least "loss" (nats per target
            token).
        batches: The training batches.
        settings: How it learns. What they say of its loss, of its numbers and of what it reads (``label_smoothing``,
            ``sampled_softmax``, ``precision``, ``teacher_forcing``) is for who builds the model, which has it already.
        folder: The run folder, or where to make it.
        validation: What to validate on; None trains without.
        optimizer: An optimizer instead of the one that the settings name; it brings its own learning rate, clipping
            and averages.
        schedule: A schedule instead of the one that the settings name.
        to_text: Makes text of the ids of a source and of those of a target, for messages about a batch whose loss or
            gradient is not finite; None shows ids.
        callbacks: Other Keras callbacks; they see the scores of validation in the logs. A resume does not restore what
            they remember.
        progress: "auto", "bar", "lines" or "none".
        resume: Whether to go on with the run in ``folder``. Settings may change where they do not change the shape of
            what was saved.
        devices: What :func:`seq2seq.distribution.devices.open_devices` gave, in whose ``strategy.scope()`` the model
            was made; None is the strategy that the model was made with. All workers call this alike; the chief alone
            writes, and a callback that acts on the run has to do the same on all of them.
        accepted: Called once everything that can be refused is not, before anything is written into the folder: whoever
            keeps a record there writes it now.

    Returns:
        What came of it. The model has its best weights (averages, with ``settings.ema``); where nothing was validated,
        its last ones.

    Raises:
        RunFolderError: The folder holds a run and ``resume`` is false, or its run has more epochs than
            ``settings.epochs``.
        LockedError: Another process trains in the folder.
        CheckpointError: The run to continue had another model, optimizer or data.
        NotFiniteError: The loss, a gradient or a weight is not finite; the model has its last good weights, and so has
            the folder.
        SlowKernelError: ``settings.strict_kernels``, and a layer has no fast kernel here.
        ValueError: ``settings.monitor`` is not measured, ``settings.freeze`` names no part of the model, ``progress``
            is unknown, or ``settings.diagnose_every`` is set and there are several devices.
    """
    devices = devices_of(model, devices)
    workers = devices.workers
    _build(model, batches)
    built = time.monotonic()
    _check(model, settings, devices)
    learning_rate = _compile(model, settings, optimizer, devices)
    plan = build_schedule(settings) if schedule is None else schedule
    validator = Validator(model, validation or HeldOut(), devices=devices)
    monitor = _monitor(settings.monitor, validator)
    best_score = BestScore(monitor, settings.patience, validator.measured(monitor))
    state = RunState()
    style = progress if workers.chief else "none"
    shown = Progress(state, batches, settings.epochs, validate_every=settings.validate_every, style=style)
    data = DataCheck(batches)
    if workers.count > 1:
        alike = {"parameters": model.count_params(), "epochs": settings.epochs, "resume": resume, **data.get_state()}
        workers.need_same(alike | {"first batches": batch_digest(batches)}, "training")

    with (
        _run_folder(folder, resume, workers) as run,
        closing(Writers(run, state, shown, board=settings.tensorboard and workers.chief)) as writers,
    ):
        log, listeners, timing = writers.log, writers.listeners, Timing(built, writers.listeners)
        # What may refuse comes first: the log is cut back to the checkpoint.
        remembering: dict[str, Remembering] = {
            "data": data,
            "best_score": best_score,
            "schedule": plan,
            **writers.remembering,
        }
        found = _load(run, model, workers) if resume else None
        devices.part_seeds(model)
        counters = _restore(found, state, remembering)
        _need_epochs(state, settings.epochs)
        told = _measured_otherwise(best_score, ended=state.epoch >= settings.epochs)
        watch = Watch(state, batches, settings.skip_not_finite, to_text, listeners)
        best = run.best if workers.chief else None
        every = settings.diagnose_every
        if accepted is not None:
            accepted()
        writers.begin(
            found,
            resume,
            epochs=settings.epochs,
            monitor=monitor,
            measured=best_score.measured,
            kernels=_kernels(model),
        )
        if told:
            shown.say(told)
        with interruptions() as interruption, _no_warning_at_the_end_of_data():
            stop = Agreement(interruption, workers)
            saving = _saving(state, remembering, run, stop, settings, listeners) if workers.chief else None
            parts = [
                Counting(state, batches, watch, counters.get("metrics")),
                LearningRate(state, batches, plan, learning_rate, settings.epochs),
                timing,
                *([Examining(state, batches, log, every)] if every else []),
                Validation(
                    state,
                    batches,
                    validator,
                    best_score,
                    plan,
                    best,
                    settings.epochs,
                    settings.validate_every,
                    listeners,
                ),
                *callbacks,
                *listeners,
                stop,
                saving or ChiefFollower(state, stop),
            ]
            if state.epoch < settings.epochs and not best_score.exhausted:
                with _last_good_weights(model, run, log, saving):
                    model.fit(
                        devices.dataset(batches),
                        initial_epoch=state.epoch,
                        epochs=settings.epochs,
                        shuffle=False,
                        verbose=0,
                        callbacks=parts,
                    )
            stopped = _reason(stop.received, best_score, state, settings.epochs)
        with workers.file_from_chief(run.best if run.best.exists() else None) as kept:
            if kept:
                load_weights(model, kept)
        minutes = round(state.seconds / 60, 3)
        ending = {"stopped": stopped, "best": best_score.best, "minutes": minutes, "timing": timing.times.table()}
        log.write("end", ending)
    if stopped.startswith("SIG"):
        shown.say(
            f"Stopped at epoch {state.epoch + 1}, step {state.step}; everything is saved in {run.path}. "
            "Run the same command with --resume (in Python: resume=True) to continue."
        )
    return TrainingResult(
        folder=folder.path if isinstance(folder, RunFolder) else Path(folder),
        stopped=stopped,
        epochs=state.epoch,
        updates=state.update,
        skipped=state.skipped,
        minutes=state.seconds / 60,
        monitor=best_score.monitor,
        best=best_score.best,
        best_epoch=best_score.best_epoch,
        history=state.history,
        timing=timing.times,
    )


def _check(model: keras.Model, settings: TrainingSettings, devices: Devices) -> None:
    """Refuse what the settings ask for and cannot have here."""
    if settings.strict_kernels:
        require_fast_kernels(model)
    if settings.diagnose_every and devices.replicas > 1:
        raise ValueError(
            "What looks into a model while it learns does so on one device. Received: "
            f"diagnose_every={settings.diagnose_every}, {devices.replicas} devices. Leave it out; `seq2seq diagnose` "
            "looks into the checkpoints of any run."
        )


def _compile(
    model: keras.Model,
    settings: TrainingSettings,
    optimizer: keras.optimizers.Optimizer | None,
    devices: Devices,
) -> float:
    """Freeze what is to be, and give the model an optimizer; returns the learning rate to start from."""
    if optimizer is not None and isinstance(optimizer._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        raise ValueError(
            "The learning rate of a run is set step by step, and kept with it. Received: an optimizer with a schedule "
            f"of its own, {type(optimizer._learning_rate).__name__}. Give it a number, and the course by schedule=."
        )
    if settings.freeze:
        _freeze(model, settings.freeze)
    with devices.strategy.scope():
        model.compile(optimizer=build_optimizer(settings) if optimizer is None else optimizer)
        model.optimizer.build(model.trainable_variables)
        return settings.learning_rate if optimizer is None else float(optimizer.learning_rate)


def _saving(
    state: RunState,
    remembering: Mapping[str, Remembering],
    run: RunFolder,
    stop: Agreement,
    settings: TrainingSettings,
    listeners: Sequence[RunListener],
) -> Checkpoints:
    """Make what writes checkpoints, as often as the settings say."""
    return Checkpoints(
        state,
        remembering,
        run.last,
        stop,
        listeners=listeners,
        steps=settings.checkpoint_steps,
        minutes=settings.checkpoint_minutes,
        keep=settings.keep_checkpoints,
    )


def _need_epochs(state: RunState, epochs: int) -> None:
    """Refuse to call a run shorter than it is already."""
    begun = state.epoch + (state.step > 0)
    if begun > epochs:
        raise RunFolderError(
            f"A run that goes on has as many epochs as it has begun, or more. Received: training.epochs={epochs}, with "
            f"{state.epoch} trained{' and a part of the next' if state.step else ''}. Set {begun} or more."
        )


def _measured_otherwise(best_score: BestScore, *, ended: bool) -> str:
    """Settle what the best score of a checkpoint is worth where another monitor, measure or text is asked for.

    Args:
        best_score: The best score, with what a checkpoint has of it.
        ended: Whether no step is left to train.

    Returns:
        What is to be told; "" for nothing.

    Raises:
        RunFolderError: A run that has ended would say that its weights were chosen by a score that did not choose them.
    """
    before = best_score.other
    if before is None or before["best"] is None:
        return ""
    was = f"the best so far, {before['monitor']} {before['best']:.4g} on validation"
    # One that patience has ended is only measured again.
    over = ended or 0 < best_score.patience <= before["waited"]
    if before["monitor"] == best_score.monitor:
        measured = before["measured"]
        changes = [
            "the text of validation is another" if name == "text" else f"{name}={value}, before {measured.get(name)}"
            for name, value in best_score.measured.items()
            if measured.get(name, value if measured else None) != value
        ]
        otherwise = f"Scores are measured otherwise than before ({'; '.join(changes)})"
        if over:
            best_score.take(before)
            return f"{otherwise}: the weights stay those of {was}."
        return f"{otherwise}: {was}, counts no more, and the next validation gives the weights to keep."
    if over:
        more = "more training.epochs" if ended else "a higher training.patience, or 0"
        raise RunFolderError(
            f"A run that has ended keeps the weights that its monitor chose. Received: training.monitor="
            f"{best_score.monitor}, with {was}. Set training.monitor={before['monitor']} and leave that in "
            f"evaluation.metrics, or train on with {more}."
        )
    return f"Another monitor than before: {was}, counts no more, and the next validation gives the weights to keep."


def _kernels(model: keras.Model) -> list[dict[str, Any]]:
    """Give which kernel runs each layer, as a table."""
    return [kernel._asdict() for kernel in layer_kernels(model)] if isinstance(model, Seq2Seq) else []


def _restore(found: Loaded | None, state: RunState, remembering: Mapping[str, Remembering]) -> dict[str, Any]:
    """Bring back what a checkpoint has of each part, and give all that it has; nothing where there is none."""
    if found is None:
        return {}
    state.set_state(found.state["run"])
    for name, part in remembering.items():
        if name in found.state:  # else it is new, as TensorBoard's log is where it was not asked for before
            part.set_state(found.state[name])
    return found.state


@contextmanager
def _run_folder(folder: str | Path | RunFolder, resume: bool, workers: Workers) -> Iterator[RunFolder]:
    """Take the run folder; for a worker that is not the chief one that goes with the run."""
    if not workers.chief:
        with TemporaryDirectory(prefix="seq2seq-") as path:
            yield RunFolder(path, resume=resume)
        return
    run = folder if isinstance(folder, RunFolder) else open_run_folder(folder, resume=resume)
    with run.locked():
        yield run


def _load(run: RunFolder, model: keras.Model, workers: Workers) -> Loaded | None:
    """Load the newest checkpoint of the chief, on every worker."""
    found = load_latest(run.last, model) if workers.chief else None
    with workers.file_from_chief(found.path if found else None) as path:
        if path and not workers.chief:
            found = Loaded(path, load_checkpoint(path, model), [])
    return found


def _freeze(model: keras.Model, paths: Sequence[str]) -> None:
    if not isinstance(model, Seq2Seq):
        raise ValueError(
            f"Parts are frozen by path in a Seq2Seq model. Received: freeze={', '.join(map(repr, paths))}, a "
            f"{type(model).__name__}. Set trainable of its layers instead."
        )
    model.freeze(paths)


def _build(model: keras.Model, batches: TrainingBatches) -> None:
    """Make the variables, which a resume fills before the first step."""
    if model.built:
        return
    batches.seek(0)
    for inputs, _ in batches.dataset().take(1):
        model(inputs)


def _monitor(monitor: str, validator: Validator) -> str:
    name = monitor.removeprefix("val_")
    measured = validator.names
    if not name:
        text = [name for name in measured if name not in ("loss", "perplexity", "accuracy")]
        return text[0] if text else "loss"
    if measured:
        return choose("monitor", name, {name: name for name in measured})
    return choose("monitor", name, {name: name for name in ("loss", "perplexity", "accuracy")})


@contextmanager
def _last_good_weights(model: keras.Model, run: RunFolder, log: JsonLog, saving: Checkpoints | None) -> Iterator[None]:
    """Leave them to model and folder where a number is not finite; the chief alone is ``saving``."""
    try:
        yield
    except NotFiniteError as error:
        log.write("not_finite", {"message": str(error)})
        if error.intact:
            if saving is not None:
                saving.save()
        elif run.best.exists():
            load_weights(model, run.best)
        else:
            load_latest(run.last, model)
        raise


@contextmanager
def _no_warning_at_the_end_of_data() -> Iterator[None]:
    """Silence Keras' warning of an epoch with fewer batches than usual: the first one after a resume has."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*Your input ran out of data")
        yield


def _reason(signal_name: str | None, best_score: BestScore, state: RunState, epochs: int) -> str:
    if state.epoch >= epochs:
        return "finished"
    if signal_name:
        return signal_name
    return "patience" if best_score.exhausted else "callback"
