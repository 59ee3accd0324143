"""From a recipe to its batches and its model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.models.architectures import departures
from seq2seq.models.settings import ContradictionError
from seq2seq.recipe.recipe import Recipe
from seq2seq.recipe.tokenizers import need_same_cut
from seq2seq.system.terminal import tell
from seq2seq.text.settings import place_of
from seq2seq.text.special_ids import PIECES

if TYPE_CHECKING:
    from seq2seq.models import Seq2Seq
    from seq2seq.text.batches import Batches
    from seq2seq.text.corpus import Corpus
    from seq2seq.text.mixing import MixedBatches
    from seq2seq.text.streaming import StreamedBatches
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.translation import Translator

_TINY_VOCABULARY = 8


def build_batches(
    recipe: Recipe,
    corpus: Corpus,
    source: Tokenizer,
    target: Tokenizer,
    *,
    cache: Path | None = None,
    shuffle: bool = True,
) -> Batches | StreamedBatches:
    """Tokenise a corpus and put it into batches.

    Args:
        recipe: The recipe.
        corpus: Its text.
        source: Tokenizer of the source.
        target: Tokenizer of the target.
        cache: Folder in which tokenised text is kept for the next time; None keeps none.
        shuffle: Whether the order changes from epoch to epoch.

    Returns:
        The batches.
    """
    from seq2seq.text.batches import Batches
    from seq2seq.text.encoding import encode_corpus
    from seq2seq.text.streaming import StreamedBatches

    settings = recipe.batches
    limits: dict[str, Any] = {
        "size": settings.size,
        "unit": settings.unit,
        "max_source_length": settings.max_source_length,
        "max_target_length": settings.max_target_length,
        "pool": settings.pool,
        "shuffle": shuffle,
        "seed": recipe.seed,
    }
    if corpus.streamed:
        return StreamedBatches(corpus, source, target, **limits)
    return Batches(*encode_corpus(corpus, source, target, cache), **limits)


def mix_batches(
    recipe: Recipe, first: Batches | StreamedBatches, others: Sequence[Batches | StreamedBatches]
) -> Batches | StreamedBatches | MixedBatches:
    """Mix batches of other text into those of the training text, as ``recipe.data.also`` says; where there are any.

    Args:
        recipe: The recipe.
        first: Those of the training text.
        others: Those of each path of ``recipe.data.also``.
    """
    from seq2seq.text.mixing import MixedBatches

    weights = recipe.data.also.weights or [1.0] * len(others)
    return MixedBatches(first, others, weights, seed=recipe.seed) if others else first


def build_model(recipe: Recipe, source_vocab: int, target_vocab: int) -> Seq2Seq:
    """Build the model of a recipe, with weights drawn by its seed; tell where it departs from its paper, or is deep.

    Args:
        recipe: The recipe.
        source_vocab: Ids of the source, special ones counted.
        target_vocab: Ids of the target, special ones counted.

    Returns:
        The model, built but not compiled.

    Raises:
        ContradictionError: Settings do not fit together; the message says which and what to change.
    """
    model = _build(recipe, source_vocab, target_vocab)
    from seq2seq.models.depth import told_depth
    from seq2seq.models.idle import idle_bridge, idle_dropout

    if recipe.model.architecture:
        tell(departures(recipe.model))
    for told in filter(None, (told_depth(model), idle_dropout(recipe.model), idle_bridge(recipe.model, model))):
        tell(told)
    return model


def check_model(recipe: Recipe, origin: Translator | None = None) -> None:
    """Find settings that make no model together, before any text is read: build one of a tiny vocabulary.

    Args:
        recipe: The recipe.
        origin: The trained model that it goes on from; None where it goes on from none.

    Raises:
        SettingsError: Settings do not fit together, or make another model than the trained one, or cut text otherwise.
    """
    # How many words a softmax may be sampled from, the real vocabulary says.
    sampled = min(recipe.training.sampled_softmax, _TINY_VOCABULARY - 1)
    tiny = replace(recipe, training=replace(recipe.training, sampled_softmax=sampled))
    model = _build(tiny, _TINY_VOCABULARY, _TINY_VOCABULARY)
    _need_what_decoding_looks_at(recipe, model)
    if origin is not None:
        from seq2seq.translation.starting import need_same_parts

        try:
            need_same_parts(model, origin.model)
        except ValueError as error:
            raise ContradictionError(f"{error} Model: {recipe.start_from}.") from error
        need_same_cut(recipe, origin)


def check_vectors(recipe: Recipe) -> None:
    """Find word vectors that are not there, or are not as wide as the embeddings that start from them.

    Raises:
        SettingsError: A path names an environment variable that is not set.
        FileNotFoundError: There is no such file.
        CorpusError: The vectors have another width.
    """
    from seq2seq.text.vectors import need_width

    for _, path, width in _vectors(recipe):
        need_width(path, width)


def start_embeddings(recipe: Recipe, model: Seq2Seq, source: Tokenizer, target: Tokenizer) -> None:
    """Let the embeddings of a model start from the word vectors that a recipe names, and tell how many of them do.

    Args:
        recipe: The recipe.
        model: The model; its weights change.
        source: Tokenizer of the source.
        target: Tokenizer of the target.

    Raises:
        CorpusError: A file is broken; the message names file and line.
    """
    from seq2seq.models import start_embedding
    from seq2seq.text import read_vectors

    tokenizers = {"encoder": source, "decoder": target}
    for side, path, width in _vectors(recipe):
        tokenizer = tokenizers[side]
        vectors = read_vectors(path, tokenizer, width)
        factor = start_embedding(getattr(model, side).embedding, vectors.ids, vectors.values)
        pieces = tokenizer.vocab_size - len(PIECES)
        tell(
            f"{side} embeddings: {len(vectors.ids):,} of {pieces:,} pieces ({len(vectors.ids) / pieces:.1%}) start at "
            f"their vectors in {path}, multiplied by {factor:.3g} to spread as those that are drawn"
        )


def _vectors(recipe: Recipe) -> Iterator[tuple[str, str, int]]:
    """Give each side whose embeddings start from vectors, where these lie, and how wide the embeddings are."""
    settings = recipe.model.resolved()
    for side, part in (("encoder", settings.encoder), ("decoder", settings.decoder)):
        if part.pretrained:
            name = f"model.{side}.pretrained"
            yield side, place_of(part.pretrained, name, "the vectors lie", "write the file itself"), int(part.embedding)


def _need_what_decoding_looks_at(recipe: Recipe, model: Seq2Seq) -> None:
    if model.attends:
        return
    decoding = recipe.decoding
    for asked, setting in (
        (decoding.unknown == "copy", 'unknown="copy"'),
        (decoding.search.looks(), f"search.coverage_penalty={getattr(decoding.search, 'coverage_penalty', 0)}"),
    ):
        if asked:
            raise ContradictionError(
                "What a translation looked at is known of models with attention. Received: "
                f'decoding.{setting}, and model.attention.kind="none". Leave it out, or choose an attention.'
            )


def _build(recipe: Recipe, source_vocab: int, target_vocab: int) -> Seq2Seq:
    from seq2seq.models import build_model

    if recipe.model.tied == "all" and not recipe.tokenizer.joint:
        raise ContradictionError(
            'One matrix for both sides needs one vocabulary. Received: model.tied="all", tokenizer.joint=false. '
            'Set tokenizer.joint=true, or model.tied="target".'
        )
    training = recipe.training
    return build_model(
        recipe.model,
        source_vocab,
        target_vocab,
        label_smoothing=training.label_smoothing,
        sampled_softmax=training.sampled_softmax,
        teacher_forcing=training.teacher_forcing,
        precision=training.precision,
        freeze=training.freeze,
        seed=recipe.seed,
    )
