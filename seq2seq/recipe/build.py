"""From a recipe to objects: corpora, tokenizers, batches, model. Only here do the names of options meet the parts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, compress, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seq2seq.models.architectures import departures
from seq2seq.models.settings import ContradictionError
from seq2seq.recipe.recipe import Recipe
from seq2seq.settings import SettingsError, filled
from seq2seq.system.terminal import tell
from seq2seq.text.settings import TokenizerSettings, place_of
from seq2seq.text.special_ids import PIECES

if TYPE_CHECKING:
    from seq2seq.models import Seq2Seq
    from seq2seq.text.batches import Batches
    from seq2seq.text.corpus import Corpus, Pair
    from seq2seq.text.mixing import MixedBatches
    from seq2seq.text.streaming import StreamedBatches
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.translation import Translator

__all__ = [
    "ContradictionError",
    "Corpora",
    "build_batches",
    "build_model",
    "build_tokenizers",
    "check_model",
    "check_vectors",
    "given_tokenizers",
    "gone_on_tokenizers",
    "mix_batches",
    "read_also",
    "read_corpora",
    "start_embeddings",
    "together",
]

# SentencePiece keeps its training text in memory; more than this teaches it nothing new.
_TOKENIZER_PAIRS = 1_000_000
_TINY_VOCABULARY = 8


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
    from seq2seq.text.corpus import hold_out, sample
    from seq2seq.text.reading import read_corpus

    settings = recipe.data
    place = settings.place() if data is None else data

    # What is scored is scored as `seq2seq evaluate` scores its files: whole, empty lines and all.
    read = partial(read_corpus, place, source=settings.source, target=settings.target)
    train = read(settings.train, streaming=settings.streaming)
    validation, test = (_part(read, name, getattr(settings, name)) for name in ("validation", "test"))
    if validation is None:
        train, validation = hold_out(train, settings.hold_out, seed=0, purpose="validation")
    if test is None and settings.hold_out:
        train, test = hold_out(train, settings.hold_out, seed=1, purpose="test")
    if settings.sample:
        train = sample(train, settings.sample, seed=2)
    return Corpora(train, validation, test)


def read_also(recipe: Recipe, corpora: Corpora) -> list[Corpus]:
    """Read the text that a recipe mixes in; what was set aside to score by is in none of it.

    Args:
        recipe: The recipe.
        corpora: What :func:`read_corpora` gave.

    Raises:
        SettingsError: A path names an environment variable that is not set.
        CorpusError: The text cannot be used; the message names file and line.
    """
    from seq2seq.text.corpus import hold_out, sample
    from seq2seq.text.reading import read_corpus

    data = recipe.data
    if not data.also.paths:
        return []
    also = filled(data.also, data, "as_data")
    aside = [
        part for name, part in (("validation", corpora.validation), ("test", corpora.test)) if not vars(data)[name]
    ]
    held = {source for part in aside if part is not None for source in part.sources}
    found = []
    for place in data.other_places():
        corpus = read_corpus(place, also.train, source=also.source, target=also.target, streaming=data.streaming)
        if also.hold_out:
            for seed in (0, 1):  # as read_corpora sets validation and test aside
                corpus, _ = hold_out(corpus, also.hold_out, seed=seed)
        if also.sample:
            corpus = sample(corpus, also.sample, seed=2)
        if held:
            corpus = _without(held, corpus)
        found.append(corpus)
    return found


def _without(sources: set[str], corpus: Corpus) -> Corpus:
    from seq2seq.text.corpus import Corpus

    return Corpus(
        lambda: (pair for pair in corpus if pair.source not in sources),
        name=corpus.name,
        streamed=corpus.streamed,
        part_of=corpus,
    )


def _part(read: Callable[..., Corpus], name: str, split: str) -> Corpus | None:
    """Read what is scored; None where the recipe names no split for it."""
    from seq2seq.text.pairs import CorpusError, MissingSplitError

    try:
        return read(split, whole=True) if split else None
    except MissingSplitError as error:
        raise CorpusError(
            f'{error} Where there is no text for it, write data.{name}="" and set data.hold_out to the number of '
            "training sentences to set aside, such as 500."
        ) from None


def together(corpora: Sequence[Corpus]) -> Corpus:
    """Give several corpora as one, for tokenizers to learn from."""
    from seq2seq.text.corpus import Corpus

    if len(corpora) == 1:
        return corpora[0]
    streamed = any(corpus.streamed for corpus in corpora)
    return Corpus(lambda: chain(*corpora), name=" and ".join(corpus.name for corpus in corpora), streamed=streamed)


def build_tokenizers(settings: TokenizerSettings, corpus: Corpus) -> tuple[Tokenizer, Tokenizer]:
    """Train the tokenizers of source and target on a corpus, or load the given ones.

    Args:
        settings: How to cut text into pieces.
        corpus: Text to train on.

    Returns:
        The tokenizers of source and target; one object where they are the same.

    Raises:
        SettingsError: The vocabulary is to be joint, and the given models are two different ones.
    """
    sides, given = settings.sides(), given_tokenizers(settings)
    if None in given:
        _tell_share(corpus)
    if settings.joint and None in given:
        joint = _trained(sides[0], _sides(corpus, 0, 1))
        return joint, joint
    source, target = (
        _trained(side, _sides(corpus, place)) if tokenizer is None else tokenizer
        for place, (side, tokenizer) in enumerate(zip(sides, given, strict=True))
    )
    if source.fingerprint == target.fingerprint:
        return source, source
    if settings.joint:
        raise SettingsError(
            "A joint vocabulary is one model for both sides. Received: tokenizer.joint=true, "
            f'tokenizer.source.model="{sides[0].model}", tokenizer.target.model="{sides[1].model}", which differ. '
            "Set tokenizer.joint=false, or name the same model twice."
        )
    return source, target


def gone_on_tokenizers(recipe: Recipe, corpus: Corpus, origin: Translator) -> tuple[Tokenizer, Tokenizer]:
    """Give the tokenizers of a model that goes on from a trained one: given ones, its own, or these grown.

    Args:
        recipe: The recipe.
        corpus: Text to learn new pieces from.
        origin: The trained one.

    Returns:
        The tokenizers of source and target; one object where they are the same.
    """
    settings = recipe.tokenizer
    own, given = (origin.source_tokenizer, origin.target_tokenizer), given_tokenizers(settings)
    if own[0] is own[1] and given == [None, None]:
        joint = own[0].grown(_sides(corpus, 0, 1), settings.grow, symbols=settings.symbols)
        return joint, joint
    source, target = (
        before.grown(_sides(corpus, place), settings.grow, symbols=side.symbols) if tokenizer is None else tokenizer
        for place, (before, tokenizer, side) in enumerate(zip(own, given, settings.sides(), strict=True))
    )
    return (source, source) if source.fingerprint == target.fingerprint else (source, target)


def _need_same_cut(recipe: Recipe, origin: Translator) -> None:
    """Refuse settings by which other pieces would be learnt than those that a trained model has."""
    try:
        then = Recipe.from_text(origin.recipe).tokenizer
    except SettingsError:  # the recipe in a model file is for people: it may be none
        return
    differing = [] if then.joint == recipe.tokenizer.joint else ["joint"]
    differing += [
        f"{side}.{name}"
        for side, before, now in zip(("source", "target"), then.sides(), recipe.tokenizer.sides(), strict=True)
        for name, value in vars(now).items()
        if not now.model
        and value != getattr(before, name)
        and not (name == "model" or (name == "symbols" and set(before.symbols) <= set(now.symbols)))
    ]
    if differing:
        raise SettingsError(
            "A model goes on with the pieces that it has, and with new ones beside them. Received: start_from="
            f'"{recipe.start_from}", which learnt its pieces by another tokenizer.{", tokenizer.".join(differing)}. '
            "Take [tokenizer] of its recipe; tokenizer.grow adds pieces, and tokenizer.symbols may have more."
        )


def given_tokenizers(settings: TokenizerSettings) -> list[Tokenizer | None]:
    """Load the tokenizers of source and target that the settings give; None for a side whose text one learns from."""
    from seq2seq.text.tokenizer import Tokenizer

    return [Tokenizer.load(side.model) if side.model else None for side in settings.sides()]


def _tell_share(corpus: Corpus) -> None:
    if corpus.streamed:
        tell(f"The tokenizer learns from the first {_TOKENIZER_PAIRS:,} pairs of {corpus.name}, if there are as many.")
    elif len(corpus) > _TOKENIZER_PAIRS:
        tell(
            f"The tokenizer learns from {_TOKENIZER_PAIRS:,} of the {len(corpus):,} pairs of {corpus.name}, drawn "
            "evenly from the whole."
        )


def _trained(side: Any, sentences: Iterable[str]) -> Tokenizer:
    from seq2seq.text.tokenizer import Tokenizer

    how = {name: value for name, value in vars(side).items() if name != "model"}
    return Tokenizer.train(sentences, **how)


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

    if recipe.model.architecture:
        tell(departures(recipe.model))
    if told := told_depth(model):
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
    model = _build(recipe, _TINY_VOCABULARY, _TINY_VOCABULARY)
    if origin is not None:
        from seq2seq.translation.starting import need_same_parts

        try:
            need_same_parts(model, origin.model)
        except ValueError as error:
            raise ContradictionError(f"{error} Model: {recipe.start_from}.") from error
        _need_same_cut(recipe, origin)


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
