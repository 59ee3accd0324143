"""A search for good settings: trial after trial, judged by validation alone; what is hopeless is stopped early."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from pathlib import Path
from statistics import median
from typing import Any

from seq2seq.analysis.comparison.files import need_place
from seq2seq.analysis.comparison.measured import Validated, read_validations
from seq2seq.analysis.comparison.plan import PlannedVariant, need_each_once, need_none_of_its_own
from seq2seq.analysis.comparison.progress import StudyProgress, share_done
from seq2seq.analysis.comparison.sampler import Sampler, Space, read_space
from seq2seq.analysis.comparison.study import training_of
from seq2seq.analysis.comparison.trainings import Training, train_all
from seq2seq.analysis.comparison.variants import label
from seq2seq.recipe import Recipe
from seq2seq.recipe.corpora import need_text
from seq2seq.runs.record import read_object, write_object
from seq2seq.settings import NoSuchSettingError, SettingsError, by_name, write_value
from seq2seq.system.files import replacing
from seq2seq.system.lock import locked
from seq2seq.system.terminal import format_table
from seq2seq.training.run_folder import RunFolder
from seq2seq.training.stopping import higher_is_better

_PEERS = 4  # trials that have come as far, before one is called hopeless
_GRACE = 1 / 3  # share of its epochs that every trial has
_BEST = 3  # trials that are proposed for a comparison
_SEARCHED = "search.json"
# States in which a trial is trained further by the same command.
_GOES_ON = ("running", "failed")


@dataclass(frozen=True)
class Trial:
    """One training of a search.

    Attributes:
        number: From 1 on.
        values: The settings that were drawn.
        state: "running" (also: stopped, to go on), "finished", "hopeless" (stopped early), "failed", "refused" or
            "repeated" (drawn before, and not trained again).
        score: The best monitored score of validation; None where there is none.
        reason: Why it failed or was refused, or which it repeats.
    """

    number: int
    values: dict[str, Any]
    state: str = "running"
    score: float | None = None
    reason: str = ""

    @property
    def assignments(self) -> dict[str, str]:
        """The settings as ``--set`` takes them."""
        return {key: f"{value:.4g}" if isinstance(value, float) else str(value) for key, value in self.values.items()}


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        monitor: The score of validation that it went by.
        trials: All of them, the best first.
        stopped: The signal that stopped the search; None where there was none.
        best: A list of variants for `seq2seq compare --variants`: the recipe as it is, and the best trials; None where
            no trial finished.
    """

    monitor: str
    trials: list[Trial]
    stopped: str | None
    best: Path | None

    def report(self) -> str:
        """Lay the trials out as a table, the best first."""
        rows = [
            [
                str(trial.number),
                label(trial.assignments),
                "–" if trial.score is None else f"{trial.score:.2f}",
                trial.state + (f": {trial.reason}" if trial.reason else ""),
            ]
            for trial in self.trials
        ]
        table = format_table(["trial", "settings", f"{self.monitor} on validation", "state"], rows, numbers=[0, 2])
        return (
            f"{table}\n\nThe best of many is good by luck too, and validation chose it; test sentences were not looked "
            "at. A claim needs a comparison on them, with several seeds."
        )


