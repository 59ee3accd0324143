"""A batch of texts, from ids to hypotheses."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from seq2seq.search import Search
from seq2seq.system.threads import batches_at_a_time
from seq2seq.text.bucketing import pad
from seq2seq.text.ids import Ids
from seq2seq.text.length_limit import LengthLimit
from seq2seq.text.special_ids import PAD, UNKNOWN
from seq2seq.translation.copying import Copying, Part
from seq2seq.translation.details import target_pieces
from seq2seq.translation.hypothesis import Hypothesis, most_alike
from seq2seq.translation.wanted import Wanted

if TYPE_CHECKING:
    from seq2seq.models import Seq2Seq
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.translation.shortlist import Shortlist


class BatchDecoder(NamedTuple):
    """Decodes batches of sources, all in one way.

    Attributes:
        model: What is translated with.
        tokenizer: Of the target.
        limit: How long a translation may become where the search does not say so.
        shortlist: Which pieces are scored; None for all.
        precision: Of the products of the decoder's steps; None: as trained.
        details: Whether hypotheses know what they are made of.
        copying: What comes through of the sources.
        mbr: What chooses among the hypotheses of a search; "none" where that is their score.
    """

    model: Seq2Seq
    tokenizer: Tokenizer
    limit: LengthLimit
    shortlist: Shortlist | None
    precision: str | None
    details: bool
    copying: Copying
    mbr: str

    def decode_all(
        self, ids: Sequence[Sequence[int]], search: Search, wanted: Wanted, through: Sequence[Part], size: int
    ) -> list[list[Hypothesis]]:
        """Decode all sources in batches of like length, and choose among the hypotheses of each.

        Args:
            ids: See :meth:`decode`.
            search: See :meth:`decode`.
            wanted: See :meth:`decode`.
            through: See :meth:`decode`.
            size: Sources of a batch.

        Returns:
            For each source its hypotheses, best first.
        """
        # Longest first: what does not fit into memory fails at once.
        order = sorted(range(len(ids)), key=lambda index: -len(ids[index]))
        batches = [order[start : start + size] for start in range(0, len(order), size)]

        def decode(number: int) -> list[list[Hypothesis]]:
            batch = batches[number]
            found = self.decode(
                [ids[index] for index in batch], search.for_batch(number), wanted.batch(batch),
                [through[index] for index in batch],
            )  # fmt: skip
            return found if self.mbr == "none" else [most_alike(hypotheses, self.mbr) for hypotheses in found]

        decoded: list[list[Hypothesis]] = [[]] * len(ids)
        with ThreadPoolExecutor(batches_at_a_time()) as pool:
            # A single batch stays in this thread: to start another takes 2 of its 30 milliseconds.
            run = pool.map if len(batches) > 1 else map
            for batch, found in zip(batches, run(decode, range(len(batches))), strict=True):
                for index, hypotheses in zip(batch, found, strict=True):
                    decoded[index] = hypotheses
        return decoded

    def decode(
        self, ids: Sequence[Sequence[int]], search: Search, wanted: Wanted, through: Sequence[Part]
    ) -> list[list[Hypothesis]]:
        """Decode a batch.

        Args:
            ids: Of the sources.
            search: What to search with.
            wanted: What is asked of their translations.
            through: What may come through of each source.

        Returns:
            For each source its hypotheses, best first.
        """
        limit = LengthLimit.chosen(search.max_length_factor, self.limit)
        source, _ = pad(Ids.pack(ids), np.arange(len(ids)))
        asked = [*wanted.ids(), UNKNOWN] if self.copying.unknown else wanted.ids()
        vocabulary = None if self.shortlist is None else np.union1d(self.shortlist.of(source), asked)
        # What is asked for has room, and an end behind it, however long it is.
        max_length = [
            max(limit.of(len(sentence) + 1), least + 1) for sentence, least in zip(ids, wanted.lengths(), strict=True)
        ]
        looks = (self.details and self.model.attends) or self.copying.unknown
        found = self.model.decode(
            source, max_length, search, vocabulary, self.precision, looks, constraints=wanted.constraints()
        )
        tokens, scores, token_scores, ended = (np.asarray(each) for each in found[:4])
        numbers = scores, ended, token_scores.sum(axis=2), np.count_nonzero(tokens != PAD, axis=2)
        texts = iter(self.tokenizer.decode_batch(tokens.reshape(-1, tokens.shape[-1]).tolist()))
        hypotheses = [
            [
                Hypothesis(next(texts), score, ended, log_probability=total, length=length)
                for score, ended, total, length in zip(*rows, strict=True)
            ]
            for rows in zip(*(each.tolist() for each in numbers), strict=True)
        ]
        if not (self.details or self.copying):
            return hypotheses
        looked = None if found.attention is None else np.asarray(found.attention)
        completed = []
        for row, (each, sentence, part) in enumerate(zip(hypotheses, ids, through, strict=True)):
            seen = [None] * len(each) if looked is None else looked[row, :, :, : len(sentence) + 1]
            made_of = zip(tokens[row], token_scores[row], seen, strict=True)
            completed.append([self._completed(one, *of_one, part) for one, of_one in zip(each, made_of, strict=True)])
        return completed

    def _completed(self, one: Hypothesis, tokens: Any, scores: Any, looked: Any, part: Part) -> Hypothesis:
        """Put into a hypothesis what comes through of its source, and what it is made of where that is asked for."""
        length = int(np.count_nonzero(tokens != PAD))
        ids, looked = tokens[:length].tolist(), None if looked is None else looked[:length]
        surfaces = self.copying.surfaces(ids, looked, part) if self.copying else None
        if surfaces is not None:
            one = one._replace(text="".join(surfaces))
        if not self.details:
            return one
        pieces, words = target_pieces(self.tokenizer, ids, surfaces)
        return one._replace(tokens=pieces, token_scores=tuple(scores[:length].tolist()), words=words, alignment=looked)
