"""From a recipe to objects: corpora, tokenizers, batches, model. Only here do the names of options meet the parts."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import compress, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seq2seq.recipe.recipe import ModelSettings, Recipe, TokenizerSettings
from seq2seq.settings import SettingsError, changes
from seq2seq.system.terminal import tell

if TYPE_CHECKING:
    from seq2seq.models import Seq2Seq
    from seq2seq.text.batches import Batches
    from seq2seq.text.corpus import Corpus, Pair
    from seq2seq.text.streaming import StreamedBatches
    from seq2seq.text.tokenizer import Tokenizer

# SentencePiece keeps its training text in memory; more than this teaches it nothing new.
_TOKENIZER_PAIRS = 1_000_000
_TINY_VOCABULARY = 8


class ContradictionError(SettingsError):
    """Settings that are each allowed make no model together."""


class Corpora(NamedTuple):
    """The three parts of a corpus; ``test`` is None where the recipe has none."""

    train: Corpus
    validation: Corpus
    test: Corpus | None


def read_corpora(recipe: Recipe, data: str | None = None) -> Corpora:
    """Read the corpus of a recipe, and set sentences aside for the parts that it does not have.

    Args:
        recipe: The recipe.
        data: A path to read instead of ``recipe.data.path``.

    Returns:
        The parts, which share no source sentence where they were set aside here.

    Raises:
        SettingsError: The path names an environment variable that is not set.
        CorpusError: The text cannot be used; the message names file and line.
    """
    from seq2seq.text.corpus import hold_out, read_corpus

    settings = recipe.data
    place = settings.place() if data is None else data

    # What is scored is scored as `seq2seq evaluate` scores its files: whole, empty lines and all.
    read = partial(read_corpus, place, source=settings.source, target=settings.target)
    train = read(settings.train, streaming=settings.streaming)
    validation = read(settings.validation, whole=True) if settings.validation else None
    test = read(settings.test, whole=True) if settings.test else None
    if validation is None:
        train, validation = hold_out(train, settings.hold_out, seed=0, purpose="validation")
    if test is None and settings.hold_out:
        train, test = hold_out(train, settings.hold_out, seed=1, purpose="test")
    return Corpora(train, validation, test)


def build_tokenizers(settings: TokenizerSettings, corpus: Corpus) -> tuple[Tokenizer, Tokenizer]:
    """Train the tokenizers of source and target on a corpus, or load the given ones.

    Args:
        settings: How to cut text into pieces.
        corpus: Text to train on.

    Returns:
        The tokenizers of source and target; one object where the vocabulary is joint.

    Raises:
        SettingsError: The vocabulary is to be joint, and the given models are two different ones.
    """
    from seq2seq.text.tokenizer import Tokenizer

    def train(sentences: Iterable[str]) -> Tokenizer:
        return Tokenizer.train(
            sentences,
            kind=settings.kind,
            vocab_size=settings.vocab_size,
            byte_fallback=settings.byte_fallback,
            normalization=settings.normalization,
            symbols=settings.symbols,
            character_coverage=settings.character_coverage,
        )

    if settings.source_model:
        source, target = Tokenizer.load(settings.source_model), Tokenizer.load(settings.target_model)
        if source.fingerprint == target.fingerprint:
            return source, source
        if settings.joint:
            raise SettingsError(
                "A joint vocabulary is one model for both sides. Received: tokenizer.joint=true, "
                f'tokenizer.source_model="{settings.source_model}", tokenizer.target_model="{settings.target_model}", '
                "which differ. Set tokenizer.joint=false, or name the same model twice."
            )
        return source, target
    if corpus.streamed:
        tell(f"The tokenizer learns from the first {_TOKENIZER_PAIRS:,} pairs of {corpus.name}, if there are as many.")
    elif len(corpus) > _TOKENIZER_PAIRS:
        tell(
            f"The tokenizer learns from {_TOKENIZER_PAIRS:,} of the {len(corpus):,} pairs of {corpus.name}, drawn "
            "evenly from the whole."
        )
    if settings.joint:
        joint = train(_sides(corpus, 0, 1))
        return joint, joint
    return train(_sides(corpus, 0)), train(_sides(corpus, 1))


def _sides(corpus: Corpus, *sides: int) -> Iterator[str]:
    for pair in _enough_pairs(corpus):
        for side in sides:
            yield pair[side]


def _enough_pairs(corpus: Corpus) -> Iterator[Pair]:
    """Give as many pairs as a tokenizer learns from: one drawn from each stretch of a corpus that has more."""
    if corpus.streamed or len(corpus) <= _TOKENIZER_PAIRS:
        return islice(corpus, _TOKENIZER_PAIRS)
    size = len(corpus)
    chosen = bytearray(size)
    chance = random.Random("tokenizer").random  # not by the seed of the run: other seeds have the same pieces
    for stretch in range(_TOKENIZER_PAIRS):
        start, end = stretch * size // _TOKENIZER_PAIRS, (stretch + 1) * size // _TOKENIZER_PAIRS
        chosen[start + int(chance() * (end - start))] = True
    return compress(corpus, chosen)


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
        "shuffle": shuffle,
        "seed": recipe.seed,
    }
    if corpus.streamed:
        return StreamedBatches(corpus, source, target, **limits)
    return Batches(*encode_corpus(corpus, source, target, cache), **limits)


def build_model(recipe: Recipe, source_vocab: int, target_vocab: int) -> Seq2Seq:
    """Build the model of a recipe, with weights drawn by its seed.

    Args:
        recipe: The recipe.
        source_vocab: Ids of the source, special ones counted.
        target_vocab: Ids of the target, special ones counted.

    Returns:
        The model, built but not compiled.

    Raises:
        ContradictionError: Settings do not fit together; the message says which and what to change.
    """
    import keras

    keras.utils.set_random_seed(recipe.seed)
    try:
        if recipe.model.architecture:
            return _build_architecture(recipe, source_vocab, target_vocab)
        return _build_layers(recipe, source_vocab, target_vocab)
    except ValueError as error:
        raise ContradictionError(str(error)) from error


def check_model(recipe: Recipe) -> None:
    """Find settings that make no model together, before any text is read: build one of a tiny vocabulary.

    Raises:
        ContradictionError: Settings do not fit together.
    """
    build_model(recipe, _TINY_VOCABULARY, _TINY_VOCABULARY)


def _build_layers(recipe: Recipe, source_vocab: int, target_vocab: int) -> Seq2Seq:
    from seq2seq.layers import StateBridge
    from seq2seq.models import Decoder, Encoder, Seq2Seq

    settings = recipe.model
    if settings.tied == "all" and not recipe.tokenizer.joint:
        raise SettingsError(
            'One matrix for both sides needs one vocabulary. Received: model.tied="all", tokenizer.joint=false. '
            'Set tokenizer.joint=true, or model.tied="target".'
        )
    residual_from = None if settings.residual_from == "none" else settings.residual_from
    encoder = Encoder(
        source_vocab,
        settings.embedding,
        list(settings.encoder),
        bidirectional=settings.bidirectional
        if isinstance(settings.bidirectional, str)
        else list(settings.bidirectional),
        reverse=settings.reverse,
        residual_from=residual_from,
        dropout=settings.dropout,
        embedding_dropout=settings.embedding_dropout,
        dtype=recipe.training.precision,
        name="encoder",
    )
    bridge = StateBridge(
        list(settings.decoder),
        settings.bridge if isinstance(settings.bridge, str) else [list(route) for route in settings.bridge],
        to=settings.to,
        directions=settings.directions,
        merge=settings.merge,
        states=settings.states,
        project=settings.project,
        activation=settings.activation,
        align=settings.align,
        dtype=recipe.training.precision,
        name="bridge",
    )
    decoder = Decoder(
        target_vocab,
        settings.embedding,
        list(settings.decoder),
        attention=None if settings.attention == "none" else settings.attention,
        input_feeding=settings.input_feeding,
        residual_from=residual_from,
        dropout=settings.dropout,
        embedding_dropout=settings.embedding_dropout,
        output_dropout=settings.output_dropout,
        tie_embeddings=settings.tied != "none",
        dtype=recipe.training.precision,
        name="decoder",
    )
    return Seq2Seq(
        encoder,
        bridge,
        decoder,
        label_smoothing=recipe.training.label_smoothing,
        share_embeddings=settings.tied == "all",
        sampled_softmax=recipe.training.sampled_softmax,
        sampling_seed=recipe.seed,
        dtype=recipe.training.precision,
        name="seq2seq",
    )


def _build_architecture(recipe: Recipe, source_vocab: int, target_vocab: int) -> Seq2Seq:
    import keras

    from seq2seq.models.architectures import ARCHITECTURES

    settings = recipe.model
    fixed = sorted(changes(ModelSettings(), settings).keys() - {"architecture", "width"})
    if fixed:
        raise SettingsError(
            "A model by the name of its paper leaves only model.width open. Received: "
            f'model.architecture="{settings.architecture}", and other than by default {", ".join(fixed)}. '
            "Leave these out, or leave the name out and write the layers."
        )
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(recipe.training.precision)
    try:
        model = ARCHITECTURES[settings.architecture](source_vocab, target_vocab, settings.width)
    finally:
        keras.config.set_dtype_policy(policy)
    model.label_smoothing = recipe.training.label_smoothing
    model.sample_softmax(recipe.training.sampled_softmax, recipe.seed)
    return model