class SettingsSearch:
    """Looks for good settings of a recipe.

    Args:
        recipe: The recipe.
        varied: What may be drawn, such as ``model.dropout=0..0.5`` or ``model.bridge.mode=per_layer,mean``. A range
            over a factor of ten or more is searched by factors.
        folder: Where the runs go, and what is known of every trial.
        sampler: "random" or "tpe".
        data: Where to read text instead of ``data.path``.

    Raises:
        SettingsError: A range is none, a setting or one of its values is unknown, or the folder has a search of
            another recipe or of other ranges.
        UsageError: The folder is that of a run.
    """

    def __init__(
        self,
        recipe: Recipe,
        varied: Sequence[str],
        folder: str | Path,
        *,
        sampler: str = "tpe",
        data: str | None = None,
    ) -> None:
        self._recipe = recipe
        spaces = [read_space(text) for text in varied]
        need_none_of_its_own([space.key for space in spaces])
        need_each_once([space.key for space in spaces])
        # From 0 to 1 there are more numbers than these two, where the setting takes them.
        self._spaces = [space._replace(whole=space.whole and not _takes_fractions(recipe, space)) for space in spaces]
        _need_known(recipe, self._spaces)
        need_place(Path(folder), files=())
        self._folder = Path(folder)
        self._data = data
        self._monitor = recipe.training.monitor.removeprefix("val_") or recipe.evaluation.metrics[0]
        _need_one_measure(recipe, [space.key for space in spaces], self._monitor)
        self._higher = higher_is_better(self._monitor)
        self._need_same_search()
        self._trials = self._stored()
        # Another seed where a search goes on: it would draw the same settings again.
        seed = recipe.seed + len(self._trials)
        self._sampler = Sampler(sampler, self._spaces, higher=self._higher, seed=seed)
        self._validations: dict[int, list[Validated]] = {}
        self._read: dict[int, int] = {}  # bytes of the log of each that runs
        self._hopeless: set[int] = set()

    def run(self, trials: int, *, jobs: int = 1) -> SearchResult:
        """Train until there are so many trials, earlier ones counted; first goes on what was stopped or failed.

        Args:
            trials: How many.
            jobs: How many trainings run at once.

        Raises:
            CorpusError: The text of the recipe is not there, and no trial could learn from another.
        """
        if not any(space.key.startswith("data.") for space in self._spaces):
            need_text(self._recipe, self._data)
        self._folder.mkdir(parents=True, exist_ok=True)
        with locked(self._folder / "lock", "searches in a folder", self._folder):
            self._trials = self._stored()
            return self._run(trials, jobs)

    def _run(self, trials: int, jobs: int) -> SearchResult:
        write_object(self._folder / _SEARCHED, self._searched())
        over = [trial for trial in self._trials.values() if trial.state not in _GOES_ON]
        for trial in over:
            self._sampler.learn(trial.number, trial.values, trial.score)
            self._validations[trial.number] = read_validations(self._place(trial.number))[1]
        progress = StudyProgress(max(trials, len(self._trials)), [], jobs, done=len(over))

        def ended(training: Training, reason: str) -> None:
            trial = self._over(training, reason)
            score = "" if trial.score is None else f" at {self._monitor} {trial.score:.2f} on validation"
            words = f"{trial.state}{score}" + (f": {reason}" if reason else "")
            progress.ended(training, words, whole=trial.state == "finished")

        def look(training: Training) -> bool:
            progress.look()
            return self._is_hopeless(training)

        try:
            stopped = train_all(
                self._trainings(trials, progress), jobs=jobs, started=progress.started, look=look, ended=ended
            )
        finally:
            progress.close()
        ranked = sorted(self._trials.values(), key=self._rank)
        return SearchResult(self._monitor, ranked, stopped, self._write_best(ranked))

    def _trainings(self, trials: int, progress: StudyProgress) -> Iterator[Training]:
        for trial in [trial for trial in self._trials.values() if trial.state in _GOES_ON]:
            yield self._training(trial)
        while len(self._trials) < trials:
            trial = self._drawn()
            self._store(trial)
            if trial.state == "running":
                yield self._training(trial)
            else:
                self._sampler.learn(trial.number, trial.values, trial.score)
                progress.passed_over(f"trial {trial.number}", f"{trial.state}: {trial.reason}")

    def _drawn(self) -> Trial:
        """Draw a trial; one that was drawn before or cannot be is not to be trained."""
        from seq2seq.recipe.build import check_model

        number = self._next_number()
        trial = Trial(number, self._sampler.draw(number))
        for each in self._trials.values():
            if each.assignments == trial.assignments:
                return replace(trial, state="repeated", score=each.score, reason=f"the same as trial {each.number}")
        try:
            check_model(self._variant(trial).recipe)
        except SettingsError as error:
            return replace(trial, state="refused", reason=str(error))
        return trial

    def _next_number(self) -> int:
        """Give a number that no trial has, and no folder of a trial whose file is gone."""
        folders = [re.fullmatch(r"trial-(\d+)", path.name) for path in self._folder.glob("trial-*")]
        return 1 + max([0, *self._trials, *(int(match[1]) for match in folders if match)])

    def _is_hopeless(self, training: Training) -> bool:
        """Tell whether a trial is behind the median of those that have come as far, after its time of grace."""
        number = int(training.variant.removeprefix("trial "))
        log = RunFolder(training.folder).log
        size = log.stat().st_size if log.exists() else 0
        if size == self._read.get(number, 0):  # nothing new since the last look
            return False
        self._read[number] = size
        found = self._validations[number] = read_validations(training.folder)[1]
        if not found or not _GRACE <= share_done(training) < 1:
            return False
        epoch, best = found[-1].epoch, self._best(found)
        scores = [
            self._best([each for each in theirs if each.epoch <= epoch])
            for other, theirs in self._validations.items()
            # One that finished before has come as far as it will: its patience was at an end.
            if other != number and theirs and (theirs[-1].epoch >= epoch or self._trials[other].state == "finished")
        ]
        peers = [score for score in scores if score is not None]
        behind = best is None or (len(peers) >= _PEERS and self._worse(best, median(peers)))
        if not behind:
            return False
        self._hopeless.add(number)
        return True

    def _over(self, training: Training, reason: str) -> Trial:
        """Take down how a trial ended; one that was stopped by a signal is running still."""
        trial = self._trials[int(training.variant.removeprefix("trial "))]
        found = self._validations[trial.number] = read_validations(training.folder)[1]
        finished = (training.folder / "result.json").exists()
        state = "failed" if reason else "finished" if finished else "running"
        if state == "running" and trial.number in self._hopeless:
            state = "hopeless"
        trial = replace(trial, state=state, score=self._best(found), reason=reason)
        if state != "running":
            self._sampler.learn(trial.number, trial.values, None if reason else trial.score)
        self._store(trial)
        return trial

    def _best(self, found: Sequence[Validated]) -> float | None:
        """Give the best score; None where none is a number."""
        scores = [each.score for each in found if isfinite(each.score)]
        return (max(scores) if self._higher else min(scores)) if scores else None

    def _worse(self, score: float, other: float) -> bool:
        return score < other if self._higher else score > other

    def _rank(self, trial: Trial) -> tuple[bool, bool, float]:
        score = trial.score if trial.score is not None else 0.0
        return trial.state != "finished", trial.score is None, -score if self._higher else score

    def _write_best(self, ranked: Sequence[Trial]) -> Path | None:
        """Write the best trials as variants, beside the recipe as it is."""
        finished = [trial for trial in ranked if trial.state == "finished"]
        if not finished:
            return None
        # What the recipe has already is in the list once, as itself.
        finished = [trial for trial in finished if self._variant(trial).recipe != self._recipe][:_BEST]
        tables = [["[recipe]"]]
        tables += [
            [f"[trial-{trial.number}]", *(f"{key} = {_toml(value)}" for key, value in trial.assignments.items())]
            for trial in finished
        ]
        best = self._folder / "best.toml"
        with replacing(best) as path:
            path.write_text("\n\n".join("\n".join(lines) for lines in tables) + "\n", encoding="utf-8")
        return best

    def _variant(self, trial: Trial) -> PlannedVariant:
        assignments = tuple(f"{key}={value}" for key, value in trial.assignments.items())
        return PlannedVariant(f"trial {trial.number}", assignments, self._recipe.override(assignments))

    def _training(self, trial: Trial) -> Training:
        return training_of(self._variant(trial), self._recipe.seed, self._folder, self._place(trial.number), self._data)

    def _place(self, number: int) -> Path:
        return self._folder / f"trial-{number}"

    def _need_same_search(self) -> None:
        """Refuse to go on with trials of something else; of an older version nothing says what they were of."""
        path = self._folder / _SEARCHED
        if not path.exists():
            return
        before, asked = _in_words_of_now(read_object(path), str(path)), self._searched()
        names = dict.fromkeys(name for each in (before, asked) for name in each)
        if other := [name for name in names if before.get(name) != asked.get(name)]:
            raise SettingsError(
                f"A search goes on with what it began with. Received: another {', '.join(other)} than {path} says. "
                "Search the same, or name another folder with --out."
            )

    def _searched(self) -> dict[str, Any]:
        """Say what is searched, by name: ranges, settings of the recipe, and where its text is."""
        ranges = {f"--vary {space.key}": [space.low, space.high, *space.values] for space in self._spaces}
        found: dict[str, Any] = json.loads(json.dumps({**by_name(self._recipe), **ranges, "--data": self._data}))
        return found

    def _stored(self) -> dict[int, Trial]:
        """Read what an earlier search left in the folder."""
        found = [_read_trial(path) for path in self._folder.glob("trial-*.json")]
        keys = {space.key for space in self._spaces}
        for trial in found:
            if set(trial.values) != keys:
                raise SettingsError(
                    "A search goes on with the settings that it began with. Received: "
                    f"--vary of {', '.join(sorted(keys))}, where {self._folder} has trials of "
                    f"{', '.join(sorted(trial.values))}. Vary the same, or name another folder with --out."
                )
        # A score that is no number, as an older version stored it, is none.
        known = [replace(trial, score=None if trial.score is None or not isfinite(trial.score) else trial.score)
                 for trial in found]  # fmt: skip
        return {trial.number: trial for trial in sorted(known, key=lambda trial: trial.number)}

    def _store(self, trial: Trial) -> None:
        self._trials[trial.number] = trial
        write_object(self._folder / f"trial-{trial.number}.json", asdict(trial))


