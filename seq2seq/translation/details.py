"""What translations are made of: pieces and their words, on both sides; needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seq2seq.text.special_ids import END
from seq2seq.translation.hypothesis import Hypothesis, Translation

if TYPE_CHECKING:
    from seq2seq.text.tokenizer import Tokenizer


def target_pieces(tokenizer: Tokenizer, ids: Sequence[int]) -> tuple[tuple[str, ...], tuple[int | None, ...]]:
    """Give the pieces of a translation, and the word of each.

    Args:
        tokenizer: Of the target.
        ids: Its ids with `</s>`, and no padding.
    """
    return tuple(map(tokenizer.piece, ids)), tuple(tokenizer.decoded_words(ids))


def with_sources(
    texts: Sequence[str], found: Sequence[Sequence[Hypothesis]], tokenizer: Tokenizer, longest: int, model: str
) -> list[Translation]:
    """Put translations beside their sources.

    Args:
        texts: The sources.
        found: The hypotheses of each, in detail.
        tokenizer: Of the source.
        longest: The most tokens of a part: a longer text was cut into parts.
        model: The fingerprint of the model.
    """
    return [
        Translation(text, *_source_pieces(tokenizer, text, longest), tuple(hypotheses), model)
        for text, hypotheses in zip(texts, found, strict=True)
    ]


def _source_pieces(tokenizer: Tokenizer, text: str, longest: int) -> tuple[tuple[str, ...], tuple[int | None, ...]]:
    ids = tokenizer.encode(text) if text.strip() else []
    words = tokenizer.words(text) if ids else []
    tokens: list[str] = []
    of_tokens: list[int | None] = []
    for start in range(0, len(ids), longest):
        tokens += map(tokenizer.piece, [*ids[start : start + longest], END])
        of_tokens += [*words[start : start + longest], None]
    return tuple(tokens), tuple(of_tokens)
