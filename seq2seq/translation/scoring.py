"""Scores of given translations: how likely a model finds each of them, token by token."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from seq2seq.text.bucketing import form_batches, pad_batch
from seq2seq.text.ids import Ids
from seq2seq.text.special_ids import END

if TYPE_CHECKING:
    from seq2seq.models import Seq2Seq
    from seq2seq.text.tokenizer import Tokenizer

# Of a batch, padding counted: each target token has a row of logits as wide as the vocabulary.
_MOST_TOKENS = 2000


class TargetScore(NamedTuple):
    """What a model thinks of a given translation.

    Attributes:
        log_prob: Log-probability of the translation (nats): the sum of those of its tokens.
        tokens: Its pieces, and ``</s>``, whose probability counts too; ``<unk>`` stands where the vocabulary has none.
        token_log_probs: Log-probability of each token (nats), given the source and the tokens before it.
    """

    log_prob: float
    tokens: tuple[str, ...]
    token_log_probs: tuple[float, ...]

    @property
    def perplexity(self) -> float:
        """Perplexity per token."""
        return perplexity([self])


def perplexity(scores: Iterable[TargetScore]) -> float:
    """Give the perplexity per token, ``</s>`` counted, of all translations together.

    Raises:
        ValueError: There is none.

    Example:
        >>> half = TargetScore(2 * math.log(0.5), ("▁yes", "</s>"), (math.log(0.5),) * 2)
        >>> round(perplexity([half, half]), 6)
        2.0
    """
    scores = list(scores)
    if not scores:
        raise ValueError("A perplexity needs at least one scored translation. Received: none.")
    return math.exp(-math.fsum(one.log_prob for one in scores) / sum(len(one.tokens) for one in scores))


def score_texts(
    model: Seq2Seq,
    source_tokenizer: Tokenizer,
    target_tokenizer: Tokenizer,
    sources: Sequence[str],
    targets: Sequence[str],
) -> list[TargetScore]:
    """Score pairs of texts, in batches of like length; see :meth:`Translator.score`.

    Raises:
        ValueError: There are more of one side than of the other, or a source has no token.
    """
    if len(sources) != len(targets):
        raise ValueError(
            f"Scoring takes a target for each source. Received: {len(sources):,} sources, {len(targets):,} targets."
        )
    source_ids, target_ids = (
        Ids.pack(tokenizer.encode_batch(texts))
        for tokenizer, texts in ((source_tokenizer, sources), (target_tokenizer, targets))
    )
    empty = np.flatnonzero(source_ids.lengths == 0)
    if len(empty):
        raise ValueError(
            "A target is scored as the translation of something, and the model was never shown an empty source. "
            f"Received: sources[{empty[0]}]={sources[empty[0]]!r}. Leave the pair out."
        )
    found: list[TargetScore] = [TargetScore(0.0, (), ())] * len(targets)
    lengths = source_ids.lengths, target_ids.lengths
    for places in reversed(form_batches(*lengths, size=_MOST_TOKENS, unit="tokens", random=None)):
        inputs, target_out = pad_batch(source_ids, target_ids, places)
        for place, log_probs in zip(places, np.asarray(model.score(inputs, target_out)).tolist(), strict=True):
            tokens = tuple(map(target_tokenizer.piece, [*target_ids[place].tolist(), END]))
            found[place] = TargetScore(math.fsum(log_probs), tokens, tuple(log_probs[: len(tokens)]))
    return found
