"""Whether a resumed run reads the data that it was started with."""

from typing import Any

from seq2seq.training.checkpoint_file import CheckpointError
from seq2seq.training.state import TrainingBatches


class DataCheck:
    """Makes sure that a resumed run reads the data it was started with.

    Args:
        batches: The training batches.
    """

    def __init__(self, batches: TrainingBatches) -> None:
        self._size = {
            "tokens": int(batches.tokens),
            "steps": int(batches.steps(0)),
            "checksum": int(batches.checksum),
            "pool": int(getattr(batches, "pool", 0)),
        }

    def get_state(self) -> dict[str, Any]:
        """Give what the data are known by."""
        return self._size

    def set_state(self, state: dict[str, Any]) -> None:
        """Compare them with those of a checkpoint.

        Raises:
            CheckpointError: They are others.
        """
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
        pool = state.get("pool", 0)  # there were none in an older version
        if pool != here["pool"]:
            raise CheckpointError(
                f"A run goes on with the batches it was started with. Received: pools of {here['pool']} batches, "
                f"before {pool} (0: sorted as a whole). Set pool={pool}, or start a new run."
            )
