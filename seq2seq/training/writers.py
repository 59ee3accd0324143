"""What tells of a run while it goes on: the progress on a terminal, the log in its folder, TensorBoard's events."""

from collections.abc import Mapping, Sequence
from typing import Any

from seq2seq.system.versions import installed_versions
from seq2seq.training.checkpoint_file import Loaded, set_aside
from seq2seq.training.log import JsonLog, TensorBoardLog
from seq2seq.training.progress import Progress
from seq2seq.training.run_folder import RunFolder
from seq2seq.training.state import Remembering, RunListener, RunState


class Writers:
    """All of them.

    Args:
        run: The run folder.
        state: The counters of the run.
        shown: The progress.
        board: Whether to write TensorBoard's events too.

    Attributes:
        log: The log.
        listeners: All of them, who are told what happens and are callbacks of Keras.
        remembering: Those that a resume cuts back to the checkpoint, by name.
    """

    def __init__(self, run: RunFolder, state: RunState, shown: Progress, *, board: bool) -> None:
        self._run, self._state, self._shown = run, state, shown
        self.log = JsonLog(run.log, state)
        self._board = TensorBoardLog(run.tensorboard, state) if board else None
        boards = [self._board] if self._board else []
        self.listeners: list[RunListener] = [shown, self.log, *boards]
        self.remembering: dict[str, Remembering] = {"log": self.log, **({"tensorboard": boards[0]} if boards else {})}

    def begin(
        self,
        found: Loaded | None,
        resume: bool,
        *,
        epochs: int,
        monitor: str,
        measured: Mapping[str, str],
        kernels: Sequence[dict[str, Any]],
    ) -> None:
        """Tell how the run begins, or goes on.

        Args:
            found: The checkpoint that it goes on from; None for none.
            resume: Whether it was to go on.
            epochs: How many epochs there are to be.
            monitor: The score that decides what is best.
            measured: How and on what it is measured.
            kernels: Which kernel runs each layer.
        """
        run, state = self._run, self._state
        how = {"monitor": monitor, "measured": dict(measured), "kernels": kernels}
        if found:
            damaged = [path.name for path in set_aside(found.damaged)]
            self.log.write("resume", {"checkpoint": found.path.name, "damaged": damaged, **how})
            if damaged:
                self._shown.say(
                    f"Damaged, set aside: {', '.join(damaged)}. Going on from the one before, {found.path.name}."
                )
            self._shown.say(f"Continuing {run.path} at epoch {state.epoch + 1}, step {state.step}.")
        else:
            versions = installed_versions()
            self.log.write("start", {"epochs": epochs, "versions": versions, **how})
            if resume:
                if self._board:
                    self._board.set_state({"sizes": {}})
                self._shown.say(f"{run.path} holds no checkpoint: starting from the beginning.")
        run.write_versions()

    def close(self) -> None:
        """Close the terminal's line and the files."""
        self._shown.close()
        self.log.close()
        if self._board:
            self._board.close()
