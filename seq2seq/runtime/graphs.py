"""The two graphs of an exported model, run by onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.system.machine import cores
from seq2seq.text.special_ids import END

NEXT = ".next"
"""Behind the name of a part of the state: what it is after the step."""

Parts = dict[str, npt.NDArray[Any]]
"""Arrays by name, `[rows, …]`."""


class Offered(NamedTuple):
    """What a step offers.

    Attributes:
        tokens: The best tokens of each row, of equal ones the first, `[rows, count]`; behind them those that were asked
            for.
        logits: Theirs.
        end: The logit of the end, `[rows, 1]`.
        total: The log-sum-exp over all logits, `[rows, 1]`.
        state: The state after the step.
        attention: `[rows, source_time]`; None where nobody asked for it.
    """

    tokens: npt.NDArray[np.int64]
    logits: npt.NDArray[np.float32]
    end: npt.NDArray[np.float32]
    total: npt.NDArray[np.float32]
    state: Parts
    attention: npt.NDArray[np.float32] | None


class Graphs:
    """An exported model.

    Args:
        encoder: The bytes of `encoder.onnx`.
        step: The bytes of `step.onnx`.
        state: The names of the parts of the state.
        memory: The names of what the steps read.
        threads: How many threads an operation may take; 0 for as many as onnxruntime thinks right.

    Attributes:
        vocab_size: Tokens of the target.
        at_a_time: How many runs, each in a thread of its own, keep all cores at work.
    """

    def __init__(
        self, encoder: bytes, step: bytes, state: Sequence[str], memory: Sequence[str], threads: int = 1
    ) -> None:
        self.at_a_time = max(1, cores() // threads) if threads else 1
        self._encoder, self._step = (_session(data, threads) for data in (encoder, step))
        self._state, self._memory = list(state), list(memory)
        plain = ["places", "best", "end", "total", *(name + NEXT for name in self._state)]
        self._wanted = {False: plain, True: [*plain, "attention"]}
        self.vocab_size = next(one.shape[1] for one in self._step.get_outputs() if one.name == "logits")

    def start(self, source: npt.NDArray[np.int64]) -> tuple[Parts, Parts]:
        """Read sources.

        Args:
            source: Ids, each sentence ending with `</s>`, padding on the right, `[batch, source_time]`.

        Returns:
            The state before the first step, and what the steps read.
        """
        names = [*self._state, *self._memory]
        found = dict(zip(names, self._encoder.run(names, {"source": source}), strict=True))
        return {name: found[name] for name in self._state}, {name: found[name] for name in self._memory}

    def step(
        self,
        tokens: npt.NDArray[np.int64],
        state: Parts,
        memory: Parts,
        count: int,
        attention: bool = False,
        more: npt.NDArray[np.int64] | None = None,
    ) -> Offered:
        """Read one token per row.

        Args:
            tokens: Ids, `[rows]`; rows may be a multiple of the memory's batch (beams), those of a sentence together.
            state: The state before.
            memory: What `start` gave, `[batch, …]`.
            count: How many tokens are to be offered; as many as there are where the vocabulary is smaller.
            attention: Whether the attention is wanted.
            more: Tokens that are offered behind the best, whatever their logits, `[rows, more]`.
        """
        given = {"tokens": tokens, "count": np.array([min(count, self.vocab_size)]), **state, **memory}
        wanted = self._wanted[attention]
        places, best, end, total, *rest = self._step.run(wanted if more is None else [*wanted, "logits"], given)
        every = None if more is None else rest.pop()
        if not np.isfinite(total).all():
            places, best, end, total = _without_nan(self.logits(tokens, state, memory)[0], count)
        if more is not None:
            places = np.concatenate([places, more], axis=1)
            best = np.concatenate([best, np.take_along_axis(every, more, axis=1)], axis=1)
        after = dict(zip(self._state, rest, strict=False))
        return Offered(places, best, end, total, after, rest[-1] if attention else None)

    def logits(
        self, tokens: npt.NDArray[np.int64], state: Parts, memory: Parts
    ) -> tuple[npt.NDArray[np.float32], Parts]:
        """Give all logits of a step, `[rows, vocab]`, and the state after it."""
        names = ["logits", *(name + NEXT for name in self._state)]
        logits, *after = self._step.run(names, {"tokens": tokens, "count": np.array([1]), **state, **memory})
        return logits, dict(zip(self._state, after, strict=True))


def need_onnxruntime() -> None:
    """Refuse an environment without onnxruntime.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    try:
        import onnxruntime  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "An exported model is run by onnxruntime. Received: an environment without it. "
            "Install it: pip install onnxruntime numpy sentencepiece."
        ) from error


def _session(data: bytes, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # what it advises of models is for those who write them
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _without_nan(logits: npt.NDArray[np.float32], count: int) -> tuple[npt.NDArray[Any], ...]:
    """What a step offers, −inf for NaN."""
    logits = np.where(np.isnan(logits), -np.inf, logits).astype(np.float32)
    places = np.argsort(-logits, axis=1, kind="stable")[:, :count]
    with np.errstate(all="ignore"):  # infinite logits have no sum
        total = np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return places, np.take_along_axis(logits, places, axis=1), logits[:, [END]], total
