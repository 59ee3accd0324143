"""A study: every variant of a recipe trained with several seeds, and the comparison of what comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from seq2seq.analysis.comparison.comparison import Comparison, Refused, compare, is_whole
from seq2seq.analysis.comparison.files import need_place
from seq2seq.analysis.comparison.measured import MeasuredRun, read_measured
from seq2seq.analysis.comparison.plan import Plan, PlannedVariant
from seq2seq.analysis.comparison.progress import StudyProgress
from seq2seq.analysis.comparison.trainings import Training, name_of, train_all
from seq2seq.analysis.comparison.variants import Variant, differing
from seq2seq.recipe import Data, Recipe
from seq2seq.recipe.corpora import need_text, test_part
from seq2seq.runs.record import finished_run, read_run
from seq2seq.settings import SettingsError
from seq2seq.system.files import replacing
from seq2seq.system.process import own_module
from seq2seq.system.terminal import UsageError, tell
from seq2seq.text.pairs import CorpusError


@dataclass(frozen=True)
class StudyResult:
    """What came of a study.

    Attributes:
        comparison: The variants that have a finished run; None where none has, or a signal stopped the study.
        refused: The variants that cannot be, with the reason.
        failed: The trainings that failed here, with the reason.
        unfinished: How many runs of the plan have no result.
        stopped: The signal that stopped the study; None where there was none.
    """

    comparison: Comparison | None
    refused: list[Refused]
    failed: list[Refused]
    unfinished: int
    stopped: str | None


class Study:
    """Trains the variants of a plan.

    Args:
        plan: The variants.
        seeds: The seeds of each.
        folder: Where the runs go: a recipe for each variant, and a run folder for each of its seeds.
        data: Where to read text instead of ``data.path``.
    """

    def __init__(self, plan: Plan, seeds: Sequence[int], folder: str | Path, *, data: str | None = None) -> None:
        self._plan = plan
        self._seeds = seeds
        self._folder = Path(folder)
        self._data = data
        self._damaged: dict[Path, str] = {}
        self._missing: dict[Data, ValueError | None] = {}  # what each text was found to lack

    def run(self, *, jobs: int = 1, shard: tuple[int, int] = (1, 1)) -> StudyResult:
        """Train what is not finished, go on with what was stopped, and compare what is finished.

        Args:
            jobs: How many trainings run at once.
            shard: Which share of the trainings is run here, and of how many: ``(2, 3)`` for the second third. What the
                other shares finished is compared too.

        Raises:
            UsageError: The folder is that of a run, or holds runs of a variant with other settings.
        """
        need_place(self._folder)
        self._need_same()
        refused = list(self._plan.refused)
        possible = [variant for variant in self._plan.variants if not self._refuses(variant, refused)]
        for reason in dict.fromkeys(each.reason for each in refused):
            names = [each.name for each in refused if each.reason == reason]
            tell(f"Left out: {', '.join(names)}. {reason}")
        # Shared out by the plan alone: what is possible on this machine, another may not know.
        runs = [(variant, seed) for variant in self._plan.variants for seed in self._seeds][shard[0] - 1 :: shard[1]]
        here = [run for run in runs if run[0] in possible or self._finished(*run)]
        known = [result.minutes for run in here if (result := self._finished(*run))]
        if known:
            tell(f"Finished before: {len(known)} of {len(here)} runs.")
        failed = [Refused(folder.name, reason) for folder, reason in self._damaged.items()]
        for each in failed:
            tell(f"Left out: {each.name}. {each.reason}")
        progress = StudyProgress(len(here), known, jobs)

        def look(_: Training) -> bool:
            progress.look()
            return False

        def ended(training: Training, reason: str) -> None:
            if reason:
                failed.append(Refused(training.name, reason))
            whole = (training.folder / "result.json").exists()
            progress.ended(training, reason or (_score(training.folder) if whole else "stopped"), whole=whole)

        def trainings() -> Iterator[Training]:
            for variant, seed in here:
                if not self._finished(variant, seed) and self._place(variant, seed) not in self._damaged:
                    yield training_of(variant, seed, self._folder, self._place(variant, seed), self._data)

        try:
            stopped = train_all(trainings(), jobs=jobs, started=progress.started, look=look, ended=ended)
        finally:
            progress.close()
        return self._result(refused, failed, stopped)

    def _result(self, refused: list[Refused], failed: list[Refused], stopped: str | None) -> StudyResult:
        """Compare what is finished, also of a variant that could not be trained further here."""
        left_out = {each.name for each in refused}
        found = [(each, {seed: self._finished(each, seed) for seed in self._seeds}) for each in self._plan.variants]
        found = [(each, runs) for each, runs in found if each.name not in left_out or any(runs.values())]
        settings = differing([variant.recipe for variant, _ in found])
        variants, reasons, unfinished = [], refused + failed, 0
        names = {each.name for each in failed}
        for (variant, runs), changed in zip(found, settings, strict=True):
            if measured := [run for run in runs.values() if run and is_whole(run, reasons)]:
                variants.append(Variant(variant.name, changed, measured))
            left = [seed for seed, run in runs.items() if not run]
            if variant.name in left_out:
                continue
            unfinished += len(left)
            # What failed is named already: a training by its name, a damaged run by its folder.
            waiting = [
                str(seed) for seed in left
                if not names & {name_of(variant.name, seed), self._place(variant, seed).name}
            ]  # fmt: skip
            if waiting:
                reasons.append(Refused(f"{variant.name}, seed {', '.join(waiting)}", "not finished yet"))
        comparison = compare(variants, reasons, first=self._plan.first) if variants and not stopped else None
        return StudyResult(comparison, refused, failed, unfinished, stopped)

    def _need_same(self) -> None:
        """Refuse to go on with runs of another recipe, before anything is written."""
        for variant in self._plan.variants:
            for seed in self._seeds:
                try:
                    begun = read_run(self._place(variant, seed))
                except (ValueError, OSError):  # a damaged record: told where the run is looked at
                    continue
                if begun is None:
                    continue
                other = list(begun.differences(variant.with_seed(seed)).values())
                if begun.data != self._data:
                    ours, theirs = (place or "that of the recipe" for place in (self._data, begun.data))
                    other.append(f"the text is {theirs}, and not {ours} (--data)")
                # One that finished is what it was then, whatever it went on to since.
                if other and not self._finished(variant, seed):
                    raise UsageError(
                        f"The runs of a comparison go on as they began. Received: {begun.folder}, where "
                        f"{'; '.join(other)}. Set it back, or name another folder with --out."
                    )

    def _refuses(self, variant: PlannedVariant, refused: list[Refused]) -> bool:
        """Find out whether a variant makes no model or has no text, unless it is finished and so had both."""
        if all(self._finished(variant, seed) for seed in self._seeds):
            return False
        from seq2seq.recipe.build import check_model

        try:
            check_model(variant.recipe)
            self._need_text(variant.recipe)
            self._need_same_test(variant.recipe)
        except (SettingsError, CorpusError) as error:
            refused.append(Refused(variant.name, str(error)))
            return True
        return False

    def _need_text(self, recipe: Recipe) -> None:
        """Look for the text of a recipe, once for all variants that learn from the same."""
        if recipe.data not in self._missing:
            self._missing[recipe.data] = None
            try:
                need_text(recipe, self._data)
            except (SettingsError, CorpusError) as error:
                self._missing[recipe.data] = error
        if missing := self._missing[recipe.data]:
            raise missing

    def _need_same_test(self, recipe: Recipe) -> None:
        """Refuse a variant whose text lies elsewhere and has other test sentences than that of the first one."""
        first = self._plan.variants[0].recipe
        if self._data is not None or recipe.data.path == first.data.path:
            return
        ours, theirs = test_part(first), test_part(recipe)
        if ours is not None and theirs is not None and list(ours) != list(theirs):
            raise SettingsError(
                "Variants are compared on the same test sentences. Received: "
                f"data.path={recipe.data.path}, where {recipe.data.test} has others than in {first.data.path}. Make a "
                "comparison of its own for it."
            )

    def _finished(self, variant: PlannedVariant, seed: int) -> MeasuredRun | None:
        folder = self._place(variant, seed)
        try:
            found = finished_run(variant.with_seed(seed), folder, data=self._data)
            return read_measured(folder) if found else None
        except ValueError as error:  # a damaged file: the other runs are as good as ever
            self._damaged[folder] = f"{error} To train it again, delete {folder}."
            return None

    def _place(self, variant: PlannedVariant, seed: int) -> Path:
        # Side by side: what stands beside a run folder, the cache of tokenised text, is shared by all of them.
        return self._folder / f"{variant.folder}-seed-{seed}"


def training_of(variant: PlannedVariant, seed: int, folder: Path, place: Path, data: str | None = None) -> Training:
    """Name the training of a variant, and write its recipe down, whatever becomes of the file that it came from.

    Args:
        variant: The variant.
        seed: The seed.
        folder: Where the recipe goes.
        place: The run folder.
        data: Where to read text instead of ``data.path``.
    """
    recipe = folder / f"{variant.folder}.recipe.toml"
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(recipe) as path:
        path.write_text(variant.recipe.to_toml(), encoding="utf-8")
    command = [*own_module("seq2seq"), "train", str(recipe), "--seed", str(seed)]
    command += ["--out", str(place), "--resume-if-begun", *([] if data is None else ["--data", data])]
    return Training(variant.name, seed, place, tuple(command), variant.recipe.training.epochs)


def _score(folder: Path) -> str:
    """Say by its first metric how good a run is, on validation: the test set is for the comparison of all."""
    run = read_measured(folder)
    scores = run.scores["validation"]
    name = next(iter(scores))
    return f"{name} {scores[name]:.2f} on validation in {run.minutes:.1f} minutes"
