"""What a hypothesis must hold to: how it begins, and which tokens may not come next."""

from typing import Any, NamedTuple

import tensorflow as tf


class Constraints(NamedTuple):
    """What is asked of the hypotheses of each sentence, in ids; an empty tuple where nothing is.

    Args:
        prefix: `[batch, prefix_time]` integers, the tokens that a hypothesis begins with, padding on the right.
        avoid: `[batch, phrases, phrase_time]` integers, phrases that must not occur, padding on the right; one of
            padding alone is none.
        phrases: `[batch, phrases, phrase_time]` integers, phrases that must appear, padding on the right; for a beam.
    """

    prefix: Any = ()
    avoid: Any = ()
    phrases: Any = ()

    def asked(self) -> dict[str, Any]:
        """Give by name what is asked for."""
        return {name: ids for name, ids in self._asdict().items() if asked_for(ids)}

    def of(self, pad: int) -> "Constraints":
        """Give them as a search reads them: int32, phrases with their padding on the left.

        Raises:
            ValueError: Something is of another rank.
        """
        prefix, avoid, phrases = (
            _ids(ids, rank, name) for (name, ids), rank in zip(self._asdict().items(), (2, 3, 3), strict=True)
        )
        return Constraints(prefix, _to_the_right(avoid, pad) if asked_for(avoid) else (), phrases)


def asked_for(given: Any) -> bool:
    """Tell whether a constraint is there."""
    return not isinstance(given, tuple) or len(given) > 0


def _ids(given: Any, rank: int, name: str) -> Any:
    if not asked_for(given):
        return ()
    ids = tf.convert_to_tensor(given)
    if ids.shape.rank not in (rank, None) or not ids.dtype.is_integer:
        axes = "[batch, prefix_time]" if rank == 2 else "[batch, phrases, phrase_time]"
        raise ValueError(
            f"{name} is ids, {axes}. Received: {name} of shape {ids.shape} and type {ids.dtype.name}. "
            "Fill up with padding on the right."
        )
    return tf.cast(ids, tf.int32)


def _to_the_right(phrases: tf.Tensor, pad: int) -> tf.Tensor:
    time = tf.shape(phrases)[2]
    lengths = tf.math.count_nonzero(phrases != pad, axis=2, keepdims=True, dtype=tf.int32)
    return tf.gather(phrases, (tf.range(time) + lengths) % tf.maximum(time, 1), batch_dims=2)


def not_next(constraints: Constraints, no_repeat_ngram: int, written: tf.Tensor, vocab: tf.Tensor, pad: int) -> Any:
    """Tell which tokens may not come next.

    Args:
        constraints: Those of each sentence, as `Constraints.of` gives them.
        no_repeat_ngram: The length of what may not occur twice; 0 for no such rule.
        written: `[sentences, beam, time]` int32, the tokens of the open hypotheses.
        vocab: Their number, a scalar int32.
        pad: The id of the padding.

    Returns:
        `[sentences · beam, vocab]` bool; None where nothing is asked for.

    Example:
        >>> written = tf.constant([[[3, 4, 3]]])
        >>> not_next(Constraints(), 2, written, tf.constant(6), 0).numpy().tolist()
        [[False, False, False, False, True, False]]
        >>> not_next(Constraints(avoid=[[[0, 3, 5]]]), 0, written, tf.constant(6), 0).numpy().tolist()
        [[False, False, False, False, False, True]]
        >>> not_next(Constraints(prefix=[[3, 4, 3, 5]]), 0, written, tf.constant(6), 0).numpy().tolist()
        [[True, True, True, True, True, False]]
    """
    sentences, beam, time = tf.unstack(tf.shape(written))
    rows = sentences * beam
    found = [_repeats(written, no_repeat_ngram)] if no_repeat_ngram else []
    if asked_for(constraints.avoid):
        found.append(_completed(written, tf.convert_to_tensor(constraints.avoid), pad))
    banned = None
    if found:
        tokens, hit = (tf.reshape(tf.concat(each, axis=2), [rows, -1]) for each in zip(*found, strict=True))
        row = tf.broadcast_to(tf.range(rows)[:, tf.newaxis], tf.shape(tokens))
        banned = tf.scatter_nd(tf.stack([row, tokens], axis=2), tf.cast(hit, tf.int32), [rows, vocab]) > 0
    if asked_for(constraints.prefix):
        ahead = tf.pad(tf.convert_to_tensor(constraints.prefix), [[0, 0], [0, 1]], constant_values=pad)
        next_one = tf.repeat(ahead[:, tf.minimum(time, tf.shape(ahead)[1] - 1)], beam)[:, tf.newaxis]
        other = (next_one != pad) & (tf.range(vocab) != next_one)
        banned = other if banned is None else tf.where(next_one != pad, other, banned)
    return banned


def _repeats(written: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Every token that was written, and whether the tokens before it are the last ones now."""
    time = tf.shape(written)[2]
    padded = tf.pad(written, [[0, 0], [0, 0], [size - 1, 0]], constant_values=-1)
    hit = tf.ones_like(written, tf.bool)
    for place in range(size - 1):
        hit &= padded[:, :, place : place + time] == padded[:, :, time + place : time + place + 1]
    return written, hit


def _completed(written: tf.Tensor, phrases: tf.Tensor, pad: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The last token of every phrase, and whether those before it are the last ones now."""
    before, time = tf.shape(phrases)[2] - 1, tf.shape(written)[2]
    latest = tf.pad(written, [[0, 0], [0, 0], [before, 0]], constant_values=-1)[:, :, tf.newaxis, time:]
    starts = phrases[:, tf.newaxis, :, :-1]
    hit = tf.reduce_all((starts == pad) | (starts == latest), axis=3)
    tokens = tf.broadcast_to(phrases[:, tf.newaxis, :, -1], tf.shape(hit))
    return tokens, hit
