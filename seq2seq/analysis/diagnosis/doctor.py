"""The doctor: measures a model on one batch, and says what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.analysis.diagnosis.findings import Finding, find
from seq2seq.analysis.diagnosis.subject import Subject, is_model, of_model, of_recipe, of_run
from seq2seq.models.signs import Signs
from seq2seq.recipe import Recipe
from seq2seq.runs.record import read_run
from seq2seq.system.terminal import UsageError, tell

if TYPE_CHECKING:
    from seq2seq.models import Seq2Seq


@dataclass(frozen=True)
class Diagnosis:
    """What was measured inside a model, and what is wrong with it.

    Attributes:
        subject: Who was examined.
        findings: What is wrong, the gravest first; empty where nothing is.
        signs: What was measured.
    """

    subject: str
    findings: list[Finding]
    signs: Signs

    def to_table(self) -> dict[str, Any]:
        """Give it as a table of plain values, as JSON has it."""
        findings = [asdict(finding) for finding in self.findings]
        return {"subject": self.subject, "findings": findings, "signs": self.signs.to_table()}


def diagnose(what: str | Path | Recipe, *, data: str | None = None) -> Diagnosis:
    """Examine a recipe before training, a run at its newest checkpoint, or a model file.

    One batch of its training text goes through forward and back, without dropout. Where an optimizer is known, it takes
    a step at the highest learning rate of its schedule, which is measured and undone.

    Args:
        what: A recipe, a run folder, or a model file.
        data: Where the text lies instead of the recipe's ``data.path``.

    Returns:
        What is wrong, the gravest first, and what was measured.

    Raises:
        UsageError: A run has no checkpoint yet, or the text of a model cannot be read.
        ValueError: Settings or text do not fit together, or the folder holds no run.
    """
    return _examined(_subject(what, data))


def examine(model: Seq2Seq, inputs: Mapping[str, Any], target_out: Any, *, updates: int | None = None) -> Diagnosis:
    """Examine any model on a batch of your own.

    Args:
        model: A `Seq2Seq`. Where it is compiled, its optimizer takes a step, which is measured and undone.
        inputs: As for a call of the model.
        target_out: Ids, each target ending with `</s>`, padding on the right, `[batch, target_time]`.
        updates: Optimizer steps that it has made; None where that is not known: then it counts as trained.

    Returns:
        What is wrong, the gravest first, and what was measured.

    Example:
        >>> import numpy as np
        >>> from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge
        >>> model = Seq2Seq(Encoder(20, 8, [16]), StateBridge([16]), Decoder(20, 8, [16]))
        >>> ids = np.array([[5, 6, 2], [7, 2, 0]])
        >>> found = examine(model, {"source": ids, "target_in": ids}, ids, updates=0)
        >>> [finding.illness for finding in found.findings]
        ['target leaking']
    """
    return _examined(Subject(model.name, model, (inputs, target_out), updates))


def _subject(what: str | Path | Recipe, data: str | None) -> Subject:
    if isinstance(what, Recipe):
        return of_recipe(what, data)
    path = Path(what)
    if is_model(path):
        return of_model(path, data)
    record = read_run(path) if path.is_dir() else None
    if record is None:
        raise UsageError(f"There is no such run folder or model file. Received: {path}.")
    return of_run(record, data)


def _examined(subject: Subject) -> Diagnosis:
    from seq2seq.models.examination import Examination

    tell("Measuring ...")
    model = subject.model
    examination = Examination(model, *subject.batch)
    steps = model.compiled
    signs = examination.signs(
        updates=subject.updates,
        learning_rate=float(model.optimizer.learning_rate) if steps else None,
        changes=examination.trial_step() if steps else None,
        leaks=True,
    )
    return Diagnosis(subject.title, find(signs), signs)
