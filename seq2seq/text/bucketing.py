"""Which pairs share a batch, and how a batch is padded: NumPy only, no loop over pairs."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.system.choices import need_choice
from seq2seq.text.ids import Ids
from seq2seq.text.special_ids import END, PAD, START

Array = npt.NDArray[np.int64]

UNITS = ("sentences", "tokens")
"""What bounds a batch: its pairs, or the tokens of its larger side, padding counted."""


class Batch(NamedTuple):
    """What one training step reads: int32 [batch, source_time] or [batch, target_time], PAD on the right."""

    inputs: dict[str, npt.NDArray[np.int32]]
    """`source` (ends with END) and `target_in` (begins with START)."""

    target_out: npt.NDArray[np.int32]
    """Ends with END."""


class Bucketing(NamedTuple):
    """How the pairs of a corpus, or of a part of it, are put into batches, whatever the epoch."""

    size: int
    unit: str
    pool: int
    shuffle: bool
    seed: int

    def form(self, source_lengths: Array, target_lengths: Array, *place: int) -> list[Array]:
        """Form batches, drawn from the seed and from where they stand: their epoch, and their part of the corpus."""
        random = np.random.default_rng([self.seed, *place]) if self.shuffle else None
        return form_batches(
            source_lengths, target_lengths, size=self.size, unit=self.unit, random=random, pool=self.pool
        )


def check_settings(size: int, unit: str, max_source_length: int, max_target_length: int, pool: int) -> None:
    """Refuse settings of batches that cannot be meant.

    Raises:
        ValueError: if the unit is unknown or a number is too small.
    """
    need_choice("unit", unit, UNITS)
    if size < 1:
        raise ValueError(f"A batch needs room for something. Received: size={size} {unit}.")
    if min(max_source_length, max_target_length) < 2:
        raise ValueError(
            "The longest source and target need at least one token and END. "
            f"Received: max_source_length={max_source_length}, max_target_length={max_target_length}."
        )
    if pool < 0:
        raise ValueError(f"A pool has some batches, or none for one pool of all. Received: pool={pool}.")


def select_pairs(
    source_ids: Ids, target_ids: Ids, max_source_length: int, max_target_length: int
) -> tuple[Array, dict[str, int]]:
    """Leave out pairs that cannot be learnt from: without a token on one side, or longer than the bounds.

    Args:
        source_ids: sources without special ids.
        target_ids: targets without special ids.
        max_source_length: tokens, END counted.
        max_target_length: tokens, END counted.

    Returns:
        The places of the pairs that stay, int64, and how many were skipped by reason.

    Example:
        >>> ids = Ids.pack([[5], [], [6, 7, 8]])
        >>> select_pairs(ids, ids, 3, 3)
        (array([0]), {'empty': 1, 'over-long': 1})
    """
    source_lengths, target_lengths = source_ids.lengths, target_ids.lengths
    empty = (source_lengths == 0) | (target_lengths == 0)
    long = ~empty & ((source_lengths >= max_source_length) | (target_lengths >= max_target_length))
    return np.flatnonzero(~empty & ~long), {"empty": int(empty.sum()), "over-long": int(long.sum())}


def form_batches(
    source_lengths: Array,
    target_lengths: Array,
    *,
    size: int,
    unit: str,
    random: np.random.Generator | None,
    pool: int = 0,
) -> list[Array]:
    """Group pairs of like length into batches.

    Pairs are sorted by target length, then source length, and cut into batches; pairs of the same lengths are in random
    order. With pools they are dealt out before: of each run of neighbours one pair goes to each pool, and every pool is
    cut by itself. So batches differ from epoch to epoch while their number, which depends on the sorted lengths alone,
    does not: Keras takes the length of the first epoch for that of all.

    Args:
        source_lengths: tokens of each source, int64 [pairs].
        target_lengths: tokens of each target, int64 [pairs].
        size: bound of a batch, in `unit`.
        unit: `"sentences"` or `"tokens"`; in tokens, pairs × the longest source or target of the batch stays within
            `size`, whatever the other side has.
        random: draws who shares a pool, the order of equal pairs and that of the batches; None keeps the order by
            length, in one pool.
        pool: batches of a pool; 0 is one pool for all.

    Returns:
        For each batch the places of its pairs, int64; every pair stands in one batch.

    Example:
        >>> lengths = np.array([9, 2, 8, 2])
        >>> [batch.tolist() for batch in form_batches(lengths, lengths, size=2, unit="sentences", random=None)]
        [[1, 3], [2, 0]]
    """
    count = len(target_lengths)
    ties = random.permutation(count) if random else np.arange(count)
    order = np.lexsort((ties, source_lengths, target_lengths))
    longest = np.maximum(source_lengths, target_lengths)[order]
    cuts = _cuts(longest, size, unit)
    # Rather more pools than larger ones, whose last few pairs would be a batch more in each of them.
    pools = -(-(len(cuts) + 1) // pool) if random and pool else 1
    if random and pools > 1:
        batches = _dealt(order, longest, pools, size, unit, random)
    else:
        batches = np.split(order, cuts) if count else []
    return [batches[i] for i in random.permutation(len(batches))] if random else batches


def count_tokens(source_lengths: Array, target_lengths: Array, batches: list[Array]) -> tuple[int, int]:
    """Count the real tokens of batches and all their tokens, padding counted; both sides together."""
    padded = sum(len(batch) * int(source_lengths[batch].max() + target_lengths[batch].max()) for batch in batches)
    return int(source_lengths.sum() + target_lengths.sum()), padded


def pad(ids: Ids, indices: Array) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Lay some lists of ids under each other, END behind each, padded to the longest.

    Args:
        ids: lists without special ids.
        indices: which lists, int64 [batch].

    Returns:
        The ids, int32 [batch, time], and where one of them or END stands.

    Example:
        >>> pad(Ids.pack([[5, 6], [7]]), np.array([0, 1]))[0].tolist()
        [[5, 6, 2], [7, 2, 0]]
    """
    lengths = ids.lengths[indices][:, None]
    time = np.arange(int(lengths.max()) + 1)[None, :]
    padded = np.full((len(indices), time.shape[1]), PAD, np.int32)
    inside = time < lengths
    padded[inside] = ids.flat[(ids.starts[indices][:, None] + time)[inside]]
    padded[np.arange(len(indices)), lengths[:, 0]] = END
    return padded, time <= lengths


