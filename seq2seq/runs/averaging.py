"""One model of the checkpoints of a run: the mean of their weights."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from seq2seq.runs.record import comparable, model_file, read_run
from seq2seq.training.run_folder import RunFolder

if TYPE_CHECKING:
    from seq2seq.translation import Translator


def average_run(
    folder: str | Path, count: int, which: Literal["last", "best"] = "last"
) -> tuple[Translator, list[Path]]:
    """Average the weights of checkpoints of a finished run.

    Args:
        folder: The run folder. ``training.keep_checkpoints`` of its recipe says how many checkpoints there are.
        count: How many checkpoints.
        which: "last" the newest ones, "best" those of the kept ones that validated best by what the run monitors.

    Returns:
        The translator of the run with the mean of the weights, not yet written, and the checkpoints. They hold the
        weights of training, also where the optimizer keeps averages of its own.

    Raises:
        ValueError: The run has not ended, or has fewer such checkpoints.
        CheckpointError: One cannot be read.
    """
    from seq2seq.training.checkpoint_file import average_weights, checkpoints, update_of
    from seq2seq.training.stopping import higher_is_better
    from seq2seq.translation import Translator

    run_folder, record = RunFolder(folder), read_run(folder)
    if record is None or not model_file(run_folder).exists():
        raise ValueError(f"Checkpoints are averaged once a run has ended. Received: {folder}. Train it to its end.")
    kept = checkpoints(run_folder.last)
    unusable = 0
    if which == "best":
        monitor = record.recipe.training.monitor.removeprefix("val_") or record.recipe.evaluation.metrics[0]
        scores = {
            event["update"]: float(event[f"val_{monitor}"])  # text, where it is not finite
            for event in comparable(record.log())
            if f"val_{monitor}" in event
        }
        validated = [path for path in kept if update_of(path) in scores]
        kept = [path for path in validated if isfinite(scores[update_of(path)])]
        unusable = len(validated) - len(kept)
        kept.sort(key=lambda path: scores[update_of(path)], reverse=higher_is_better(monitor))
    if len(kept) < count:
        raise ValueError(
            f"There are not so many checkpoints{' that were validated' if which == 'best' else ''}. Received: "
            f"{which} {count}, of {len(kept)} in {run_folder.last}"
            f"{f', where {unusable} more have a score that is no number' if unusable else ''}. "
            f"Ask for fewer, or train with training.keep_checkpoints={count + unusable}."
        )
    translator = Translator.load(model_file(run_folder))
    average_weights(kept[:count], translator.model)
    return translator, kept[:count]
