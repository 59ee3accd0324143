"""Batches of several corpora in one epoch: the text to learn, and some of other text beside it, against forgetting."""

import zlib
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import chain, count
from typing import TYPE_CHECKING

import numpy as np

from seq2seq.text.batches import Batches, StreamedBatches
from seq2seq.text.bucketing import Batch
from seq2seq.text.dataset import Feed
from seq2seq.text.length_limit import LengthLimit

if TYPE_CHECKING:
    import tensorflow as tf


class MixedBatches:
    """All batches of one corpus in each epoch, and among them some of others, which go on from epoch to epoch.

    Used as `Batches` is. A batch holds pairs of one corpus. What an epoch takes of another corpus begins where the
    epoch before ended, so that in time all of it is read; after its last batch it begins anew, in another order. Which
    step reads which corpus is drawn from the seed and the epoch: the order is a pure function of seed, epoch and step.

    Args:
        first: the batches of the text to learn; an epoch has all of them.
        others: those of other text.
        weights: for each of them how many of its batches are read per batch of the first; 1 reads as many, 0.5 half as
            many. An epoch has one at least.
        seed: another seed gives another order.

    Raises:
        ValueError: if there is not one weight above 0 for each of the others, or no other.

    Example:
        >>> news = Batches([[5], [6], [7], [8]], [[5], [6], [7], [8]], size=1)
        >>> old = Batches([[9]] * 3, [[9]] * 3, size=1)
        >>> mixed = MixedBatches(news, [old], [0.5])
        >>> mixed.steps(0), sum(int(batch.target_out[0, 0] == 9) for batch in mixed.run(0))
        (6, 2)
    """

    def __init__(
        self,
        first: Batches | StreamedBatches,
        others: Sequence[Batches | StreamedBatches],
        weights: Sequence[float],
        *,
        seed: int = 0,
    ) -> None:
        if not others or len(others) != len(weights) or not all(0 < weight < float("inf") for weight in weights):
            raise ValueError(
                "Each corpus beside the first has a weight above 0. "
                f"Received: {len(others)} others, weights={list(weights)}. Write one weight for each."
            )
        self._first, self._others, self._seed = first, list(others), seed
        self._counts = [max(1, round(weight * first.steps())) for weight in weights]
        self._feed = Feed(self.run, self.steps)

    @property
    def _parts(self) -> list[tuple[Batches | StreamedBatches, int]]:
        """All corpora, each with the number of its batches in an epoch."""
        return list(zip([self._first, *self._others], [self._first.steps(), *self._counts], strict=True))

    def steps(self, epoch: int = 0) -> int:
        """Count the batches of an epoch; every epoch has as many."""
        return sum(steps for _, steps in self._parts)

    @property
    def tokens(self) -> int:
        """Target tokens of an epoch, END counted; of the other corpora, of which it has a part, on average."""
        return sum(round(part.tokens * steps / part.steps()) for part, steps in self._parts)

    @property
    def checksum(self) -> int:
        """Over the ids of all pairs of all corpora, and how they are mixed."""
        said = ",".join(f"{part.checksum}:{steps}" for part, steps in self._parts)
        return zlib.crc32(said.encode())

    @property
    def pool(self) -> int:
        """Batches of a pool, in the first corpus; 0 for one pool of all."""
        return self._first.pool

    @property
    def fill(self) -> float:
        """Share of real tokens among all tokens of an epoch, both sides together; the rest is padding."""
        padded = [part.padded * steps / part.steps() for part, steps in self._parts]
        return sum(each * part.fill for each, (part, _) in zip(padded, self._parts, strict=True)) / sum(padded)

    @property
    def length_limit(self) -> LengthLimit:
        """How long a target may become, as the pairs of any of the corpora show it."""
        lines = chain.from_iterable(part.length_limit.lines for part, _ in self._parts)
        return LengthLimit(tuple(dict.fromkeys(lines)))

    def beyond(self, limit: LengthLimit) -> int:
        """Count the pairs of all corpora whose targets are longer than a limit."""
        return sum(part.beyond(limit) for part, _ in self._parts)

    @property
    def skipped(self) -> dict[str, int]:
        """How many pairs of all corpora are in no batch, by reason."""
        return reduce(_summed, (part.skipped for part, _ in self._parts))

    def run(self, epoch: int, step: int = 0) -> Iterator[Batch]:
        """Give the batches of an epoch from a step on, without TensorFlow."""
        order = self._order(epoch)
        done = np.bincount(order[:step], minlength=len(self._parts))
        parts = [self._first.run(epoch, int(done[0]))]
        for number, steps in enumerate(self._counts, start=1):
            parts.append(_endless(self._others[number - 1], epoch * steps + int(done[number])))
        return (next(parts[number]) for number in order[step:])

    def seek(self, epoch: int, step: int = 0) -> None:
        """Set where the next iteration of `dataset()` starts; the one after it starts at the next epoch.

        Raises:
            ValueError: if the epoch has no such step.
        """
        self._feed.seek(epoch, step)

    def dataset(self, shares: Sequence[int] = (0,), of: int = 1) -> "tf.data.Dataset":
        """Give what `fit` reads, as `Batches.dataset` does."""
        return self._feed.dataset(shares, of)

    def report(self) -> str:
        """Tell what an epoch has of each corpus, in one line.

        Example:
            >>> part = Batches([[5], [6]], [[7], [8]], size=1)
            >>> MixedBatches(part, [part], [0.5]).report()
            '2 pairs in 2 batches of at most 1 sentences, 4 target tokens, 100.0 % filled; and in each epoch 1 batch of:
            2 pairs in 2 batches of at most 1 sentences, 4 target tokens, 100.0 % filled'
        """
        beside = (
            f"; and in each epoch {steps:,} batch{'es' * (steps != 1)} of: {part.report()}"
            for part, steps in zip(self._others, self._counts, strict=True)
        )
        return self._first.report() + "".join(beside)

    def _order(self, epoch: int) -> np.ndarray:
        """Draw which corpus each step of an epoch reads, int64 [steps]."""
        labels = np.repeat(np.arange(len(self._parts)), [steps for _, steps in self._parts])
        return np.random.default_rng([self._seed, epoch, len(labels)]).permutation(labels)


def _endless(batches: Batches | StreamedBatches, place: int) -> Iterator[Batch]:
    """Give the batches of one pass after the other, from a place on that is counted over all passes."""
    passes, step = divmod(place, batches.steps())
    return chain(batches.run(passes, step), chain.from_iterable(batches.run(number) for number in count(passes + 1)))


def _summed(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in one | other}
