"""What a run read in training: how long its sentences are, how full its batches, what the vocabulary covers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from seq2seq.recipe.build import build_batches, mix_batches
from seq2seq.recipe.corpora import read_also, read_corpora, together
from seq2seq.runs.record import RunRecord
from seq2seq.system.terminal import silence
from seq2seq.text.special_ids import UNKNOWN
from seq2seq.text.tokenizer import Tokenizer
from seq2seq.training.run_folder import RunFolder

_MOST = 100_000  # pairs that are read again for a report
_CLASSES = 12


class Side(NamedTuple):
    """One side of the training text.

    Attributes:
        pieces: Different ones that occur.
        vocabulary: Pieces that there are.
        unknown: Tokens that no piece stands for.
        tokens: All of them.
        classes: Names of classes of length, in tokens.
        sizes: Sentences in each.
    """

    pieces: int
    vocabulary: int
    unknown: int
    tokens: int
    classes: list[str]
    sizes: list[int]


class TrainingText(NamedTuple):
    """The training text of a run, as its model saw it.

    Attributes:
        corpus: The corpus in a line: pairs, and what was left out.
        batches: Its batches in a line: their fill, and what was skipped as too long.
        source: Its source side.
        target: Its target side.
    """

    corpus: str
    batches: str
    source: Side
    target: Side


def read_training_text(record: RunRecord) -> TrainingText | str:
    """Read the training text of a run again, with its tokenizers; where that cannot be, say why."""
    recipe = record.recipe
    if recipe.data.streaming:
        return "The training text is streamed, and not read again for a report."
    try:
        with silence():
            corpora = read_corpora(recipe, record.data)
            parts = [corpora.train, *read_also(recipe, corpora)]
            corpus = together(parts)
            if len(corpus) > _MOST:
                return (
                    f"The training text has {len(corpus):,} pairs, more than are read again for a report ({_MOST:,})."
                )
            source, target = _tokenizers(RunFolder(record.folder))
            first, *others = (build_batches(recipe, part, source, target) for part in parts)
            batches = mix_batches(recipe, first, others).report()
    except (ValueError, OSError, ImportError) as error:
        return f"The training text cannot be read here. {error}"
    told = "; mixed in: ".join(part.report() for part in parts)
    return TrainingText(told, batches, _side(source, corpus.sources), _side(target, corpus.targets))


def _tokenizers(folder: RunFolder) -> tuple[Tokenizer, Tokenizer]:
    source = Tokenizer.load(folder.source_tokenizer)
    return source, Tokenizer.load(folder.target_tokenizer) if folder.target_tokenizer.exists() else source


def _side(tokenizer: Tokenizer, texts: Sequence[str]) -> Side:
    import numpy as np

    ids = tokenizer.encode_batch(texts)
    lengths = np.array([len(each) for each in ids])
    flat = np.concatenate([np.asarray(each, np.int64) for each in ids])
    width = max(-(-int(np.quantile(lengths, 0.995)) // _CLASSES), 1)
    sizes = np.bincount(np.minimum(np.maximum(lengths - 1, 0) // width, _CLASSES), minlength=_CLASSES + 1).tolist()
    names = [f"{place * width + 1}" for place in range(_CLASSES)] + [f">{_CLASSES * width}"]
    while sizes and not sizes[-1]:
        del sizes[-1], names[-1]
    return Side(len(np.unique(flat)), tokenizer.vocab_size, int((flat == UNKNOWN).sum()), len(flat), names, sizes)
