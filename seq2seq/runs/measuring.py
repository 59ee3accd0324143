"""What comes of a run: translations of what was held out, their scores, and the files that keep them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from seq2seq.metrics import EvaluationSettings, alike, measure
from seq2seq.runs.record import EXAMPLE, RunResult, model_file, write_object
from seq2seq.settings import from_table, to_table
from seq2seq.system.files import replacing
from seq2seq.system.machine import machine
from seq2seq.system.terminal import tell
from seq2seq.system.versions import installed_versions
from seq2seq.training.run_folder import RunFolder

if TYPE_CHECKING:
    from seq2seq.runs.preparing import Ready
    from seq2seq.text.corpus import Corpus
    from seq2seq.training.fit import TrainingResult
    from seq2seq.translation.translator import Translator

_EXAMPLES = 6


def evaluation_of(
    translator: Translator, metrics: Sequence[str] | None = None, several_references: bool | None = None
) -> EvaluationSettings:
    """Give the settings by which a translator was measured, or others where its file does not say.

    Args:
        translator: The translator.
        metrics: Names to use instead.
        several_references: What to use instead.
    """
    said = dict(translator.about.get("evaluation", {}))
    if metrics:
        said["metrics"] = list(metrics)
    if several_references is not None:
        said["several_references"] = several_references
    return from_table(EvaluationSettings, said)


def write_result(ready: Ready, trained: TrainingResult) -> RunResult:
    """Translate and score what was held out, and write the translator and the result.

    Args:
        ready: What was run, and on what; the translator learns its scores. What is measured is validation and, where
            there is one, test.
        trained: What came of training.
    """
    from seq2seq.text.lines import as_line
    from seq2seq.translation.confidence import LEAST, Calibration, known
    from seq2seq.translation.hypothesis import Cuts

    record, translator, corpora = ready.record, ready.translator, ready.corpora
    folder, recipe = RunFolder(record.folder), record.recipe
    found: dict[str, dict[str, float]] = {}
    signed: dict[str, dict[str, str]] = {}
    examples: list[tuple[str, str, str]] = []
    same: dict[str, None] = {}
    cuts: dict[str, dict[str, int]] = {}
    for part, corpus in (("validation", corpora.validation), ("test", corpora.test)):
        if corpus is None:
            continue
        tell(f"Translating {corpus.name} ...")
        best = translator.hypotheses(corpus.sources)
        cut, hypotheses = Cuts.of(best), [one.text for one, *_ in best]
        cuts[part] = asdict(cut)
        if cut:
            tell(f"{part}: {cut}")
        if part == "validation":
            shown = known(best, corpus.targets, recipe.evaluation, corpus.sources)
            if len(shown.qualities) >= LEAST:
                translator.calibration = Calibration.learn(*shown)
        scores = measure(hypotheses, corpus.targets, recipe.evaluation, corpus.sources)
        found[part] = {name: score.value for name, score in scores.items()}
        signed[part] = {name: score.signature for name, score in scores.items()}
        same |= dict.fromkeys(alike(scores, hypotheses, corpus.targets))
        examples = _examples(corpus, hypotheses)
        for what, texts in (("source", corpus.sources), ("reference", corpus.targets), ("translations", hypotheses)):
            with replacing(folder.path / f"{part}.{what}.txt") as path:
                path.write_text("".join(f"{as_line(text)}\n" for text in texts), encoding="utf-8")
    for line in same:
        tell(line)
    signatures = signed.get("test", signed["validation"])
    for name, signature in signatures.items():
        if signed["validation"][name] != signature:
            tell(f"{name} has the signature {signature} on test, {signed['validation'][name]} on validation.")
    model = model_file(folder)
    translator.about |= {"metrics": found, "signatures": signatures}
    translator.save(model)
    result = {
        "metrics": found,
        "signatures": signatures,
        "seed": recipe.seed,
        "minutes": round(trained.minutes, 2),
        "parameters": translator.model.count_params(),
        "timing": trained.timing.table(),
        "stopped": trained.stopped,
        "epochs": trained.epochs,
        "skipped": trained.skipped,
        "skipped_pairs": {"train": ready.batches.skipped, "validation": ready.validation.skipped},
        "cuts": cuts,
        "best_epoch": trained.best_epoch,
        "command": record.command,
        "changed_settings": dict(record.changed_settings),
        "data": record.data,
        "origin": dict(record.origin),
        "settings": to_table(recipe),
        "machine": machine(),
        "versions": installed_versions(),
        "examples": [dict(zip(EXAMPLE, example, strict=True)) for example in examples],
    }
    write_object(folder.result, result)
    return RunResult(
        folder.path, model, found, signatures, trained.minutes, trained.stopped, examples, record.command, cuts
    )


def _examples(corpus: Corpus, hypotheses: Sequence[str]) -> list[tuple[str, str, str]]:
    from seq2seq.training.validation import spread_samples

    return spread_samples(corpus.sources, hypotheses, corpus.targets, _EXAMPLES)
