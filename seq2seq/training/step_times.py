"""What training steps cost beside the arithmetic."""

from dataclasses import asdict, dataclass


@dataclass
class StepTimes:
    """What the training steps of one process cost beside the arithmetic.

    Attributes:
        first_step: Seconds from the built model to the end of the first step; 0 before that.
        steps: Steps timed.
        seconds: Wall time of these steps.
        wait_seconds: What of it the model waited for batches to be tokenised and put together.
        traces: Graphs traced from Python.
        trace_seconds: Wall time of that.
        compilations: Steps with a new shape where something runs under XLA, which compiles for every shape anew.
        compile_seconds: Wall time of these steps.
    """

    first_step: float = 0.0
    steps: int = 0
    seconds: float = 0.0
    wait_seconds: float = 0.0
    traces: int = 0
    trace_seconds: float = 0.0
    compilations: int = 0
    compile_seconds: float = 0.0

    @property
    def data_wait(self) -> float:
        """Share of the time of the steps spent waiting for data, 0 to 1."""
        return self.wait_seconds / self.seconds if self.seconds else 0.0

    def table(self) -> dict[str, float]:
        """Give every figure by name, rounded to milliseconds."""
        return {name: round(value, 3) for name, value in asdict(self).items()} | {"data_wait": round(self.data_wait, 6)}

    def since(self, before: "StepTimes") -> dict[str, float]:
        """Give what an epoch logs: the figures that grew since its beginning, and its own share of waiting."""
        part = StepTimes(**{name: value - getattr(before, name) for name, value in asdict(self).items()})
        names = ("data_wait", "traces", "trace_seconds", "compilations", "compile_seconds")
        return {name: getattr(part, name) for name in names}