def pad_batch(source_ids: Ids, target_ids: Ids, indices: Array) -> Batch:
    """Lay the ids of some pairs side by side, with their special ids, padded to the longest.

    Args:
        source_ids: sources without special ids.
        target_ids: targets without special ids.
        indices: which pairs, int64 [batch].

    Returns:
        The batch, as wide as its longest source and longest target with one special id each.

    Example:
        >>> ids = Ids.pack([[5, 6], [7]])
        >>> inputs, target_out = pad_batch(ids, ids, np.array([0, 1]))
        >>> inputs["source"].tolist(), inputs["target_in"].tolist()
        ([[5, 6, 2], [7, 2, 0]], [[1, 5, 6], [1, 7, 0]])
    """
    source, _ = pad(source_ids, indices)
    target_out, real = pad(target_ids, indices)
    # One to the right of target_out, less the END that fell on the way.
    target_in = np.full_like(target_out, PAD)
    target_in[:, 1:] = np.where(real[:, 1:], target_out[:, :-1], PAD)
    target_in[:, 0] = START
    return Batch({"source": source, "target_in": target_in}, target_out)


def share_of(batch: Batch, share: int, of: int) -> Batch:
    """Give one of several shares of a batch, with no more padding than it needs; together they are the batch.

    Every share has pairs of all lengths. Where there are more shares than pairs, some shares get a row that is no pair:
    a source without words and a target without a token, of which nothing is learnt.

    Args:
        batch: the whole batch.
        share: which share, from 0.
        of: how many shares there are; 1 gives the batch as it is.

    Example:
        >>> batch = pad_batch(ids := Ids.pack([[5, 6], [7]]), ids, np.array([0, 1]))
        >>> [share_of(batch, share, 3).inputs["source"].tolist() for share in range(3)]
        [[[5, 6, 2]], [[7, 2]], [[2]]]
        >>> share_of(batch, 2, 3).target_out.tolist()
        [[0]]
    """
    if of == 1:
        return batch
    inputs, target_out = batch
    if share >= len(target_out):
        row = np.array([[END]], np.int32), np.array([[START]], np.int32), np.array([[PAD]], np.int32)
        return Batch({"source": row[0], "target_in": row[1]}, row[2])
    source, target_in, target_out = (rows[share::of] for rows in (inputs["source"], inputs["target_in"], target_out))
    source_time, target_time = (int(np.count_nonzero(rows != PAD, axis=1).max()) for rows in (source, target_out))
    return Batch(
        {"source": source[:, :source_time], "target_in": target_in[:, :target_time]}, target_out[:, :target_time]
    )


def summary(pairs: int, steps: int, size: int, unit: str, tokens: int, fill: float, skipped: dict[str, int]) -> str:
    """Tell what batches hold, in one line."""
    return (
        f"{pairs:,} pair{'s' * (pairs != 1)} in {steps:,} batch{'es' * (steps != 1)} of at most {size:,} {unit}, "
        f"{tokens:,} target tokens, {100 * fill:.1f} % filled"
        + (f", skipped: {told(skipped)}" if any(skipped.values()) else "")
    )


def told(skipped: dict[str, int]) -> str:
    """Write counts by reason, those that are zero left out."""
    return ", ".join(f"{count:,} {reason}" for reason, count in skipped.items() if count)


def _dealt(order: Array, longest: Array, pools: int, size: int, unit: str, random: np.random.Generator) -> list[Array]:
    """Deal sorted pairs out to pools, one of each run of neighbours to each, and cut every pool into batches.

    Where a cut falls is decided by the longest pair of each run, so that it is the same for all pools and every draw.
    """
    starts = np.arange(0, len(order), pools)
    rows = np.full((len(starts), pools), -1)
    rows.flat[: len(order)] = order
    rows = random.permuted(rows, axis=1)  # a last run that is no whole one goes to as many pools as it has pairs
    cuts = _cuts(np.maximum.reduceat(longest, starts), size, unit)
    pieces = [piece[piece >= 0] for column in rows.T for piece in np.split(column, cuts)]
    return [piece for piece in pieces if len(piece)]


def _cuts(longest: Array, size: int, unit: str) -> Array:
    """Cut sorted pairs into batches."""
    return np.arange(size, len(longest), size) if unit == "sentences" else _cuts_by_tokens(longest, size)


def _cuts_by_tokens(lengths: Array, size: int) -> Array:
    """Cut sorted pairs where one more would make pairs × longest exceed `size`; a loop over batches."""
    cuts = []
    start = 0
    while start < len(lengths):
        # No batch has more pairs than this; the longest so far only grows, so the bound is met up to one place.
        longest = np.maximum.accumulate(lengths[start : start + max(1, size // int(lengths[start]))])
        start += max(1, int(np.count_nonzero(longest * np.arange(1, len(longest) + 1) <= size)))
        cuts.append(start)
    return np.array(cuts[:-1], np.int64)
