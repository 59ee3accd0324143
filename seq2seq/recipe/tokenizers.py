"""The tokenizers of a recipe: learnt from its text, given, or those of the model that it goes on from."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import compress, islice
from typing import TYPE_CHECKING, Any

from seq2seq.recipe.recipe import Recipe
from seq2seq.settings import SettingsError
from seq2seq.system.terminal import tell
from seq2seq.text.settings import TokenizerSettings

if TYPE_CHECKING:
    from seq2seq.text.corpus import Corpus, Pair
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.translation import Translator

# SentencePiece keeps its training text in memory; more than this teaches it nothing new.
_TOKENIZER_PAIRS = 1_000_000


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
    elif idle := _idle(settings):
        tell(f"Nothing is changed by {', '.join(idle)}: a tokenizer that is given cuts text as it was trained to.")
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


def _idle(settings: TokenizerSettings) -> list[str]:
    """What is set of how a tokenizer is trained, which none is; `symbols` are looked for in those that are given."""
    usual = TokenizerSettings()
    names = ("kind", "vocab_size", "byte_fallback", "normalization", "character_coverage")
    return [
        f"tokenizer.{name}={getattr(settings, name)}"
        for name in names
        if getattr(settings, name) != getattr(usual, name)
    ]


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


def need_same_cut(recipe: Recipe, origin: Translator) -> None:
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
    """Load the tokenizers of source and target that the settings give; None for a side whose text one learns from.

    Raises:
        SettingsError: A given one cuts a symbol of the settings to pieces.
    """
    return [_given(side) if side.model else None for side in settings.sides()]


def _given(side: Any) -> Tokenizer:
    from seq2seq.text.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(side.model)
    cut = [
        symbol
        for symbol in side.symbols
        if not {symbol, f"▁{symbol}"} & {tokenizer.piece(id) for id in tokenizer.encode(symbol)}
    ]
    if cut:
        raise SettingsError(
            "A model that is given cuts text as it was trained to. Received: "
            f'{side.section}.model="{side.model}", which cuts {", ".join(map(repr, cut))} of tokenizer.symbols to '
            "pieces. Leave them out, or give a model that was trained with them."
        )
    return tokenizer


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
