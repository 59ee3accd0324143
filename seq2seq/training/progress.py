"""What a person sees of a run: a bar on a terminal, a plain line now and then where there is none."""

import shutil
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TextIO

import keras
from tqdm import tqdm

from seq2seq.system.choices import choose
from seq2seq.system.terminal import format_records
from seq2seq.training.state import OF_THE_PROCESS, RunState, TrainingBatches, Validated
from seq2seq.training.step_times import StepTimes

_SHOWN = 600  # characters of a sample
_COLUMNS = 120  # where there is no terminal that has some
_BUILT = (("traces", "trace_seconds", "traced"), ("compilations", "compile_seconds", "compiled"))
_STYLES = {"auto": None, "bar": True, "lines": False, "none": False}


class Progress(keras.callbacks.Callback):
    """Shows epoch, step, loss, target tokens per second and the time left; one line per epoch sums it up.

    Args:
        state: The counters.
        batches: The training batches: their steps and target tokens.
        epochs: Epochs that the run will have.
        validate_every: Optimizer steps from one validation to the next; 0 validates at the end of each epoch.
        style: "bar" (redrawn in place), "lines" (a plain line every ``interval`` seconds), "none", or "auto": a bar on
            a terminal, lines elsewhere.
        stream: Where it goes; stderr by default.
        interval: Seconds between two plain lines.

    Raises:
        ValueError: The style is unknown.
    """

    def __init__(
        self,
        state: RunState,
        batches: TrainingBatches,
        epochs: int,
        *,
        validate_every: int = 0,
        style: str = "auto",
        stream: TextIO | None = None,
        interval: float = 30.0,
    ) -> None:
        super().__init__()
        self._stream = stream or sys.stderr
        self._silent = style == "none" or self._stream is None  # a closed stderr is None
        bar = choose("progress", style, _STYLES)
        self._draws_bar = not self._silent and (self._stream.isatty() if bar is None else bar)
        self._state = state
        self._batches = batches
        self._epochs = epochs
        self._every = validate_every
        self._interval = interval
        self._bar: tqdm | None = None
        self._steps = 0
        self._said_at = 0.0
        self._best = False
        self._validation_seconds = 0.0
        # Recent step times: the first step of a process also traces the graph and says nothing about the rest.
        self._recent: deque[float] = deque(maxlen=100)
        self._trained = 0.0

    def say(self, text: str) -> None:
        """Print a line without tearing the bar; from the first one that cannot be printed on, none is."""
        if self._silent:
            return
        try:
            if self._bar is not None:
                self._bar.write(text, file=self._stream)
            else:
                print(text, file=self._stream, flush=True)
        except OSError:  # a closed terminal, a full disk: a training does not end of it
            self._silent = True

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Open the bar of the epoch."""
        self._said_at = time.monotonic()
        self._trained = self._state.train_seconds
        self._steps = self._batches.steps(epoch)
        self._best = False
        if self._draws_bar:
            self._bar = tqdm(
                total=self._steps,
                initial=self._state.step,
                desc=f"epoch {epoch + 1}/{self._epochs}",
                file=self._stream,
                leave=False,
                dynamic_ncols=True,
                bar_format="{desc} {bar} {n_fmt}/{total_fmt}{postfix}",
            )

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Move the bar, or print a line if it is time for one."""
        now = time.monotonic()
        self._recent.append(self._state.train_seconds - self._trained)
        self._trained = self._state.train_seconds
        if len(self._recent) == 2 and self._recent[0] > 2 * self._recent[1]:
            self._recent.popleft()
        if self._bar is not None:
            self._bar.set_postfix_str(self._standing(logs or {}), refresh=False)
            self._bar.update(1)
        elif now - self._said_at >= self._interval:
            self._said_at = now
            state = self._state
            self.say(
                f"epoch {state.epoch + 1}/{self._epochs} step {state.step}/{self._steps}, {self._standing(logs or {})}"
            )

    def first_step(self, times: StepTimes) -> None:
        """Say how long it took to come."""
        self.say(f"First step done {times.first_step:.1f} s after the model was built.")

    def validated(self, validation: Validated, best: bool) -> None:
        """Show what was measured: samples, and the scores where no end of an epoch will show them."""
        self._best = best
        self._validation_seconds = validation.seconds
        if validation.update and self._state.step < self._steps:
            self.say(
                f"  validation at step {self._state.step}: {_values(validation.values)}{' (best)' if best else ''}"
            )
        if validation.samples:
            names = ("source", "translation", "reference")
            records = [list(zip(names, map(_beginning, sample), strict=True)) for sample in validation.samples]
            self.say(format_records(records, shutil.get_terminal_size((_COLUMNS, 24)).columns) + "\n")

    def close(self) -> None:
        """Take the bar away, however training ended."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def skipped(self, message: str, pairs: Sequence[tuple[str, str]]) -> None:
        """Say why a batch is skipped."""
        self.say(message)

    def saving(self, state: RunState) -> None:
        """Nothing is said of checkpoints."""

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Sum the epoch up in one line."""
        self.close()
        if self._state.whole:
            logs = logs or {}
            values = {name: value for name, value in logs.items() if name not in OF_THE_PROCESS}
            parts = [_values(values), f"{logs.get('tokens_per_second', 0.0):,.0f} tokens/s"]
            if "data_wait" in logs:
                parts.append(f"{100 * logs['data_wait']:.1f} % waiting for data")
            for name, seconds, thing in _BUILT:
                if count := logs.get(name, 0):
                    parts.append(f"{count:.0f} {thing} in {logs[seconds]:.1f} s")
            parts.append(f"{logs.get('seconds', 0.0):.0f} s")
            self.say(f"epoch {epoch + 1}/{self._epochs}: {', '.join(parts)}{' (best)' if self._best else ''}")

    def _validations(self, steps: int) -> int:
        """Count the validations within the next steps."""
        return (self._state.update + steps) // self._every - self._state.update // self._every

    def _standing(self, logs: Mapping[str, float]) -> str:
        state = self._state
        step_seconds = sum(self._recent) / max(len(self._recent), 1)
        steps = max(self._steps - state.step, 0)
        later = (self._epochs - state.epoch - 1) * self._steps
        # The validation that ends an epoch comes after its bar, those inside come before.
        inside = self._validations(max(steps - 1, 0)) if self._every else 0
        ending = self._epochs - state.epoch
        if self._every:
            last = state.update + steps + later
            ending = self._validations(steps + later) + (last % self._every > 0) - inside
        left = steps * step_seconds + inside * self._validation_seconds
        run_left = left + later * step_seconds + ending * self._validation_seconds
        rate = self._batches.tokens / max(self._steps, 1) / step_seconds if step_seconds else 0.0
        skipped = f"{state.skipped:,} skipped, " if state.skipped else ""
        return (
            f"loss {logs.get('loss', float('nan')):.3f}, {rate:,.0f} tokens/s, {skipped}"
            f"{_clock(left)} left in epoch, {_clock(run_left)} in all"
        )


def _values(values: Mapping[str, float]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {f'{value:,}' if type(value) is int else f'{value:.4g}'}"
        for name, value in values.items()
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _beginning(text: str) -> str:
    """A text as far as a terminal shows it; the log has it whole."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text):,} characters)"
