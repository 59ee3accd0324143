"""One run of training: Keras `fit` with a run folder round it."""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
from seq2seq.system.versions import installed_versions
from seq2seq.training.agreement import Agreement, ChiefFollower, batch_digest
from seq2seq.training.checkpoint_file import CheckpointError, Loaded, load_checkpoint, load_latest, load_weights
from seq2seq.training.checkpointing import Checkpoints
from seq2seq.training.log import JsonLog, TensorBoardLog
from seq2seq.training.not_finite import NotFiniteError, ToText, Watch
from seq2seq.training.optimizers import build_optimizer
from seq2seq.training.progress import Progress
from seq2seq.training.run_folder import RunFolder, open_run_folder
from seq2seq.training.schedules import Schedule, build_schedule
from seq2seq.training.state import Remembering, RunListener, RunState, TextPairs, TrainingBatches
from seq2seq.training.step_callbacks import Counting, LearningRate
from seq2seq.training.stopping import BestScore, interruptions
from seq2seq.training.timing import StepTimes, Timing
from seq2seq.training.validation import Validation, Validator


@dataclass(frozen=True)
class TrainingResult:
    """What came of a run.

    Attributes:
        folder: The run folder.
        stopped: Why it ended: "finished", "patience", "SIGINT", "SIGTERM", or "callback" (another callback stopped it).
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
    *,
    folder: str | Path | RunFolder,
    epochs: int = 10,
    optimizer: str | keras.optimizers.Optimizer = "adam",
    learning_rate: float = 1e-3,
    schedule: str | Schedule = "constant",
    warmup_steps: int = 0,
    clip_norm: float = 0.0,
    skip_not_finite: int = 0,
    to_text: tuple[ToText, ToText] | None = None,
    ema: float = 0.0,
    strict_kernels: bool = False,
    validation_batches: TrainingBatches | None = None,
    validation_corpus: TextPairs | None = None,
    decode: Callable[[list[str]], list[str]] | None = None,
    metrics: Sequence[str] = ("bleu",),
    lowercase: bool = False,
    tokenize: str = "13a",
    monitor: str = "",
    patience: int = 0,
    validate_every: int = 0,
    samples: int = 3,
    checkpoint_steps: int = 0,
    checkpoint_minutes: float = 10.0,
    keep_checkpoints: int = 2,
    tensorboard: bool = False,
    progress: str = "auto",
    callbacks: Sequence[keras.callbacks.Callback] = (),
    resume: bool = False,
    devices: Devices | None = None,
) -> TrainingResult:
    """Train a model with Keras `fit`, and leave it with its best weights.

    The run can be stopped at any step (SIGINT, SIGTERM) and goes on from there with ``resume``.

    Args:
        model: The model; compiled here. It takes ``{"source", "target_in"}`` and logs at least "loss" (nats per target
            token).
        batches: The training batches.
        folder: The run folder, or where to make it.
        epochs: Passes over the training batches, at most; a resumed run may be given more.
        optimizer: Name of an optimizer; or an optimizer, which then brings its own learning rate, clipping and
            averages.
        learning_rate: Learning rate at its highest.
        schedule: Name of a schedule, or a schedule.
        warmup_steps: Optimizer steps of linear warm-up of a named schedule.
        clip_norm: Largest norm of all gradients together; 0 for no bound.
        skip_not_finite: Batches in a row that are skipped, and counted, where their loss or gradient is not finite,
            before training stops; 0 stops at the first.
        to_text: Makes text of the ids of a source and of those of a target, for messages about such a batch; None
            shows ids.
        ema: Decay of the running average of the weights, which is then what is validated and kept; 0 for none.
        strict_kernels: Whether to refuse a model of which an LSTM layer would run by Keras' own loop.
        validation_batches: Held-out batches for validation by loss; None for none.
        validation_corpus: Held-out text for validation by decoding; None for none.
        decode: Translates a list of texts with ``model`` as it is when called; needed with ``validation_corpus``.
        metrics: What to measure decoded text by: names from :mod:`seq2seq.metrics`.
        lowercase: Whether metrics ignore case, where they can.
        tokenize: sacreBLEU's tokenizer for BLEU.
        monitor: The score that decides what is best: "loss", "perplexity", "accuracy" or one of ``metrics``. "" for the
            first of ``metrics`` where text is decoded, else the loss (of validation, where there are validation
            batches).
        patience: Validations without a better score after which training stops; 0 for never.
        validate_every: Optimizer steps from one validation to the next; 0 for the end of each epoch.
        samples: Translations to show with each validation.
        checkpoint_steps: Optimizer steps from one checkpoint inside an epoch to the next; 0 for none by the count. The
            end of an epoch always saves.
        checkpoint_minutes: Minutes from one checkpoint inside an epoch to the next; 0 for none by the clock.
        keep_checkpoints: Checkpoints kept, the newest ones. Where the newest is damaged, a resume starts from the one
            before.
        tensorboard: Whether to write a log for TensorBoard too.
        progress: "auto", "bar", "lines" or "none".
        callbacks: Other Keras callbacks; they see the scores of validation in the logs. A resume does not restore what
            they remember.
        resume: Whether to go on with the run in ``folder``. Settings may change where they do not change the shape of
            what was saved.
        devices: What :func:`seq2seq.distribution.devices.open_devices` gave, in whose ``strategy.scope()`` the model
            was made; None is the strategy that the model was made with. All workers call this alike; the chief alone
            writes, and a callback that acts on the run has to do the same on all of them.

    Returns:
        What came of it. The model has its best weights (averages, with ``ema``); where nothing was validated, its last
        ones.

    Raises:
        RunFolderError: The folder holds a run and ``resume`` is false.
        LockedError: Another process trains in the folder.
        CheckpointError: The run to continue had another model, optimizer or data.
        NotFiniteError: The loss, a gradient or a weight is not finite; the model has its last good weights, and so has
            the folder.
        SlowKernelError: ``strict_kernels``, and a layer has no fast kernel here.
        ValueError: A name is unknown, or a number is out of its range.
    """
    if epochs < 1:
        raise ValueError(f"Training takes at least one epoch. Received: epochs={epochs}.")
    if keep_checkpoints < 1:
        raise ValueError(f"A resume needs a checkpoint. Received: keep_checkpoints={keep_checkpoints}. Keep 1 or more.")
    devices = devices_of(model, devices)
    workers = devices.workers
    _build(model, batches)
    built = time.monotonic()
    if strict_kernels:
        require_fast_kernels(model)
    with devices.strategy.scope():
        if isinstance(optimizer, str):
            optimizer = build_optimizer(optimizer, learning_rate, clip_norm=clip_norm, ema=ema)
        else:
            learning_rate = float(optimizer.learning_rate)
        model.compile(optimizer=optimizer)
        optimizer = model.optimizer
        optimizer.build(model.trainable_variables)
    plan = build_schedule(schedule, warmup_steps) if isinstance(schedule, str) else schedule
    validator = Validator(
        model,
        batches=validation_batches,
        decode=decode,
        corpus=validation_corpus,
        metrics=metrics,
        lowercase=lowercase,
        tokenize=tokenize,
        samples=samples,
        devices=devices,
    )
    judge = BestScore(_monitor(monitor, validator), patience)
    state = RunState()
    shown = Progress(state, batches, epochs, validate_every=validate_every, style=progress if workers.chief else "none")
    if workers.count > 1:
        alike = {
            "parameters": model.count_params(),
            "epochs": epochs,
            "resume": resume,
            **_DataCheck(batches).get_state(),
        }
        workers.need_same(alike | {"first batches": batch_digest(batches)}, "training")

    with _run_folder(folder, resume, workers) as run:
        log = JsonLog(run.log, state)
        keepers: dict[str, Remembering] = {"judge": judge, "schedule": plan, "log": log, "data": _DataCheck(batches)}
        board = TensorBoardLog(run.tensorboard, state) if tensorboard and workers.chief else None
        if board:
            keepers["tensorboard"] = board
        found = _load(run, model, workers) if resume else None
        devices.part_seeds(model)
        counters: dict[str, Any] = {}
        if found:
            counters = found.state
            state.set_state(counters["run"])
            for name, keeper in keepers.items():
                if name in counters:  # else it is new, as TensorBoard's log is where it was not asked for before
                    keeper.set_state(counters[name])
        audience: list[RunListener] = [shown, log, *([board] if board else [])]
        timing = Timing(built, audience)
        kernels = [kernel._asdict() for kernel in layer_kernels(model)] if isinstance(model, Seq2Seq) else []
        watch = Watch(state, batches, skip_not_finite, to_text, audience)

        try:
            if found:
                damaged = [path.name for path in found.damaged]
                log.write("resume", {"checkpoint": found.path.name, "damaged": damaged, "kernels": kernels})
                if damaged:
                    shown.say(
                        f"Damaged, set aside: {', '.join(damaged)}. Going on from the one before, {found.path.name}."
                    )
                shown.say(f"Continuing {run.path} at epoch {state.epoch + 1}, step {state.step}.")
            else:
                versions = installed_versions()
                log.write(
                    "start", {"epochs": epochs, "monitor": judge.monitor, "versions": versions, "kernels": kernels}
                )
                if resume:
                    if board:
                        board.set_state({"sizes": {}})
                    shown.say(f"{run.path} holds no checkpoint: starting from the beginning.")
            run.write_versions()
            with interruptions() as interruption, _no_warning_at_the_end_of_data():
                stop = Agreement(interruption, workers)
                best = run.best if workers.chief else None
                validation = Validation(state, batches, validator, judge, plan, best, epochs, validate_every, audience)
                saving = Checkpoints(
                    state,
                    keepers,
                    run.last,
                    stop,
                    audience=audience,
                    steps=checkpoint_steps,
                    minutes=checkpoint_minutes,
                    keep=keep_checkpoints,
                )
                parts = [
                    Counting(state, batches, watch, counters.get("metrics")),
                    LearningRate(state, batches, plan, learning_rate, epochs),
                    timing,
                    validation,
                    *callbacks,
                    shown,
                    log,
                    *([board] if board else []),
                    stop,
                    *([saving] if workers.chief else [ChiefFollower(state, stop)]),
                ]
                if state.epoch < epochs and not judge.exhausted:
                    data = devices.dataset(batches)
                    try:
                        model.fit(
                            data, initial_epoch=state.epoch, epochs=epochs, shuffle=False, verbose=0, callbacks=parts
                        )
                    except NotFiniteError as error:
                        log.write("not_finite", {"message": str(error)})
                        if not error.intact:
                            _restore_good_weights(model, run)
                        elif workers.chief:
                            saving.save()
                        raise
                stopped = _reason(stop.received, judge, state, epochs)
            with workers.file_from_chief(run.best if run.best.exists() else None) as kept:
                if kept:
                    load_weights(model, kept)
            minutes = round(state.seconds / 60, 3)
            log.write(
                "end", {"stopped": stopped, "best": judge.best, "minutes": minutes, "timing": timing.times.table()}
            )
        finally:
            shown.close()
            log.close()
            if board:
                board.close()
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
        monitor=judge.monitor,
        best=judge.best,
        best_epoch=judge.best_epoch,
        history=state.history,
        timing=timing.times,
    )


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


class _DataCheck:
    """Makes sure that a resumed run reads the data it was started with."""

    def __init__(self, batches: TrainingBatches) -> None:
        self._size = {"tokens": int(batches.tokens), "steps": int(batches.steps(0)), "checksum": int(batches.checksum)}

    def get_state(self) -> dict[str, Any]:
        return self._size

    def set_state(self, state: dict[str, Any]) -> None:
        here = self._size
        if (state["tokens"], state["steps"]) != (here["tokens"], here["steps"]):
            raise CheckpointError(
                "A run goes on with the data and the batches it was started with. Received: "
                f"{here['tokens']} target tokens in {here['steps']} batches, instead of {state['tokens']} in "
                f"{state['steps']}. Set data, tokenizer and batches back, or start a new run."
            )
        if state.get("checksum", here["checksum"]) != here["checksum"]:  # none in a checkpoint of an older version
            raise CheckpointError(
                "A run goes on with the text it was started with. Received: as many tokens and batches, but other ids "
                f"(checksum {here['checksum']:08x}, before {state['checksum']:08x}). Bring the text back as it was, or "
                "start a new run."
            )


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


def _restore_good_weights(model: keras.Model, run: RunFolder) -> None:
    if run.best.exists():
        load_weights(model, run.best)
    else:
        load_latest(run.last, model)


@contextmanager
def _no_warning_at_the_end_of_data() -> Iterator[None]:
    """Silence Keras' warning of an epoch with fewer batches than usual: the first one after a resume has."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*Your input ran out of data")
        yield


def _reason(signal_name: str | None, judge: BestScore, state: RunState, epochs: int) -> str:
    if state.epoch >= epochs:
        return "finished"
    if signal_name:
        return signal_name
    return "patience" if judge.exhausted else "callback"
