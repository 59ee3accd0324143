"""A lexical shortlist: the target pieces that a source is likely to need, so that decoding scores no others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seq2seq.text.special_ids import END, PAD, START

# Above it, sentences at even distances stand for all: 24 bytes a pair of positions, and EM reads all of them each time.
_MOST_PAIRS = 20_000_000


class Shortlist:
    """Which target pieces are scored for a source: some for each of its pieces, and the most frequent ones always.

    Args:
        frequent: Target ids that belong to every shortlist, `[frequent]` int32.
        likely: Per source id the target ids that it is likely to become, filled with PAD, `[source_vocab, most]` int32.

    Example:
        >>> shortlist = Shortlist.learn([[5], [6], [5, 6]], [[7], [8], [8, 7]], 9, 9, frequent=0, per_piece=1)
        >>> shortlist.of(np.array([[5, 2]])).tolist()
        [0, 1, 2, 7]

    Source:
        Jean et al. 2015, section 3.3; the likely pieces by Brown et al. 1993, Model 1.
    """

    def __init__(self, frequent: np.ndarray, likely: np.ndarray) -> None:
        if likely.ndim != 2 or frequent.ndim != 1 or not frequent.dtype == likely.dtype == np.int32:
            raise ValueError(
                "A shortlist is frequent [frequent] and likely [source_vocab, most], both int32. Received: shapes "
                f"{frequent.shape} and {likely.shape}, types {frequent.dtype} and {likely.dtype}."
            )
        if min(frequent.min(initial=0), likely.min(initial=0)) < 0:
            raise ValueError("The ids of a shortlist are not negative. Received: a negative id.")
        self.frequent = frequent
        self.likely = likely

    @classmethod
    def learn(
        cls,
        source_ids: Sequence[Sequence[int]],
        target_ids: Sequence[Sequence[int]],
        source_vocab: int,
        target_vocab: int,
        *,
        frequent: int = 200,
        per_piece: int = 20,
        iterations: int = 4,
    ) -> Shortlist:
        """Learn from encoded pairs of sentences which target piece goes with which source piece.

        Args:
            source_ids: Ids of every source sentence, without special ids.
            target_ids: Ids of every target sentence, in the same order.
            source_vocab: Number of source ids.
            target_vocab: Number of target ids.
            frequent: How many of the most frequent target pieces belong to every shortlist.
            per_piece: Target pieces per source piece, at most.
            iterations: Rounds of expectation maximization of IBM Model 1.

        Returns:
            The shortlist.
        """
        counts = np.bincount(np.concatenate([[], *target_ids]).astype(np.int64), minlength=target_vocab)
        most = np.argsort(-counts, kind="stable")[:frequent]
        pairs = [(s, t) for s, t in zip(source_ids, target_ids, strict=True) if len(s) and len(t)]
        total = sum(len(source) * len(target) for source, target in pairs)
        pairs = pairs[:: 1 + total // _MOST_PAIRS]
        likely = np.full((source_vocab, per_piece), PAD, np.int32)
        if pairs:
            sources, targets, probabilities = _model_1(pairs, target_vocab, iterations)
            order = np.lexsort((targets, -probabilities, sources))
            sources, targets = sources[order], targets[order]
            # The rank of each among those of its source piece.
            ranks = np.arange(len(sources)) - np.searchsorted(sources, sources)
            kept = ranks < per_piece
            likely[sources[kept], ranks[kept]] = targets[kept]
        return cls(most[counts[most] > 0].astype(np.int32), likely)

    def of(self, source: np.ndarray) -> np.ndarray:
        """Give the target ids for a batch.

        Args:
            source: Ids, `[batch, source_time]`.

        Returns:
            The ids in ascending order, padding, start and end first at their own places, `[shortlisted]` int32.
        """
        pieces = np.unique(source)
        return np.unique(np.concatenate([[PAD, START, END], self.frequent, self.likely[pieces].ravel()])).astype(
            np.int32
        )

    def check(self, source_vocab: int, target_vocab: int) -> None:
        """Refuse a shortlist of other vocabularies.

        Raises:
            ValueError: It is one of other vocabularies.
        """
        greatest = max(self.frequent.max(initial=0), self.likely.max(initial=0))
        if len(self.likely) != source_vocab or greatest >= target_vocab:
            raise ValueError(
                "A shortlist belongs to the vocabularies that it was learnt with. "
                f"Received: one of {len(self.likely):,} source ids and target ids up to {greatest:,}, for vocabularies "
                f"of {source_vocab:,} and {target_vocab:,}. Learn it with the tokenizers of this translator."
            )

    def to_bytes(self) -> bytes:
        """Write it as plain numbers: how many frequent ids, rows and columns of likely ones; then the ids."""
        parts = [np.array([len(self.frequent), *self.likely.shape]), self.frequent, self.likely.ravel()]
        return np.concatenate(parts).astype("<i4").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Shortlist:
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: The bytes are no shortlist.
        """
        numbers = np.frombuffer(data[: len(data) // 4 * 4], "<i4").astype(np.int32)
        frequent, rows, columns = numbers[:3].tolist() if len(numbers) >= 3 else (-1, -1, -1)
        if min(frequent, rows, columns) < 0 or 4 * (3 + frequent + rows * columns) != len(data):
            raise ValueError(f"These {len(data):,} bytes are no shortlist: it begins with the numbers of its ids.")
        return cls(numbers[3 : 3 + frequent], numbers[3 + frequent :].reshape(rows, columns))


def _model_1(
    pairs: Sequence[tuple[Sequence[int], Sequence[int]]], target_vocab: int, iterations: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """IBM Model 1: how probable each target piece is, given a source piece that it stood beside at least once.

    Returns:
        Source ids, target ids and probabilities, one entry per pair of pieces seen together.
    """
    source_lengths, target_lengths = (np.array([len(pair[side]) for pair in pairs]) for side in (0, 1))
    sources, targets = (np.concatenate([np.asarray(pair[side], np.int64) for pair in pairs]) for side in (0, 1))
    # Every target position meets all source positions of its sentence: `position` numbers the target positions.
    meets = np.repeat(source_lengths, target_lengths)
    position = np.repeat(np.arange(len(targets)), meets)
    within = np.arange(len(position)) - np.repeat(np.cumsum(meets) - meets, meets)
    first_source = np.repeat(np.cumsum(source_lengths) - source_lengths, target_lengths)
    keys = sources[first_source[position] + within] * target_vocab + targets[position]
    keys, entry = np.unique(keys, return_inverse=True)
    source_of, target_of = keys // target_vocab, keys % target_vocab
    probabilities = np.ones(len(keys))
    for _ in range(iterations):
        share = probabilities[entry]
        share /= np.bincount(position, share)[position]
        counts = np.bincount(entry, share, minlength=len(keys))
        probabilities = counts / np.bincount(source_of, counts)[source_of]
    return source_of, target_of, probabilities
