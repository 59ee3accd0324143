"""A model that goes on from a trained one: with its vocabulary, or with one that has grown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.text.special_ids import PIECES, UNKNOWN

if TYPE_CHECKING:
    from seq2seq.models import Seq2Seq
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.translation.translator import Translator

# What may be another in a model that goes on: it changes how the weights learn, or how many words they know.
_FREE = (
    *("name", "dtype", "trainable", "build_config", "vocab_size"),
    *("dropout", "recurrent_dropout", "embedding_dropout", "output_dropout"),
    *("label_smoothing", "sampled_softmax", "sampling_seed", "teacher_forcing"),
)


_SHOWN = 5  # pieces in a message


class Growth(NamedTuple):
    """What a vocabulary has beside the one that it grew from.

    Attributes:
        kept: Pieces that the old one has too.
        new: Pieces that it has not.
        unspelt: Those among the new ones of which no part is a piece of the old one.
    """

    kept: int
    new: int
    unspelt: int


def start_from(model: Seq2Seq, source: Tokenizer, target: Tokenizer, translator: Translator) -> tuple[Growth, Growth]:
    """Give a model the weights of a trained one.

    Where a vocabulary has grown, what belongs to a new piece (its embedding, its output weights and bias) starts at the
    mean of what belongs to the old pieces that it is spelt with, or of all of them where none of its parts is known.
    All else is as it was.

    Args:
        model: The model that is to go on, of the same parts; what it drops may be another share. Its weights change.
        source: Cuts what it reads: the tokenizer of the trained one, or one that has all its pieces and more.
        target: The same for what it writes.
        translator: The trained one; it stays as it is.

    Returns:
        What is new in the vocabularies of source and target.

    Raises:
        ValueError: The models differ in more than their vocabularies, or a vocabulary has lost pieces; the model is as
            it was then.

    Example:
        >>> import seq2seq
        >>> from seq2seq.text import Tokenizer
        >>> def make(vocab):
        ...     bridge = seq2seq.StateBridge([8])
        ...     return seq2seq.Seq2Seq(seq2seq.Encoder(vocab, 4, [8]), bridge, seq2seq.Decoder(vocab, 4, [8]))
        >>> small = Tokenizer.train(["a house"], kind="char")
        >>> large = small.grown(["a lake"], 10)
        >>> trained = seq2seq.Translator(make(small.vocab_size), small, small)
        >>> start_from(make(large.vocab_size), large, large, trained)[0].new
        2
    """
    from seq2seq.distribution.replicas import local_copies

    need_same_parts(model, translator.model)
    encoder, decoder = model.encoder, model.decoder
    sources = _Pieces.between("source", translator.source_tokenizer, source, encoder.vocab_size)
    targets = _Pieces.between("target", translator.target_tokenizer, target, decoder.vocab_size)
    output = [(decoder.bias, 0)] if decoder.logits is None else [(decoder.logits.kernel, 1), (decoder.logits.bias, 0)]
    by_piece = {
        id(encoder.embedding.embeddings): (0, sources),
        **{id(weight): (axis, targets) for weight, axis in [(decoder.embedding.embeddings, 0), *output]},
    }
    found = []
    for weight, trained in zip(model.weights, translator.model.weights, strict=True):
        value = np.asarray(trained.numpy())
        if id(weight) in by_piece:
            axis, pieces = by_piece[id(weight)]
            value = pieces.grow(value, axis)
        if value.shape != tuple(weight.shape):
            raise ValueError(
                f"Weights go on in a model of the same shapes. Received: {weight.path} of shape {tuple(weight.shape)}, "
                f"where the trained model has {value.shape}. Give it the arguments of the trained one."
            )
        found.append(value)
    for weight, value in zip(model.weights, found, strict=True):
        for copy in local_copies(weight):
            copy.assign(value)
    return sources.growth, targets.growth


def need_same_parts(model: Seq2Seq, trained: Seq2Seq) -> None:
    """Refuse a model whose parts are not those of a trained one, whatever their vocabularies.

    Raises:
        ValueError: They differ; the message names what.
    """
    here, there = (dict(_settings(each.get_config())) for each in (model, trained))
    differing = [
        f"{name}={here.get(name, 'nothing')!r}, where it has {there.get(name, 'nothing')!r}"
        for name in here | there
        if here.get(name) != there.get(name)
    ]
    if differing:
        raise ValueError(
            "A model goes on from one of the same parts, of which only the vocabularies may have grown and what is "
            f"dropped may change. Received: {'; '.join(differing)}. Give it the settings of the trained one."
        )


def _settings(config: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Give what a configuration of Keras says, by path."""
    for name, value in config.items():
        inner = path if name == "config" else f"{path}.{name}" if path else name
        if name in _FREE or name == "module":
            continue
        if isinstance(value, Mapping):
            yield from _settings(value, inner)
        else:
            yield inner, list(value) if isinstance(value, tuple) else value


class _Pieces(NamedTuple):
    """For every piece of a vocabulary the ids of the old pieces that it starts from, and whether it is new."""

    old: list[list[int]]
    new: list[bool]

    @classmethod
    def between(cls, side: str, before: Tokenizer, after: Tokenizer, size: int) -> _Pieces:
        """Compare two vocabularies; ``size`` is the number of pieces that the model has."""
        ids = {before.piece(id): id for id in range(before.vocab_size)}
        pieces = [after.piece(id) for id in range(after.vocab_size)]
        there = set(pieces)
        lost = [piece for piece in ids if piece not in there]
        if lost:
            some = ", ".join(map(repr, lost[:_SHOWN]))
            raise ValueError(
                f"A vocabulary that a model goes on with has all pieces that it had. Received: a {side} tokenizer of "
                f"{len(pieces):,} pieces without {len(lost):,} of the {len(ids):,} there were: {some}"
                f"{' ...' if len(lost) > _SHOWN else ''}. Take that of the trained model, or one that "
                "`Tokenizer.grown` made of it."
            )
        if len(pieces) != size:
            raise ValueError(
                f"A model has a row for every piece of its tokenizers. Received: a model for {size:,} {side} pieces, a "
                f"tokenizer of {len(pieces):,}. Build it for the tokenizer."
            )
        new = [piece not in ids for piece in pieces]
        spelt = (
            [id for id in before.spell(piece) if id != UNKNOWN] if is_new else [ids[piece]]
            for piece, is_new in zip(pieces, new, strict=True)
        )
        return cls(list(spelt), new)

    def grow(self, value: npt.NDArray[Any], axis: int) -> npt.NDArray[Any]:
        """Give the weights of the pieces, from those of the old ones that lie along an axis."""
        rows = np.moveaxis(value, axis, 0)
        of_all = rows[len(PIECES) :].mean(axis=0)
        grown = [rows[ids].mean(axis=0) if ids else of_all for ids in self.old]
        return np.moveaxis(np.stack(grown), 0, axis)

    @property
    def growth(self) -> Growth:
        """Count them."""
        unspelt = sum(not ids for ids in self.old)
        return Growth(self.new.count(False), self.new.count(True), unspelt)
