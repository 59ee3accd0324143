"""Batches of a corpus that is read as a stream, window by window, so that memory stays flat whatever its size."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

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
from seq2seq.text.corpus import Corpus
from seq2seq.text.dataset import Feed
from seq2seq.text.ids import Ids
from seq2seq.text.length_limit import LengthLimit
from seq2seq.text.pairs import CorpusError, Pair
from seq2seq.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import tensorflow as tf


class StreamedBatches:
    """The batches of a streamed corpus: pairs are read, tokenised, sorted and batched window by window.

    Used as `Batches` is. The windows are the same in every epoch, and so is the number of batches; within a window
    pools and order are drawn from the seed, the epoch and the window. What is known of the whole (`steps`, `fill`,
    `tokens`, `skipped`) is counted in a pass over the stream of its own, at first use.

    Args:
        corpus: what to read, once per epoch; it must give the same pairs at every pass.
        source_tokenizer: for the sources.
        target_tokenizer: for the targets.
        size: bound of a batch, in `unit`.
        unit: `"sentences"` (pairs), or `"tokens"` (of the larger side, padding counted).
        max_source_length: pairs with a longer source are skipped and counted; tokens, END counted.
        max_target_length: the same for the target.
        pool: batches of a window whose pairs are sorted by length together, as in `Batches`.
        shuffle: draw the order inside a window; otherwise it is by length.
        seed: another seed gives another order.
        window: pairs that are in memory at once.

    Raises:
        ValueError: if a setting is out of range.

    Example:
        >>> from seq2seq.text import Corpus
        >>> corpus = Corpus(lambda: iter([Pair("a", "b b"), Pair("b a", "a")]), name="letters", streamed=True)
        >>> tokenizer = Tokenizer.train(["a b"], kind="word")
        >>> StreamedBatches(corpus, tokenizer, tokenizer, size=1).report()
        '2 pairs in 2 batches of at most 1 sentences, 5 target tokens, 100.0 % filled'
    """

    def __init__(
        self,
        corpus: Corpus,
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        *,
        size: int = 64,
        unit: str = "sentences",
        max_source_length: int = 100,
        max_target_length: int = 100,
        pool: int = 5,
        shuffle: bool = True,
        seed: int = 0,
        window: int = 20_000,
    ) -> None:
        check_settings(size, unit, max_source_length, max_target_length, pool)
        if unit == "tokens" and max(max_source_length, max_target_length) > size:
            raise ValueError(
                "A batch needs room for the longest pair of a stream that nobody has seen. "
                f"Received: size={size} tokens, max_source_length={max_source_length}, "
                f"max_target_length={max_target_length}. Raise size, or lower the bounds."
            )
        if window < 1:
            raise ValueError(f"A window needs at least one pair. Received: window={window}.")
        self._corpus = corpus
        self._tokenizers = source_tokenizer, target_tokenizer
        self._bucketing = Bucketing(size, unit, pool, shuffle, seed)
        self._max_source_length, self._max_target_length = max_source_length, max_target_length
        self._window = window
        self._known: _Survey | None = None
        self._feed = Feed(self.run, self.steps)

    def steps(self, epoch: int = 0) -> int:
        """Count the batches of an epoch; every epoch has as many."""
        return sum(self._survey.steps)

    @property
    def pool(self) -> int:
        """Batches of a pool; 0 for one pool of a whole window."""
        return self._bucketing.pool

    @property
    def tokens(self) -> int:
        """Target tokens of an epoch, END counted."""
        return self._survey.tokens

    @property
    def checksum(self) -> int:
        """Over the ids of all pairs in order: another text has another one."""
        return self._survey.checksum

    @property
    def padded(self) -> int:
        """All tokens of an epoch, both sides together, with their padding."""
        return self._survey.padded

    @property
    def fill(self) -> float:
        """Share of real tokens among them."""
        return self._survey.real / self._survey.padded

    @property
    def length_limit(self) -> LengthLimit:
        """How long a target may become, as the pairs of an epoch show it."""
        sources, targets, counts = self._survey.lengths.T
        return LengthLimit.learn(sources, targets, counts)

    def beyond(self, limit: LengthLimit) -> int:
        """Count the pairs whose targets are longer than a limit, in a pass of its own at first use."""
        sources, targets, counts = self._survey.lengths.T
        return int(counts[limit.beyond(sources, targets)].sum())

    @property
    def skipped(self) -> dict[str, int]:
        """How many pairs of the corpus are in no batch, by reason."""
        return dict(self._survey.skipped)

    def report(self) -> str:
        """Tell pairs, batches, fill, tokens and what was skipped, in one line.

        What the corpus skipped itself is told here too: of a stream it is known only after a pass.
        """
        known = self._survey
        size, unit = self._bucketing.size, self._bucketing.unit
        line = summary(known.pairs, self.steps(), size, unit, known.tokens, self.fill, known.skipped)
        return line + (f"; skipped in the stream: {told(known.unread)}" if any(known.unread.values()) else "")

    def run(self, epoch: int, step: int = 0) -> Iterator[Batch]:
        """Give the batches of an epoch from a step on, without TensorFlow.

        Windows before the step are read, but not tokenised if they have been counted.
        """
        known = self._known.steps if self._known else ()
        for number, pairs in enumerate(self._windows()):
            if number < len(known) and step >= known[number]:
                step -= known[number]
                continue
            window = self._encode(pairs)
            order = self._form(window, epoch, number)
            for places in order[step:]:
                yield pad_batch(window.source_ids, window.target_ids, window.kept[places])
            step = max(0, step - len(order))

    def seek(self, epoch: int, step: int = 0) -> None:
        """Set where the next iteration of `dataset()` starts; the one after it starts at the next epoch.

        Raises:
            ValueError: if the epoch has no such step.
        """
        self._feed.seek(epoch, step)

    def dataset(self, shares: Sequence[int] = (0,), of: int = 1) -> "tf.data.Dataset":
        """Give what `fit` reads, as `Batches.dataset` does."""
        return self._feed.dataset(shares, of)

    @property
    def _survey(self) -> "_Survey":
        if self._known is None:
            self._known = self._count()
        return self._known

    def _count(self) -> "_Survey":
        steps: list[int] = []
        pairs_kept = tokens = real = padded = checksum = 0
        skipped: Counter[str] = Counter()
        lengths: Counter[tuple[int, int]] = Counter()
        for number, pairs in enumerate(self._windows()):
            window = self._encode(pairs)
            order = self._form(window, 0, number)
            steps.append(len(order))
            checksum = window.target_ids.checksum(window.source_ids.checksum(checksum))
            pairs_kept += len(window.kept)
            tokens += int(window.target_lengths.sum())
            counts = count_tokens(window.source_lengths, window.target_lengths, order)
            real, padded = real + counts[0], padded + counts[1]
            skipped.update(window.skipped)
            # Far fewer than pairs, and all that a length limit asks for.
            lengths.update(zip(window.source_lengths.tolist(), window.target_lengths.tolist(), strict=True))
        if not pairs_kept:
            raise CorpusError(
                f"Batches need at least one pair. Received: {self._corpus.report()}, of which no pair is within "
                f"max_source_length={self._max_source_length}, max_target_length={self._max_target_length} tokens."
            )
        counted = np.array([(*pair, count) for pair, count in lengths.items()])
        return _Survey(steps, pairs_kept, tokens, real, padded, skipped, self._corpus.skipped, counted, checksum)

    def _windows(self) -> Iterator[list[Pair]]:
        pairs = iter(self._corpus)
        while window := list(islice(pairs, self._window)):
            yield window

    def _encode(self, pairs: list[Pair]) -> "_Window":
        texts = zip(*pairs, strict=True)
        source_ids, target_ids = (
            Ids.pack(tokenizer.encode_batch(side)) for tokenizer, side in zip(self._tokenizers, texts, strict=True)
        )
        kept, skipped = select_pairs(source_ids, target_ids, self._max_source_length, self._max_target_length)
        lengths = source_ids.lengths[kept] + 1, target_ids.lengths[kept] + 1
        return _Window(source_ids, target_ids, kept, *lengths, skipped)

    def _form(self, window: "_Window", epoch: int, number: int) -> list[Array]:
        return self._bucketing.form(window.source_lengths, window.target_lengths, epoch, number)


class _Window(NamedTuple):
    """Some pairs of the stream as ids, and which of them stay."""

    source_ids: Ids
    target_ids: Ids
    kept: Array
    source_lengths: Array
    target_lengths: Array
    skipped: dict[str, int]


class _Survey(NamedTuple):
    """What a pass over the stream tells; the steps are per window."""

    steps: list[int]
    pairs: int
    tokens: int
    real: int
    padded: int
    skipped: dict[str, int]
    unread: dict[str, int]
    """What the corpus itself left out."""
    lengths: Array
    """Each pair of lengths, source and target, END counted, and how often it occurs, [pairs of lengths, 3]."""
    checksum: int
