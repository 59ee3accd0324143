"""Settings of text: where sentence pairs come from, how they are cut into pieces, and how they are put into batches."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from seq2seq.settings import (
    Count,
    CountOrNone,
    Matching,
    Positive,
    Range,
    SettingsError,
    check_settings,
    filled,
    write_value,
)

# The names are typed here and explained beside what they name (tokenizer.py); a test compares.
Kind = Literal["unigram", "bpe", "char", "word"]
Normalization = Literal["nmt_nfkc", "nmt_nfkc_cf", "nfkc", "nfkc_cf", "identity"]
VocabSize = Annotated[int, Range(8)]
Coverage = Annotated[float, Range(0, 1, open_low=True)]

AsTokenizer = Literal["as_tokenizer"]
"""In the settings of one side: what `[tokenizer]` says for both."""


@dataclass(frozen=True)
class AlsoSettings:
    """Other text that is learnt from beside the training split, as against forgetting what a model was trained on.

    Args:
        paths: Where it lies, each as ``data.path`` says it; none mixes nothing in.
        weights: For each path how many of its batches are read per batch of the training split; none for 1 each.
        source: Language or column to translate from; "as_data" is that of the training split.
        target: Language or column to translate into.
        train: Split to learn from.
        hold_out: Distinct source sentences left out, twice: those that ``data.hold_out`` of a recipe over this text
            sets aside for validation and for test.
        sample: Distinct source sentences to learn from, drawn as ``data.sample`` draws them; 0 takes all.
    """

    section: ClassVar[str] = "data.also"
    paths: tuple[str, ...] = ()
    weights: tuple[Positive, ...] = ()
    source: str = "as_data"
    target: str = "as_data"
    train: str = "as_data"
    hold_out: CountOrNone = 0
    sample: CountOrNone = 0

    def __post_init__(self) -> None:
        check_settings(self)
        idle = {name: value for name, value in vars(self).items() if value != getattr(type(self), name)}
        if idle and not self.paths:
            received = ", ".join(f"{self.section}.{name}={write_value(value)}" for name, value in idle.items())
            raise SettingsError(
                f"Without other text nothing is mixed in. Received: {received}, data.also.paths=[]. Name the text, or "
                "leave them out."
            )
        if self.weights and len(self.weights) != len(self.paths):
            raise SettingsError(
                "Each text that is mixed in has its weight. Received: data.also.paths="
                f"{write_value(list(self.paths))}, data.also.weights={write_value(list(self.weights))}. Write one "
                "weight for each path, or none."
            )


@dataclass(frozen=True)
class Data:
    """Where the sentence pairs come from.

    Args:
        path: "dates" (built in), a folder, a file pattern, or a hub name "owner/name"; ``$NAME``: environment variable.
        source: Language or column to translate from.
        target: Language or column to translate into.
        train: Split to train on: a file stem in a folder, a split name on the hub.
        validation: Split to validate on; "" sets ``hold_out`` sentences of the training split aside.
        test: Split to report on; "" sets another ``hold_out`` sentences aside; with ``hold_out`` 0 there is no test.
        streaming: Read the training split piece by piece instead of keeping it in memory.
        hold_out: Distinct source sentences set aside for each missing split.
        sample: Distinct source sentences to learn from, drawn from the training split once the others are set aside; 0
            takes all.
        also: Other text to learn from beside the training split.
    """

    section: ClassVar[str] = "data"
    path: Annotated[str, Matching(r"(?s).+", 'a folder, a file pattern, a hub name or "dates"')]
    source: Annotated[str, Matching(r"(?s).+", "a language or a column")]
    target: Annotated[str, Matching(r"(?s).+", "a language or a column")]
    train: Annotated[str, Matching(r"(?s).+", "the name of a split")] = "train"
    validation: str = "validation"
    test: str = "test"
    streaming: bool = False
    hold_out: CountOrNone = 0
    sample: CountOrNone = 0
    also: AlsoSettings = field(default_factory=AlsoSettings)

    def __post_init__(self) -> None:
        check_settings(self)
        if not self.validation and not self.hold_out:
            raise SettingsError(
                'A run needs sentences to validate on. Received: data.validation="", data.hold_out=0. '
                "Name a split, or set data.hold_out to the number of training sentences to set aside."
            )

    def place(self) -> str:
        """Give ``path`` with its environment variables filled in.

        Raises:
            SettingsError: A variable is not set.
        """
        return place_of(self.path, "data.path", "the data lie", "name the folder itself with --data")

    def other_places(self) -> list[str]:
        """Give ``also.paths`` in the same way.

        Raises:
            SettingsError: A variable is not set.
        """
        return [
            place_of(path, "data.also.paths", "the data lie", "write the folder itself") for path in self.also.paths
        ]


def place_of(path: str, name: str, lies: str, advice: str) -> str:
    """Give a path with its environment variables filled in.

    Args:
        path: The path.
        name: Of the setting that it is the value of.
        lies: What it says where it lies, as in "the data lie".
        advice: What to do where a variable is not to be set.

    Raises:
        SettingsError: A variable is not set.
    """
    place = os.path.expandvars(path)
    if left := re.search(r"\$(\w+|\{[^}]*\})", place, re.ASCII):  # as expandvars reads one
        missing = left[1].strip("{}")
        raise SettingsError(
            f"The environment variable {missing} says where {lies} and is not set. "
            f"Received: {name}={path}. Set {missing}, or {advice}."
        )
    return place


@dataclass(frozen=True)
class _TokenizerSide:
    """How the text of one side is cut. What is "as_tokenizer" is as `[tokenizer]` says for both sides.

    Args:
        kind: Kind of pieces.
        vocab_size: Number of pieces, special ones included; fewer where the text does not support as many.
        byte_fallback: Spell unknown characters in bytes instead of the unknown piece.
        normalization: Name of SentencePiece's rule; "identity" where the target must come back exactly.
        character_coverage: Share of the characters of the text that get a piece; below 1 leaves the rarest out.
        symbols: Texts that always stay one piece.
        model: A SentencePiece model file to use instead of training one; "" trains.
    """

    section: ClassVar[str] = "tokenizer"
    kind: AsTokenizer | Kind = "as_tokenizer"
    vocab_size: AsTokenizer | VocabSize = "as_tokenizer"
    byte_fallback: AsTokenizer | bool = "as_tokenizer"
    normalization: AsTokenizer | Normalization = "as_tokenizer"
    character_coverage: AsTokenizer | Coverage = "as_tokenizer"
    symbols: AsTokenizer | tuple[str, ...] = "as_tokenizer"
    model: str = ""

    def __post_init__(self) -> None:
        check_settings(self)


@dataclass(frozen=True)
class SourceTokenizerSettings(_TokenizerSide):
    """How source text is cut: as `[tokenizer]` says, but for what is written here."""

    section: ClassVar[str] = "tokenizer.source"


@dataclass(frozen=True)
class TargetTokenizerSettings(_TokenizerSide):
    """How target text is cut: as `[tokenizer]` says, but for what is written here."""

    section: ClassVar[str] = "tokenizer.target"


@dataclass(frozen=True)
class TokenizerSettings:
    """How text is cut into pieces, by SentencePiece: of both sides, and where a side has another value.

    Args:
        kind: Kind of pieces.
        vocab_size: Number of pieces, special ones included; fewer where the text does not support as many.
        joint: One vocabulary for both languages, or one for each.
        byte_fallback: Spell unknown characters in bytes instead of the unknown piece.
        normalization: Name of SentencePiece's rule; "identity" where the target must come back exactly.
        character_coverage: Share of the characters of the text that get a piece; below 1 leaves the rarest out.
        symbols: Texts that always stay one piece.
        grow: Pieces that each vocabulary of the model in ``start_from`` gets more, at most, learnt from the text.
        source: What is another for the source.
        target: What is another for the target.

    Example:
        >>> letters = SourceTokenizerSettings(kind="char", normalization="nmt_nfkc_cf")
        >>> settings = TokenizerSettings("word", joint=False, normalization="identity", source=letters)
        >>> [side.kind for side in settings.sides()]
        ['char', 'word']
    """

    section: ClassVar[str] = "tokenizer"
    renamed: ClassVar[Mapping[str, str]] = {"source_model": "source.model", "target_model": "target.model"}
    kind: Kind = "unigram"
    vocab_size: VocabSize = 8000
    joint: bool = True
    byte_fallback: bool = False
    normalization: Normalization = "nmt_nfkc"
    character_coverage: Coverage = 1.0
    symbols: tuple[str, ...] = ()
    grow: CountOrNone = 0
    source: SourceTokenizerSettings = field(default_factory=SourceTokenizerSettings)
    target: TargetTokenizerSettings = field(default_factory=TargetTokenizerSettings)

    def __post_init__(self) -> None:
        check_settings(self)
        for side in (self.source, self.target):
            own = [name for name, value in vars(side).items() if name != "model" and value != "as_tokenizer"]
            if side.model and own:
                raise SettingsError(
                    "A model that is given cuts text as it was trained to. Received: "
                    f"{_received(side, 'model', *own)}. Leave {', '.join(own)} out, or train a tokenizer."
                )
        given = [side for side in (self.source, self.target) if side.model]
        if self.grow and given:
            raise SettingsError(
                "A tokenizer that is given has the pieces that it has. Received: "
                f"tokenizer.grow={self.grow}, {_received(given[0], 'model')}. Leave one of them out."
            )
        if self.joint:
            self._check_joint()

    def _check_joint(self) -> None:
        source, target = self.sides()
        if bool(source.model) != bool(target.model):
            raise SettingsError(
                "A joint vocabulary takes a tokenizer model for both sides or for none. Received: "
                f"tokenizer.joint=true, {_received(source, 'model')}, {_received(target, 'model')}. Name the same file "
                "twice, or set tokenizer.joint=false."
            )
        differing = [name for name, value in vars(source).items() if name != "model" and value != vars(target)[name]]
        if differing:
            raise SettingsError(
                "A joint vocabulary is one for both sides, cut in one way. Received: tokenizer.joint=true, "
                f"{_received(source, *differing)}, {_received(target, *differing)}. Set tokenizer.joint=false, or "
                "write one value in [tokenizer]."
            )

    def sides(self) -> tuple[SourceTokenizerSettings, TargetTokenizerSettings]:
        """Give the settings of source and target, written out: nothing is "as_tokenizer" any more."""
        return filled(self.source, self, "as_tokenizer"), filled(self.target, self, "as_tokenizer")


def _received(side: _TokenizerSide, *names: str) -> str:
    return ", ".join(f"{side.section}.{name}={write_value(getattr(side, name))}" for name in names)


@dataclass(frozen=True)
class BatchSettings:
    """How pairs are put into batches.

    Args:
        size: Bound of a batch: sentence pairs, or tokens of the larger side, padding counted.
        unit: What ``size`` counts.
        max_source_length: Longest source in tokens, ``</s>`` counted; longer pairs are skipped and counted.
        max_target_length: Longest target in tokens, ``</s>`` counted.
        pool: Batches whose pairs are sorted by length together. In every epoch the pairs are dealt out to pools of so
            many batches anew; the more, the less padding, and the oftener the same pairs meet. 0 sorts all together.
    """

    section: ClassVar[str] = "batches"
    size: Count = 64
    unit: Literal["sentences", "tokens"] = "sentences"
    max_source_length: Annotated[int, Range(2)] = 100
    max_target_length: Annotated[int, Range(2)] = 100
    pool: CountOrNone = 5

    def __post_init__(self) -> None:
        check_settings(self)
