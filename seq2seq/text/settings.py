"""Settings of text: where sentence pairs come from, how they are cut into pieces, and how they are put into batches."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from seq2seq.settings import Count, CountOrNone, Matching, Range, SettingsError, check_settings


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
        place = os.path.expandvars(self.path)
        if "$" in place:
            missing = place[place.index("$") + 1 :].strip("{").partition("/")[0].rstrip("}")
            raise SettingsError(
                f"The environment variable {missing} says where the data lie and is not set. "
                f"Received: data.path={self.path}. Set {missing}, or name the folder itself with --data."
            )
        return place


@dataclass(frozen=True)
class TokenizerSettings:
    """How text is cut into pieces, by SentencePiece.

    Args:
        kind: Kind of pieces.
        vocab_size: Number of pieces, special ones included; fewer where the text does not support as many.
        joint: One vocabulary for both languages, or one for each.
        byte_fallback: Spell unknown characters in bytes instead of the unknown piece.
        normalization: Name of SentencePiece's rule; "identity" where the target must come back exactly.
        character_coverage: Share of the characters of the text that get a piece; below 1 leaves the rarest out.
        symbols: Texts that always stay one piece.
        source_model: A SentencePiece model file to use for the source instead of training one; "" trains.
        target_model: The same for the target.
    """

    section: ClassVar[str] = "tokenizer"
    kind: Literal["unigram", "bpe", "char", "word"] = "unigram"
    vocab_size: Annotated[int, Range(8)] = 8000
    joint: bool = True
    byte_fallback: bool = False
    normalization: Literal["nmt_nfkc", "nmt_nfkc_cf", "nfkc", "nfkc_cf", "identity"] = "nmt_nfkc"
    character_coverage: Annotated[float, Range(0, 1, open_low=True)] = 1.0
    symbols: tuple[str, ...] = ()
    source_model: str = ""
    target_model: str = ""

    def __post_init__(self) -> None:
        check_settings(self)
        if bool(self.source_model) != bool(self.target_model):
            raise SettingsError(
                "Give a tokenizer model for both sides or for none. Received: "
                f'tokenizer.source_model="{self.source_model}", tokenizer.target_model="{self.target_model}". '
                "For a joint vocabulary name the same file twice."
            )


@dataclass(frozen=True)
class BatchSettings:
    """How pairs are put into batches.

    Args:
        size: Bound of a batch: sentence pairs, or tokens of the larger side, padding counted.
        unit: What ``size`` counts.
        max_source_length: Longest source in tokens, ``</s>`` counted; longer pairs are skipped and counted.
        max_target_length: Longest target in tokens, ``</s>`` counted.
    """

    section: ClassVar[str] = "batches"
    size: Count = 64
    unit: Literal["sentences", "tokens"] = "sentences"
    max_source_length: Annotated[int, Range(2)] = 100
    max_target_length: Annotated[int, Range(2)] = 100

    def __post_init__(self) -> None:
        check_settings(self)
