"""What translations are made of: pieces and their words, on both sides; needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from seq2seq.text.special_ids import END
from seq2seq.text.tokenizer import words_of
from seq2seq.translation.hypothesis import Hypothesis, Translation
from seq2seq.translation.parts import parts_of

if TYPE_CHECKING:
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.translation.confidence import Calibration


def target_pieces(
    tokenizer: Tokenizer, ids: Sequence[int], surfaces: Sequence[str] | None = None
) -> tuple[tuple[str, ...], tuple[int | None, ...]]:
    """Give the pieces of a translation, and the word of each.

    Args:
        tokenizer: Of the target.
        ids: Its ids with `</s>`, and no padding.
        surfaces: What each stands for in the text; None: as the tokenizer says.
    """
    surfaces = tokenizer.decoded_surfaces(ids) if surfaces is None else surfaces
    begins = accumulate(map(len, surfaces[:-1]), initial=0)
    words = words_of("".join(surfaces), begins) if ids else []
    return tuple(map(tokenizer.piece, ids)), tuple(
        None if id == END else word for id, word in zip(ids, words, strict=True)
    )


def with_sources(
    texts: Sequence[str],
    found: Sequence[Sequence[Hypothesis]],
    tokenizer: Tokenizer,
    longest: int,
    model: str,
    calibration: Calibration | None,
) -> list[Translation]:
    """Put translations beside their sources.

    Args:
        texts: The sources.
        found: The hypotheses of each, in detail.
        tokenizer: Of the source.
        longest: The most tokens of a part: a longer text was cut into parts.
        model: The fingerprint of the model.
        calibration: What is to be expected of its translations; None where nobody knows.
    """
    if calibration is not None:
        found = [[one._replace(confidence=calibration.of(one)) for one in hypotheses] for hypotheses in found]
    return [
        Translation(text, *_source_pieces(tokenizer, text, longest), tuple(hypotheses), model)
        for text, hypotheses in zip(texts, found, strict=True)
    ]


def _source_pieces(tokenizer: Tokenizer, text: str, longest: int) -> tuple[tuple[str, ...], tuple[int | None, ...]]:
    tokens: list[str] = []
    of_tokens: list[int | None] = []
    words = tokenizer.words(text)
    for part in parts_of(tokenizer, [text], longest):
        tokens += map(tokenizer.piece, [*part.ids, END])
        of_tokens += [*(words[place] for place in part.places), None]
    return tuple(tokens), tuple(of_tokens)
