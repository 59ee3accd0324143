"""The one way into a search: settings, and what is searched."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from seq2seq.search.beam import beam_search
from seq2seq.search.constraints import Constraints, asked_for
from seq2seq.search.greedy import greedy_search
from seq2seq.search.hypotheses import Hypotheses
from seq2seq.search.sampling import sample_search
from seq2seq.search.settings import Beam, Greedy, Sample, Search, need_one_beam
from seq2seq.search.task import Fixed, Step, Task, special_ids, tensors

SEARCHES: Mapping[type[Search], Callable[[Any, Task], Hypotheses]] = {
    Greedy: greedy_search,
    Beam: beam_search,
    Sample: sample_search,
}
"""Which function searches with which settings."""


def search(
    settings: Search,
    step: Step,
    state: Any,
    memory: Any,
    *,
    max_length: Any,
    start: int,
    end: int,
    pad: int = 0,
    source_time: tf.Tensor | int | None = None,
    constraints: Constraints | None = None,
    source_mask: tf.Tensor | None = None,
) -> Hypotheses:
    """Search for the best target sequences of a batch of sentences.

    Graph code: call it inside a `tf.function`. Padding and start are never produced.

    Args:
        settings: A `Greedy`, a `Beam` or a `Sample`. Its `max_length_factor` is for those who know a source; here
            `max_length` counts.
        step: `step(tokens [rows] int32, state, memory) -> (logits [rows, vocab], state)`; rows = batch · beam, the rows
            of one sentence together.
        state: Any nest of tensors `[batch, ...]`, what the first step starts from; repeated inside.
        memory: Any nest of tensors `[batch, ...]`, what the steps read; never repeated.
        max_length: `[batch]` integers, the most tokens of a hypothesis, END counted.
        start: The token that the first step reads.
        end: The token that ends a sentence.
        pad: What fills up behind the end.
        source_time: Where the weights of the attention are wanted, how many positions they are for; step then gives
            them as a third thing, `[rows, source_time]`.
        constraints: What is asked of the hypotheses of each sentence; None for nothing.
        source_mask: Which source positions are real, `[batch, source_time]` bool: a coverage penalty needs it, and that
            step gives the weights of the attention, as above.

    Returns:
        The hypotheses, best first.

    Raises:
        ValueError: If the ids clash, max_length is not one positive integer per sentence, or step gives something else
            than it should.

    Example:
        >>> def step(tokens, state, memory):  # a 3, then the end (2), looking at what the memory says
        ...     return 9.0 * tf.one_hot(tf.where(tokens == 1, 3, 2), 4), state, memory
        >>> looks = tf.constant([[0.25, 0.75]])
        >>> found = search(Greedy(), step, (), looks, max_length=[5], start=1, end=2, source_time=2)
        >>> found.tokens.numpy().tolist(), found.attention.numpy().tolist()
        ([[[3, 2]]], [[[[0.25, 0.75], [0.25, 0.75]]]])
    """
    if type(settings) not in SEARCHES:
        names = ", ".join(kind.__name__ for kind in SEARCHES)
        raise TypeError(f"The settings of a search are one of {names}. Received: settings={settings!r}.")
    if settings.looks() and source_mask is None:
        raise ValueError(
            "A coverage penalty asks what the step looked at, and which positions of the source are real. "
            f"Received: settings={settings!r}, source_mask=None. Give both, or leave the penalty out."
        )
    constraints = constraints or Constraints()
    if asked_for(constraints.phrases):
        need_one_beam(settings)
    ids = special_ids(start, end, pad)
    mask = tf.cast(source_mask, tf.bool) if settings.looks() else ()
    fixed = Fixed(tensors(memory, "memory"), constraints.of(pad), mask)
    looks = source_time is not None or settings.looks()
    task = Task(step, tensors(state, "state"), fixed, max_length, ids, source_time, looks)
    return SEARCHES[type(settings)](settings, task)
