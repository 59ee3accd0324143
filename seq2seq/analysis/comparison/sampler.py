"""Draws settings for a search, at random or by what the trials so far have shown (TPE): optuna does it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from seq2seq.analysis.comparison.plan import read_choices
from seq2seq.settings import SettingsError
from seq2seq.system.choices import need_choice

SAMPLERS = ("random", "tpe")
"""How settings are drawn: each by itself, or by a model of which settings did well (Bergstra et al. 2011)."""

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"


class Space(NamedTuple):
    """The values that a setting may have in a search: a range, or a choice.

    Attributes:
        key: The setting.
        low: Lower end of the range; None for a choice.
        high: Upper end.
        whole: Whether the range is of whole numbers.
        values: The choice.
    """

    key: str
    low: float | None = None
    high: float | None = None
    whole: bool = False
    values: tuple[str, ...] = ()

    @property
    def logarithmic(self) -> bool:
        """Whether a range is searched by factors: from 0.1 to 1 as much as from 1 to 10."""
        return self.low is not None and self.high is not None and 0 < 10 * self.low <= self.high


def read_space(text: str) -> Space:
    """Read what ``--vary`` says in a search: values, or a range.

    Example:
        >>> read_space("training.learning_rate=1e-4..1e-2").logarithmic, read_space("model.embedding=64,128").values
        (True, ('64', '128'))
    """
    key, values = read_choices(text)
    match = re.fullmatch(f"({_NUMBER})\\s*\\.\\.\\s*({_NUMBER})", values[0]) if len(values) == 1 else None
    if not match:
        return Space(key, values=tuple(values))
    whole = all(re.fullmatch(r"[+-]?\d+", end) for end in match.groups())
    low, high = map(float, match.groups())
    if low >= high:
        raise SettingsError(f"A range goes from its lower end to its upper one. Received: {text}.")
    return Space(key, low, high, whole)


class Sampler:
    """Draws settings, and learns what came of them.

    Args:
        name: One of ``SAMPLERS``.
        spaces: What may be drawn.
        higher: Whether a higher score is better.
        seed: Of the draws.

    Raises:
        ValueError: The name is unknown.
        ImportError: optuna is not installed.
    """

    def __init__(self, name: str, spaces: Sequence[Space], *, higher: bool, seed: int) -> None:
        need_choice("search", name, SAMPLERS)
        optuna = _optuna()
        samplers = optuna.samplers
        chosen = samplers.TPESampler(seed=seed) if name == "tpe" else samplers.RandomSampler(seed=seed)
        self._study = optuna.create_study(direction="maximize" if higher else "minimize", sampler=chosen)
        self._distributions = {space.key: _distribution(space) for space in spaces}
        self._asked: dict[int, Any] = {}

    def draw(self, number: int) -> dict[str, Any]:
        """Draw the settings of a trial.

        Args:
            number: Of the trial; by it :meth:`learn` knows it.
        """
        self._asked[number] = trial = self._study.ask(self._distributions)
        return dict(trial.params)

    def learn(self, number: int, values: Mapping[str, Any], score: float | None) -> None:
        """Hear what came of a trial, drawn here or in an earlier process.

        Args:
            number: Of the trial.
            values: Its settings.
            score: Its best score; None where it failed.
        """
        trials = _optuna().trial
        state = trials.TrialState.FAIL if score is None else trials.TrialState.COMPLETE
        if trial := self._asked.pop(number, None):
            self._study.tell(trial, score, state)
        else:
            self._study.add_trial(
                trials.create_trial(
                    state=state, value=score, params=dict(values), distributions=dict(self._distributions)
                )
            )


def _distribution(space: Space) -> Any:
    distributions = _optuna().distributions
    if space.low is None or space.high is None:
        return distributions.CategoricalDistribution(space.values)
    if space.whole:
        return distributions.IntDistribution(int(space.low), int(space.high), log=space.logarithmic)
    return distributions.FloatDistribution(space.low, space.high, log=space.logarithmic)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise ImportError(
            "A search draws its settings by optuna, which is not installed. Install it: pip install 'seq2seq[search]'. "
            "Without it, --vary KEY=V1,V2 trains every combination."
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # we tell what happens
    return optuna
