"""How fast a model file translates here: in batches, and one sentence at a time from a fresh start."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.analysis.speed.report import Setting, Spread, memory_text, times
from seq2seq.recipe import Recipe
from seq2seq.system.machine import peak_gpu_memory, peak_memory
from seq2seq.system.terminal import UsageError, tell

if TYPE_CHECKING:
    from seq2seq.search import Search
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.translation.translator import Translator

_SENTENCES = 512  # translated in batches
_SINGLE = 25  # translated one by one


@dataclass(frozen=True)
class SearchSpeed:
    """The speed of one kind of search.

    Attributes:
        search: What it is told.
        sentences_per_second: Sentences over wall time, in batches.
        tokens_per_second: Target tokens, `</s>` counted, over wall time.
    """

    search: Search
    sentences_per_second: float
    tokens_per_second: float


@dataclass(frozen=True)
class DecodingBenchmark:
    """How a model translates here.

    Attributes:
        setting: What was measured, and where.
        sentences: Sentences translated in batches.
        source_tokens: Their tokens, `</s>` counted.
        batch_size: Sentences decoded together.
        searches: Greedy search, and the model's own.
        load_seconds: To load the file, TensorFlow included.
        first_seconds: The first translation after that.
        single_seconds: A sentence alone, by the model's own search, once the model is warm.
        peak_memory: The most main memory that the process had, bytes.
        peak_gpu_memory: The same of the first GPU; 0 without.
    """

    setting: Setting
    sentences: int
    source_tokens: int
    batch_size: int
    searches: list[SearchSpeed]
    load_seconds: float
    first_seconds: float
    single_seconds: Spread
    peak_memory: int
    peak_gpu_memory: int

    def report(self) -> str:
        """Lay everything out as tables."""
        rows = [
            (
                str(each.search),
                f"{each.sentences_per_second:,.1f} sentences/s, {each.tokens_per_second:,.0f} target tokens/s",
            )
            for each in self.searches
        ]
        source = f"{self.source_tokens / self.sentences:.1f} source tokens each"
        rows += [
            ("measured on", f"{times(self.sentences, 'sentence')} of {source}, in batches of {self.batch_size}"),
            ("first translation", f"{self.load_seconds + self.first_seconds:.1f} s after the start: "
             f"{self.load_seconds:.1f} s to load, {self.first_seconds:.1f} s to translate"),
            ("then one by one", f"{self.single_seconds.text('ms', 1000)}, {self.searches[-1].search}"),
            ("peak memory", memory_text(self.peak_memory, self.peak_gpu_memory)),
        ]  # fmt: skip
        return self.setting.report(rows)


def benchmark_decoding(path: Path, *, texts: Sequence[str] | None = None, data: str | None = None) -> DecodingBenchmark:
    """Load a model file, translate with it, and time everything.

    Args:
        path: The model file.
        texts: Sentences to translate; None takes the test text of the recipe that the model was trained with, or its
            validation text.
        data: Where that text lies instead of the recipe's ``data.path``.

    Returns:
        What was measured.

    Raises:
        UsageError: There is no text to translate.
        TranslatorFileError: The file cannot be used.
    """
    tell("Loading the model ...")
    began = time.monotonic()
    from seq2seq.translation.translator import Translator

    translator = Translator.load(path)
    loaded = time.monotonic()
    chosen = _chosen(_texts(translator, data) if texts is None else texts, _SENTENCES)
    if not chosen:
        raise UsageError("There is nothing to translate. Received: only empty lines. Name a file with sentences.")
    tell("Translating one by one ...")
    began_first = time.monotonic()
    translator.translate(chosen[:1])
    first = time.monotonic() - began_first
    single = [_seconds(translator, [text]) for text in _chosen(chosen, _SINGLE)]
    # Its own comes with all else that a model says of itself: minimum Bayes risk, what is copied or protected.
    greedy = translator.search.greedy()
    kinds: dict[str, Search | None] = {str(greedy): greedy, str(translator.search): None}
    searches = [_search_speed(translator, chosen, search) for search in kinds.values()]
    return DecodingBenchmark(
        setting=Setting.of(str(path), translator.model),
        sentences=len(chosen),
        source_tokens=_tokens(translator.source_tokenizer, chosen),
        batch_size=translator.batch_size,
        searches=searches,
        load_seconds=loaded - began,
        first_seconds=first,
        single_seconds=Spread.of(single),
        peak_memory=peak_memory(),
        peak_gpu_memory=peak_gpu_memory(),
    )


def _chosen(texts: Sequence[str], most: int) -> list[str]:
    """Give texts from all over, at even distances."""
    real = [text for text in texts if text.strip()]
    count = min(most, len(real))
    return [real[place * len(real) // count] for place in range(count)]


def _texts(translator: Translator, data: str | None) -> list[str]:
    """Read held-out text of the recipe that a model was trained with."""
    from seq2seq.recipe.corpora import read_corpora

    try:
        corpora = read_corpora(Recipe.from_text(translator.recipe), data)
    except (ValueError, OSError) as error:
        raise UsageError(
            "A model translates the held-out text of its recipe here, which cannot be read. "
            f"Received: {str(error).rstrip('.')}. Name a file of sentences with --input, or the place of the text with "
            "--data."
        ) from error
    return (corpora.test or corpora.validation).sources


def _search_speed(translator: Translator, texts: Sequence[str], search: Search | None) -> SearchSpeed:
    """Measure a search, or all that the model says of itself where none is given."""
    told = search or translator.search
    tell(f"Translating {times(len(texts), 'sentence')}, {told} ...")
    translator.translate(texts[: translator.batch_size], search)  # the first time traces
    began = time.monotonic()
    translations = translator.translate(texts, search)
    seconds = time.monotonic() - began
    tokens = _tokens(translator.target_tokenizer, translations)
    return SearchSpeed(told, len(texts) / seconds, tokens / seconds)


def _seconds(translator: Translator, texts: Sequence[str]) -> float:
    began = time.monotonic()
    translator.translate(texts)
    return time.monotonic() - began


def _tokens(tokenizer: Tokenizer, texts: Sequence[str]) -> int:
    """Count tokens, `</s>` of each text counted."""
    return sum(len(ids) + 1 for ids in tokenizer.encode_batch(list(texts)))
