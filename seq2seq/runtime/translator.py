"""Text in, text out, with onnxruntime, NumPy and SentencePiece alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np

from seq2seq.runtime.constraints import Constraints
from seq2seq.runtime.folder import ENCODER, SOURCE, STEP, TARGET, TRANSLATOR, damaged, read_folder
from seq2seq.runtime.graphs import Graphs, need_onnxruntime
from seq2seq.runtime.search import search
from seq2seq.runtime.steps import Sequence
from seq2seq.search.settings import DecodingSettings, Search, need_one_beam
from seq2seq.settings import from_table
from seq2seq.system.hub import here
from seq2seq.text.bucketing import pad
from seq2seq.text.ids import Ids
from seq2seq.text.length_limit import LengthLimit
from seq2seq.text.special_ids import END
from seq2seq.text.texts import texts_of
from seq2seq.text.tokenizer import Tokenizer
from seq2seq.translation.confidence import Calibration
from seq2seq.translation.details import target_pieces, with_sources
from seq2seq.translation.hypothesis import Hypothesis, Translation, joined
from seq2seq.translation.parts import longest_part, parts_of
from seq2seq.translation.terms import Terms
from seq2seq.translation.wanted import Wanted


class ExportedTranslator:
    """Translates text with an exported model; the same results as `seq2seq.Translator` gives.

    Args:
        graphs: The model.
        source_tokenizer: Cuts source text into the ids that the model reads.
        target_tokenizer: Joins the ids that the model writes.
        about: What `translator.json` says.

    Attributes:
        search: What is searched with where a call does not say so.
        batch_size: How many sentences are decoded together where a call does not say so.
        length_limit: How long a translation may become where the search does not say so.
        mbr: "none": what is given is the best by its score.
        calibration: What quality is to be expected of a translation; None where nobody knows.
    """

    mbr = "none"

    def __init__(
        self, graphs: Graphs, source_tokenizer: Tokenizer, target_tokenizer: Tokenizer, about: Mapping[str, Any]
    ) -> None:
        self.graphs = graphs
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self.about = dict(about)
        decoding = from_table(DecodingSettings, self.about["decoding"], "decoding")
        self.search, self.batch_size = decoding.search, decoding.batch_size
        self.length_limit = LengthLimit.from_table(self.about["length_limit"])
        calibrated = self.about.get("confidence")
        self.calibration = None if calibrated is None else Calibration.from_table(calibrated)

    @overload
    def translate(
        self,
        texts: Iterable[str],
        search: Search | None = None,
        *,
        batch_size: int | None = None,
        prefixes: Iterable[str] | None = None,
        avoid: Iterable[str] = (),
        terms: Mapping[str, str] | None = None,
        details: Literal[False] = False,
    ) -> list[str]: ...

    @overload
    def translate(
        self,
        texts: Iterable[str],
        search: Search | None = None,
        *,
        batch_size: int | None = None,
        prefixes: Iterable[str] | None = None,
        avoid: Iterable[str] = (),
        terms: Mapping[str, str] | None = None,
        details: Literal[True],
    ) -> list[Translation]: ...

    def translate(
        self,
        texts: Iterable[str],
        search: Search | None = None,
        *,
        batch_size: int | None = None,
        prefixes: Iterable[str] | None = None,
        avoid: Iterable[str] = (),
        terms: Mapping[str, str] | None = None,
        details: bool = False,
    ) -> list[str] | list[Translation]:
        """Translate texts, each on its own, in batches of like length.

        Args:
            texts: Source texts; an empty one gives an empty translation, one of more than 1,000 tokens is translated
                in parts.
            search: `Greedy()` or `Beam(…)` of `seq2seq.search`; None: as the model says.
            batch_size: Sentences decoded together; None: as the model says.
            prefixes: See `hypotheses`.
            avoid: See `hypotheses`.
            terms: See `hypotheses`.
            details: Give all that is known of each translation, too; see `seq2seq.Translator.translate`.

        Returns:
            The best translation of each text: the text alone, or with `details` a `Translation`.
        """
        texts = list(texts_of(texts, "texts"))
        asked: dict[str, Any] = {"batch_size": batch_size, "prefixes": prefixes, "avoid": avoid, "terms": terms}
        found = self.hypotheses(texts, search, **asked, alignment=details and self._attends)
        if details:
            source = self.source_tokenizer, self._longest
            return with_sources(texts, found, *source, self.about.get("weights", ""), self.calibration)
        return [best.text for best, *_ in found]

    def hypotheses(
        self,
        texts: Iterable[str],
        search: Search | None = None,
        *,
        batch_size: int | None = None,
        alignment: bool = False,
        prefixes: Iterable[str] | None = None,
        avoid: Iterable[str] = (),
        terms: Mapping[str, str] | None = None,
    ) -> list[list[Hypothesis]]:
        """Translate texts, and give all that was found of each.

        Args:
            texts: As in `translate`.
            search: As in `translate`; `Beam(5, n_best=3)` gives three of each.
            batch_size: As in `translate`.
            alignment: Whether to give what each piece looked at; for models with attention.
            prefixes: What the translation of each text begins with; "" for anything.
            avoid: Phrases that no translation may have, cut into pieces as the vocabulary has them.
            terms: How some phrases of the source are to be translated, with a beam; see `seq2seq.Translator.translate`.

        Returns:
            The hypotheses of each text, best first; one that does not exist has the score −inf.

        Raises:
            ValueError: An alignment is asked for, and the model has no attention; a search is not known here; there is
                not one prefix for each text; a prefix or a term cannot be written, or has what is to be avoided; or a
                term has no beam.
        """
        texts = list(texts_of(texts, "texts"))
        search = self.search if search is None else search
        size = self.batch_size if batch_size is None else batch_size
        if size < 1:
            raise ValueError(f"A batch has one sentence or more. Received: batch_size={size}.")
        if alignment and not self._attends:
            raise ValueError(
                "Only a model with attention can tell what it looked at. Received: alignment=True. Leave it out."
            )
        if terms:
            need_one_beam(search)
        parts = parts_of(self.source_tokenizer, texts, self._longest)
        wanted = Wanted.of(self.target_tokenizer, texts, prefixes, avoid, Terms(terms or {}), parts)
        found = [[Hypothesis("", 0.0, alignment=np.zeros((0, 0), np.float32) if alignment else None)] for _ in texts]
        order = sorted(range(len(parts)), key=lambda index: -len(parts[index].ids))
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        translated: list[list[Hypothesis]] = [[]] * len(parts)

        def decode(batch: list[int]) -> list[list[Hypothesis]]:
            return self._decode([parts[index].ids for index in batch], search, alignment, wanted.batch(batch))

        with ThreadPoolExecutor(self.graphs.at_a_time) as pool:
            run = pool.map if len(batches) > 1 else map  # a single batch stays in this thread
            for batch, decoded in zip(batches, run(decode, batches), strict=True):
                for index, hypotheses in zip(batch, decoded, strict=True):
                    translated[index] = hypotheses
        for place, group in groupby(zip(parts, translated, strict=True), key=lambda pair: pair[0].place):
            found[place] = joined([hypotheses for _, hypotheses in group])
        return found

    @property
    def _attends(self) -> bool:
        return bool(self.about["memory"])

    @property
    def _longest(self) -> int:
        return longest_part(self.about)

    def _decode(self, ids: list[list[int]], settings: Search, alignment: bool, asked: Wanted) -> list[list[Hypothesis]]:
        limit = LengthLimit.chosen(settings.max_length_factor, self.length_limit)
        source, _ = pad(Ids.pack(ids), np.arange(len(ids)))
        state, memory = self.graphs.start(source.astype(np.int64))
        # What is asked for has room, and an end behind it.
        max_length = [
            max(limit.of(len(sentence) + 1), least + 1) for sentence, least in zip(ids, asked.lengths(), strict=True)
        ]
        found = search(settings, self.graphs, state, memory, max_length, alignment, Constraints(*asked))
        texts = iter(self.target_tokenizer.decode_batch([one.tokens for best in found for one in best]))
        wanted = getattr(settings, "n_best", 1)
        return [
            [self._hypothesis(next(texts), one, len(sentence) + 1) for one in best]
            + [_missing(len(sentence) + 1 if alignment else None)] * (wanted - len(best))
            for best, sentence in zip(found, ids, strict=True)
        ]

    def _hypothesis(self, text: str, one: Sequence, source_tokens: int) -> Hypothesis:
        pieces, words = target_pieces(self.target_tokenizer, one.tokens)
        looked = None if one.attention is None else one.attention[:, :source_tokens]
        made_of = pieces, tuple(one.token_scores), words, looked
        total = sum(one.token_scores)
        return Hypothesis(text, one.score, one.ended, 1, *made_of, log_probability=total, length=len(pieces))


def load(folder: str | Path, threads: int = 1) -> ExportedTranslator:
    """Read an exported translator: `seq2seq.runtime.load("exported").translate(["…"])`.

    Args:
        folder: What `seq2seq export MODEL --to FOLDER` wrote; or `"hf://OWNER/NAME"`, what it put on the Hugging Face
            hub with `--push`.
        threads: How many threads onnxruntime may use for one operation; 0 for as many as it thinks right. With one, as
            many batches are at work at a time as there are cores, which is the fastest where there are several.

    Returns:
        The translator.

    Raises:
        FileNotFoundError: There is no such folder, here or on the hub.
        ExportedFolderError: It holds no translator, is damaged, or was written by a version that is not known here.
        ModuleNotFoundError: onnxruntime is not installed.
        ValueError: There are fewer threads than none.
    """
    if threads < 0:
        raise ValueError(
            f"onnxruntime takes a number of threads. Received: threads={threads}. "
            "Use 0 for as many as onnxruntime thinks right."
        )
    need_onnxruntime()
    files, about = read_folder(here(folder, (ENCODER, STEP, SOURCE, TARGET, TRANSLATOR)))
    try:
        translator = assembled(files, about, threads)
        _check_vocabularies(translator)
    except Exception as error:  # onnxruntime and SentencePiece raise whatever they stumble over
        raise damaged(folder, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}") from error
    return translator


def assembled(files: Mapping[str, bytes], about: Mapping[str, Any], threads: int = 1) -> ExportedTranslator:
    """Put a translator together from its files.

    Args:
        files: Bytes by name, as `seq2seq.runtime.folder` names them.
        about: What `translator.json` says.
        threads: See `load`.
    """
    source = Tokenizer.from_bytes(files[SOURCE])
    target = source if about["joint"] else Tokenizer.from_bytes(files[TARGET])
    graphs = Graphs(files[ENCODER], files[STEP], about["state"], about["memory"], threads)
    return ExportedTranslator(graphs, source, target, about)


def _check_vocabularies(translator: ExportedTranslator) -> None:
    """Refuse tokenizers with ids that the graphs do not know, and the other way round."""
    source, target = translator.source_tokenizer.vocab_size, translator.target_tokenizer.vocab_size
    if target < translator.graphs.vocab_size:
        raise ValueError(f"{target:,} pieces of the target, {translator.graphs.vocab_size:,} logits")
    translator.graphs.start(np.array([[source - 1, END]]))  # which looks the last one up


def _missing(looked_at: int | None) -> Hypothesis:
    """Stand for a hypothesis that does not exist, with an alignment to so many source tokens."""
    alignment = None if looked_at is None else np.zeros((0, looked_at), np.float32)
    return Hypothesis("", float("-inf"), False, alignment=alignment)
