"""Ids to padded batches by length: what `fit` reads, in an order that is a pure function of seed, epoch and step."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from seq2seq.text.bucketing import (
    Array,
    Batch,
    Bucketing,
    check_settings,
    count_tokens,
    pad_batch,
    select_pairs,
    summary,
    told,
)
from seq2seq.text.dataset import Feed
from seq2seq.text.encoding import encode_corpus
from seq2seq.text.ids import Ids
from seq2seq.text.length_limit import LengthLimit
from seq2seq.text.pairs import CorpusError
from seq2seq.text.special_ids import END, PAD, START, UNKNOWN
from seq2seq.text.streaming import StreamedBatches

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["Batch", "Batches", "StreamedBatches", "encode_corpus"]


class Batches:
    """The batches of a corpus in memory.

    Args:
        source_ids: one list of ids per source, without special ids; END is appended here.
        target_ids: the target that belongs to each source; START or END is added here.
        size: bound of a batch, in `unit`.
        unit: `"sentences"` (pairs), or `"tokens"` (of the larger side, padding counted).
        max_source_length: pairs with a longer source are skipped and counted; tokens, END counted.
        max_target_length: the same for the target.
        pool: batches whose pairs are sorted by length together: in every epoch the pairs are dealt out to pools of so
            many batches anew. The more, the less padding, and the oftener the same pairs meet; 0 sorts all together.
        shuffle: draw the order from `seed` and the epoch; otherwise every epoch has the same order, by length.
        seed: another seed gives another order.

    Raises:
        ValueError: if a setting is out of range.
        CorpusError: if no pair is left, or one is too long for a batch of its own.

    Example:
        >>> batches = Batches([[5, 6], [7], [8]], [[9], [8, 7], [6]], size=2)
        >>> batches.steps(0), batches.tokens
        (2, 7)
        >>> inputs, target_out = batches.batch([1])
        >>> inputs["source"].tolist(), inputs["target_in"].tolist(), target_out.tolist()
        ([[7, 2]], [[1, 8, 7]], [[8, 7, 2]])
    """

    def __init__(
        self,
        source_ids: Ids | Sequence[Sequence[int]],
        target_ids: Ids | Sequence[Sequence[int]],
        *,
        size: int = 64,
        unit: str = "sentences",
        max_source_length: int = 100,
        max_target_length: int = 100,
        pool: int = 5,
        shuffle: bool = True,
        seed: int = 0,
    ) -> None:
        check_settings(size, unit, max_source_length, max_target_length, pool)
        self._source_ids = Ids.pack(source_ids)
        self._target_ids = Ids.pack(target_ids)
        _need_no_special("source_ids", self._source_ids)
        _need_no_special("target_ids", self._target_ids)
        if len(self._source_ids) != len(self._target_ids):
            raise ValueError(
                "Every source needs its target. "
                f"Received: {len(self._source_ids):,} sources, {len(self._target_ids):,} targets."
            )
        self._bucketing = Bucketing(size, unit, pool, shuffle, seed)
        self._kept, self.skipped = select_pairs(
            self._source_ids, self._target_ids, max_source_length, max_target_length
        )
        if not len(self._kept):
            raise CorpusError(
                f"Batches need at least one pair. Received: {len(self._source_ids):,} pairs, skipped: "
                f"{told(self.skipped) or 'none'}, with max_source_length={max_source_length}, "
                f"max_target_length={max_target_length} tokens.{' Raise them.' if self.skipped['over-long'] else ''}"
            )
        self._source_lengths = self._source_ids.lengths[self._kept] + 1
        self._target_lengths = self._target_ids.lengths[self._kept] + 1
        longest = int(max(self._source_lengths.max(), self._target_lengths.max()))
        if unit == "tokens" and longest > size:
            raise CorpusError(
                f"A batch needs room for the longest pair. Received: size={size} tokens, a pair of {longest} tokens. "
                "Raise size, or lower max_source_length and max_target_length."
            )
        self.checksum = self._target_ids.checksum(self._source_ids.checksum())
        """Over the ids of all pairs in order: another text has another one."""
        self.tokens = int(self._target_lengths.sum())
        """Target tokens of an epoch, END counted."""
        first = self._form(0)
        real, self.padded = count_tokens(self._source_lengths, self._target_lengths, first)
        """All tokens of the first epoch, both sides together, with their padding."""
        self.fill = real / self.padded
        """Share of real tokens among them."""
        self._order = 0, self._places(first)
        self._feed = Feed(self.run, self.steps)

    @property
    def pool(self) -> int:
        """Batches of a pool; 0 for one pool of all."""
        return self._bucketing.pool

    @property
    def length_limit(self) -> LengthLimit:
        """How long a target may become, as the pairs of an epoch show it."""
        return LengthLimit.learn(self._source_lengths, self._target_lengths)

    def beyond(self, limit: LengthLimit) -> int:
        """Count the pairs whose targets are longer than a limit."""
        return int(limit.beyond(self._source_lengths, self._target_lengths).sum())

    def steps(self, epoch: int = 0) -> int:
        """Count the batches of an epoch; every epoch has as many."""
        return len(self._order[1])

    def order(self, epoch: int) -> list[Array]:
        """Give the batches of an epoch in order, each as the places of its pairs in the corpus, int64 [batch]."""
        if not self._bucketing.shuffle:
            epoch = 0
        latest = self._order
        if latest[0] != epoch:
            latest = self._order = epoch, self._places(self._form(epoch))
        return latest[1]

    def batch(self, indices: Sequence[int] | Array) -> Batch:
        """Lay the pairs at these places side by side.

        Args:
            indices: places in the corpus, [batch].

        Returns:
            `({"source", "target_in"}, target_out)`, int32 [batch, source_time] and [batch, target_time], PAD on the
            right.
        """
        return pad_batch(self._source_ids, self._target_ids, np.asarray(indices, np.int64))

    def run(self, epoch: int, step: int = 0) -> Iterator[Batch]:
        """Give the batches of an epoch from a step on, without TensorFlow."""
        return map(self.batch, self.order(epoch)[step:])

    def seek(self, epoch: int, step: int = 0) -> None:
        """Set where the next iteration of `dataset()` starts; the one after it starts at the next epoch.

        Raises:
            ValueError: if the epoch has no such step.
        """
        self._feed.seek(epoch, step)

    def dataset(self, shares: Sequence[int] = (0,), of: int = 1) -> "tf.data.Dataset":
        """Give what `fit` reads; each iteration is one epoch, and the next one goes on with the next epoch.

        All batches have the shape [None, None], so that a graph is traced once, and the length of an epoch is known
        to Keras. An iteration that starts late after `seek` ends at the end of its epoch, of which `fit` warns
        ("ran out of data"). Pass `shuffle=False` to `fit`: the order is made here.

        Args:
            shares: which shares of each batch to give, one after the other, as each replica of a strategy takes one.
            of: how many shares a batch is cut into.
        """
        return self._feed.dataset(shares, of)

    def report(self) -> str:
        """Tell pairs, batches, fill, tokens and what was skipped, in one line.

        Example:
            >>> Batches([[5, 6], [7]], [[9], []], size=2).report()
            '1 pair in 1 batch of at most 2 sentences, 2 target tokens, 100.0 % filled, skipped: 1 empty'
        """
        size, unit = self._bucketing.size, self._bucketing.unit
        return summary(len(self._kept), self.steps(), size, unit, self.tokens, self.fill, self.skipped)

    def _form(self, epoch: int) -> list[Array]:
        return self._bucketing.form(self._source_lengths, self._target_lengths, epoch)

    def _places(self, batches: list[Array]) -> list[Array]:
        """Say of batches of the pairs that stay where these are in the corpus."""
        return [self._kept[batch] for batch in batches]


def _need_no_special(name: str, ids: Ids) -> None:
    """Refuse ids that no text has: batches put in padding and the marks of beginning and end themselves."""
    wrong = np.flatnonzero(ids.flat < UNKNOWN)
    if len(wrong):
        place = int(ids.starts.searchsorted(wrong[0], side="right")) - 1
        raise ValueError(
            f"Ids of text begin at {UNKNOWN}, which stands for an unknown piece; padding ({PAD}), <s> ({START}) and "
            f"</s> ({END}) are put in here. Received: {name}[{place}]={ids[place].tolist()!r:.80}. Leave these out, "
            "or count your own ids from 4 on."
        )
