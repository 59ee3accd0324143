"""Greedy and beam search over the step of an exported model: the algorithms of `seq2seq.search`, in NumPy."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from seq2seq.runtime.beam import beam
from seq2seq.runtime.constraints import Constraints
from seq2seq.runtime.graphs import Parts
from seq2seq.runtime.greedy import greedy
from seq2seq.runtime.steps import Sequence, Steps, Task
from seq2seq.search.settings import Beam, Greedy, Search

_KNOWN = {"length_penalty", "max_length_factor", "min_length", "beam_size", "n_best"}
_SEARCHES: Mapping[type[Search], Callable[[Any, Task], list[list[Sequence]]]] = {Greedy: greedy, Beam: beam}


def search(
    settings: Search,
    steps: Steps,
    state: Parts,
    memory: Parts,
    max_length: npt.ArrayLike,
    attention: bool = False,
    constraints: Constraints | None = None,
) -> list[list[Sequence]]:
    """Search for the best target sequences of a batch of sentences.

    Args:
        settings: A `Greedy` or a `Beam`.
        steps: What is searched.
        state: What the first step starts from, `[batch, …]`.
        memory: What the steps read, `[batch, …]`.
        max_length: The most tokens of a hypothesis, `</s>` counted, `[batch]`.
        attention: Whether to give what each token looked at.
        constraints: What is asked of the hypotheses; None for nothing.

    Returns:
        For each sentence its hypotheses, best first; fewer than `n_best` where there are not so many.

    Raises:
        ValueError: For a search, or a setting of one, that this runtime does not have, or phrases without a beam.
    """
    _check(settings)
    asked = constraints if constraints is not None and constraints.asked() else None
    if asked is not None and any(asked.phrases) and not isinstance(settings, Beam):
        raise ValueError(
            "Phrases that must appear are looked for by several hypotheses side by side. "
            f"Received: phrases, with settings={settings!r}. Use Beam(10), wider than the phrases have tokens."
        )
    task = Task(steps, state, memory, np.asarray(max_length, np.int64), attention, asked)
    with np.errstate(invalid="ignore"):  # −inf − −inf: not a number, which is taken for what it is
        return _SEARCHES[type(settings)](settings, task)


def _check(settings: Search) -> None:
    if type(settings) not in _SEARCHES:
        raise ValueError(
            "This runtime searches greedily or with a beam. "
            f"Received: settings={settings!r}. Use Greedy() or Beam(), or a Translator of seq2seq."
        )
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if field.name not in _KNOWN and value != field.default:
            raise ValueError(
                f"This runtime knows {', '.join(sorted(_KNOWN))} of a search. "
                f"Received: {field.name}={value!r}. Leave it out, or use a Translator of seq2seq."
            )