def _need_one_measure(recipe: Recipe, keys: Sequence[str], monitor: str) -> None:
    """Refuse to vary what the scores of trials are measured by: they would be ranked like numbers of one scale."""
    held_out = () if recipe.data.validation else ("data.hold_out", "data.train")
    measures = {"training.monitor", "data.validation", "data.path", "data.source", "data.target", *held_out}
    if monitor == "loss":
        measures.add("training.label_smoothing")
    if monitor in ("loss", "perplexity", "accuracy"):  # pairs that are too long are left out
        measures |= {"batches.max_source_length", "batches.max_target_length"}
    found = [key for key in keys if key in measures or key.startswith("evaluation.")]
    if monitor in ("loss", "perplexity", "accuracy"):  # per token of the vocabulary
        found += [key for key in keys if key.startswith("tokenizer.")]
    if found:
        raise SettingsError(
            "A search ranks its trials by one score, on one text of validation. Received: "
            f"--vary {', '.join(found)}, by which trials would be measured otherwise. Search on its own for each value."
        )


def _in_words_of_now(stored: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """Give what an earlier version stored of a search with the settings that there are now, as they were then."""
    table: dict[str, Any] = {}
    for name, value in stored.items():
        if not name.startswith("--"):
            *sections, last = name.split(".")
            section = table
            for each in sections:
                section = section.setdefault(each, {})
            section[last] = value
    try:
        recipe = Recipe.from_table(table, path)
    except (SettingsError, AttributeError, TypeError):  # of another form: told by what differs
        return stored
    found: dict[str, Any] = json.loads(json.dumps(by_name(recipe)))
    return {**found, **{name: value for name, value in stored.items() if name.startswith("--")}}


def _read_trial(path: Path) -> Trial:
    """Read what is known of a trial.

    Raises:
        ValueError: The file is damaged.
    """
    written = read_object(path)
    try:
        return Trial(**written)
    except TypeError:
        raise ValueError(
            f"The file of a trial has number, values, state, score and reason. Received: {path} with "
            f"{', '.join(written) or 'nothing'}. Delete it, and the trial is none of this search."
        ) from None


def _need_known(recipe: Recipe, spaces: Sequence[Space]) -> None:
    """Refuse a setting that there is not and a value that it never has; one may be right in company of another."""
    for space in spaces:
        company = [(), *((each,) for other in spaces if other is not space for each in _some(other))]
        errors = [_error(recipe, [[*each, value] for each in company]) for value in _some(space)]
        # An end of a range may be just outside; of values that are listed each has to be one.
        if errors and (any(errors) if space.values else all(errors)):
            raise next(filter(None, errors))


def _takes_fractions(recipe: Recipe, space: Space) -> bool:
    """Tell whether a setting may be something between whole numbers; where only company decides, it may not."""
    if isinstance(by_name(recipe).get(space.key), float):
        return True
    low, high = space.low or 0.0, space.high or 0.0
    try:
        recipe.override([f"{space.key}={low + min(0.5, (high - low) / 2)}"])
    except SettingsError:
        return False
    return True


def _some(space: Space) -> list[str]:
    """Give assignments of a setting: its values, or the ends of its range and the middle."""
    if space.values:
        return [f"{space.key}={value}" for value in space.values]
    low, high = space.low or 0.0, space.high or 0.0
    numbers = (low, (low + high) / 2, high)
    return [f"{space.key}={int(number) if space.whole else number}" for number in numbers]


def _error(recipe: Recipe, ways: Sequence[Sequence[str]]) -> NoSuchSettingError | None:
    """Give the first error where no way knows the setting; None where one does."""
    first = None
    for way in ways:
        try:
            recipe.override(way)
        except NoSuchSettingError as error:
            first = first or error
        except SettingsError:  # known, and in another company perhaps right
            return None
        else:
            return None
    return first


def _toml(text: str) -> str:
    """Write a value that ``--set`` takes as TOML."""
    from seq2seq.settings.toml import read_value

    return write_value(read_value(text))
