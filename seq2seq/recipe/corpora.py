"""The text of a recipe: what it learns from, what it is validated on and what it is reported on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from seq2seq.recipe.recipe import Recipe
from seq2seq.settings import filled
from seq2seq.system.terminal import tell

if TYPE_CHECKING:
    from seq2seq.text.corpus import Corpus


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
    if settings.hold_out and settings.validation and settings.test:
        tell(f"data.hold_out={settings.hold_out} sets nothing aside: validation and test have text of their own.")
    validation, test = (_part(read, name, getattr(settings, name)) for name in ("validation", "test"))
    if validation is None:
        train, validation = hold_out(train, settings.hold_out, seed=0, purpose="validation")
    if test is None and settings.hold_out:
        train, test = hold_out(train, settings.hold_out, seed=1, purpose="test")
    if settings.sample:
        train = sample(train, settings.sample, seed=2)
    return Corpora(train, validation, test)


def need_text(recipe: Recipe, data: str | None = None) -> None:
    """Refuse a recipe whose text is not there: a look at the first pair of every part, which keeps nothing.

    What is on the hub is not looked at.

    Args:
        recipe: The recipe.
        data: A path to read instead of ``recipe.data.path``.

    Raises:
        SettingsError: A path names an environment variable that is not set.
        CorpusError: There is no such text; the message says what is missing.
    """
    from seq2seq.text.reading import is_on_hub, read_corpus

    settings = recipe.data
    place = settings.place() if data is None else data
    if not is_on_hub(place):
        read = partial(read_corpus, place, source=settings.source, target=settings.target, streaming=True)
        read(settings.train)
        for name in ("validation", "test"):
            _part(read, name, getattr(settings, name))
    for other in settings.other_places():
        if not is_on_hub(other):
            also = filled(settings.also, settings, "as_data")
            read_corpus(other, also.train, source=also.source, target=also.target, streaming=True)


def test_part(recipe: Recipe) -> Corpus | None:
    """Read what a recipe is reported on; None where it sets that aside or has none, or where it is on the hub.

    Raises:
        SettingsError: The path names an environment variable that is not set.
        CorpusError: The text cannot be used.
    """
    from seq2seq.text.reading import is_on_hub, read_corpus

    settings = recipe.data
    place = settings.place()
    if is_on_hub(place):
        return None
    return _part(partial(read_corpus, place, source=settings.source, target=settings.target), "test", settings.test)


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
