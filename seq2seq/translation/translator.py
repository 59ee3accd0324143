"""Text in, text out: tokenizers, model and search together, and the one file that holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast, overload

import numpy as np

from seq2seq.metrics.risk import UTILITIES
from seq2seq.search import DecodingSettings, Search
from seq2seq.search.settings import need_one_beam
from seq2seq.settings import Range, convert, to_table
from seq2seq.system.choices import need_choice
from seq2seq.system.files import replacing
from seq2seq.system.fork import need_own_threads
from seq2seq.system.picture import card
from seq2seq.system.terminal import tell
from seq2seq.text.length_limit import LengthLimit
from seq2seq.text.texts import texts_of
from seq2seq.translation.confidence import Calibration
from seq2seq.translation.copying import Copying, Part
from seq2seq.translation.decoding import BatchDecoder
from seq2seq.translation.details import with_sources
from seq2seq.translation.hypothesis import Hypothesis, Translation, joined, lost_pieces
from seq2seq.translation.keras_file import fingerprint_of, model_from_bytes, model_to_bytes
from seq2seq.translation.model_file import (
    MODEL,
    RECIPE,
    SHORTLIST,
    SOURCE,
    TARGET,
    TranslatorFileError,
    damaged,
    decoding_of,
    read_members,
    write_members,
)
from seq2seq.translation.parts import longest_part, parts_of
from seq2seq.translation.proof import need_same, probe_texts
from seq2seq.translation.scoring import TargetScore, score_texts
from seq2seq.translation.terms import Terms
from seq2seq.translation.wanted import Wanted

if TYPE_CHECKING:
    from seq2seq.models import Ensemble, Seq2Seq
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.translation.shortlist import Shortlist

_PRECISIONS = ("float32", "bfloat16")


class Translator:
    """Translates text with a trained model.

    Args:
        model: The model, or an ensemble of several.
        source_tokenizer: Cuts source text into the ids that the model reads.
        target_tokenizer: Joins the ids that the model writes; the same object where the vocabulary is joint.
        recipe: The recipe that the model was trained with, as TOML; for people.
        about: What travels with the model as plain JSON values: "decoding" (what ``translate`` uses where it is told
            nothing: a table of ``seq2seq.search.DecodingSettings``), "length_limit" (a table of
            :class:`seq2seq.text.LengthLimit`), "confidence" (one of :class:`Calibration`), "metrics", "signatures",
            "versions" and more.
        shortlist: Which target pieces a source is likely to need, for translating with ``shortlist=True``.

    Attributes:
        search: What is searched with where a call does not say so.
        mbr: What chooses among the hypotheses of this search where a call names neither.
        unknown: What stands where the model says unknown, with this search and where a call does not say so.
        protect: What of a text comes through unchanged, with this search and where a call does not say so.
        batch_size: How many sentences are decoded together where a call does not say so.
        length_limit: How long a translation may become where the search does not say so, as the training pairs showed;
            where nothing was learnt, 2 times the tokens of the source, and 10 more.
        calibration: What quality is to be expected of a translation; None where nobody knows.

    Raises:
        ValueError: What ``about`` says of decoding is not allowed, or the shortlist belongs to other vocabularies.

    Example:
        >>> import seq2seq
        >>> from seq2seq.text import Tokenizer
        >>> tokenizer = Tokenizer.train(["ein Haus", "a house"], kind="char")
        >>> encoder = seq2seq.Encoder(tokenizer.vocab_size, 8, [8])
        >>> decoder = seq2seq.Decoder(tokenizer.vocab_size, 8, [8])
        >>> model = seq2seq.Seq2Seq(encoder, seq2seq.StateBridge([8]), decoder)
        >>> translator = Translator(model, tokenizer, tokenizer)
        >>> len(translator.translate(["ein Haus", ""]))
        2
    """

    def __init__(
        self,
        model: Seq2Seq | Ensemble,
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        *,
        recipe: str = "",
        about: Mapping[str, Any] | None = None,
        shortlist: Shortlist | None = None,
    ) -> None:
        _check_vocabularies(model, source_tokenizer, target_tokenizer)
        self.model = cast("Seq2Seq", model)  # an ensemble has what translating needs
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self.recipe = recipe
        self.about = dict(about or {})
        decoding = decoding_of(self.about)
        self.search, self.batch_size, self.mbr = decoding.search, decoding.batch_size, decoding.mbr
        self.unknown, self.protect = decoding.unknown, decoding.protect
        learnt = self.about.get("length_limit")
        self.length_limit = LengthLimit.by_factor() if learnt is None else LengthLimit.from_table(learnt)
        calibrated = self.about.get("confidence")
        self.calibration = None if calibrated is None else Calibration.from_table(calibrated)
        if shortlist is not None:
            shortlist.check(source_tokenizer.vocab_size, model.decoder.vocab_size)
        self.shortlist = shortlist
        # What was measured, and of which weights; they may be others when it is saved.
        self._measured = self.about.get("metrics")
        self._calibrated = self.calibration
        known = self._measured or self._calibrated
        self._weights = self.about.get("weights") or (fingerprint_of(self.model) if known else "")

    @property
    def fingerprint(self) -> str:
        """What tells the model from all others: the SHA-256 over its weights; that of its file, if it came from one.

        Of an ensemble, those of its files with a + between.
        """
        return self._weights or fingerprint_of(self.model)

    def _repr_html_(self) -> str:
        """Show itself in a notebook: its vocabularies, its search, what was measured, and how its states pass."""
        sides = {"source": self.source_tokenizer, "target": self.target_tokenizer}
        lines = {name: f"{side.vocab_size:,} pieces" for name, side in sides.items()}
        lines |= {"search": str(self.search), "longest translations": str(self.length_limit)}
        for part, scores in (self._measured or {}).items():
            lines[part] = ", ".join(f"{name} {value:.2f}" for name, value in scores.items())
        return card("Translator", lines, self.model._repr_svg_(), "encoder, state bridge and decoder")

    @overload
    def translate(
        self,
        texts: Iterable[str],
        search: Search | None = None,
        *,
        batch_size: int | None = None,
        shortlist: bool = False,
        precision: str | None = None,
        prefixes: Iterable[str] | None = None,
        avoid: Iterable[str] = (),
        terms: Mapping[str, str] | None = None,
        mbr: str | None = None,
        unknown: str | None = None,
        dictionary: Mapping[str, str] | None = None,
        protect: str | None = None,
        details: Literal[False] = False,
    ) -> list[str]: ...

    @overload
    def translate(
        self,
        texts: Iterable[str],
        search: Search | None = None,
        *,
        batch_size: int | None = None,
        shortlist: bool = False,
        precision: str | None = None,
        prefixes: Iterable[str] | None = None,
        avoid: Iterable[str] = (),
        terms: Mapping[str, str] | None = None,
        mbr: str | None = None,
        unknown: str | None = None,
        dictionary: Mapping[str, str] | None = None,
        protect: str | None = None,
        details: Literal[True],
    ) -> list[Translation]: ...

    def translate(
        self,
        texts: Iterable[str],
        search: Search | None = None,
        *,
        batch_size: int | None = None,
        shortlist: bool = False,
        precision: str | None = None,
        prefixes: Iterable[str] | None = None,
        avoid: Iterable[str] = (),
        terms: Mapping[str, str] | None = None,
        mbr: str | None = None,
        unknown: str | None = None,
        dictionary: Mapping[str, str] | None = None,
        protect: str | None = None,
        details: bool = False,
    ) -> list[str] | list[Translation]:
        """Translate texts, each on its own, in batches of like length.

        Args:
            texts: Source texts, one after the other: a list, a generator, an open file, a column of a table ...; the
                end of a line is no part of a text. An empty one, or one of white space or of what the tokenizer drops
                only, gives an empty translation. One of more than 1,000 tokens (or the longest source of training,
                where that was more) is cut into parts, where a sentence ends if it can be, each with the symbols that
                the text begins with (a tag of a language); their translations are joined by a space.
            search: What to search with: ``Greedy()``, ``Beam(12, length_penalty=0.6)``, ``Sample(seed=1)`` of
                :mod:`seq2seq.search`; a translation becomes as long as ``length_limit`` allows, or as its
                ``max_length_factor`` says. None: the translator's own ``search``, as the recipe says; with
                ``dataclasses.replace(translator.search, length_penalty=0.6)`` one number of it is another.
            batch_size: Sentences decoded together. None: the translator's own ``batch_size``.
            shortlist: Score only the target pieces that the sentences of a batch are likely to need. Faster with a
                large vocabulary; a translation then depends a little on the others of its batch.
            precision: "bfloat16" for matrix products of half the precision in the decoder's steps: faster on a
                processor with units for it. Gates, cell states and probabilities stay float32. None: as trained.
            prefixes: What the translation of each text begins with, "" for anything: what a person began is completed.
                It is forced piece by piece, as the target tokenizer cuts it, and scored as the model finds it; the
                last word may become a longer one. Of a text in parts, the first one begins with it.
            avoid: Phrases that no translation may have, each as the target tokenizer cuts it where a word begins: the
                same letters in other pieces are not known.
            terms: How some phrases of the source are to be translated: where one occurs in a text as whole words, its
                translation must appear, once, as the target tokenizer cuts it. It takes a beam wider than such
                translations have pieces, and what does not fit into the limit of length is left out:
                ``Terms(terms).missing`` of :class:`seq2seq.translation.Terms` finds it. Of a text in parts, each has
                the terms that occur in it.
            mbr: "chrf" or "bleu": of the hypotheses of the search (``Sample(n_best=32)``), take the one that is most
                like all of them by this metric, instead of the one with the best score; "none" for not. None: the
                translator's own ``mbr`` where the search is its own, too.
            unknown: What stands where the model says unknown: "keep" a sign (⁇), "copy" the word of the source that it
                looked at most; for models with attention. None: the translator's own ``unknown`` where the search is
                its own, too.
            dictionary: With "copy", how some of these words are written instead.
            protect: A regular expression: what of a text it finds (numbers, addresses, tags) comes through unchanged,
                once. It must appear, as ``terms`` must, so it takes a beam; what does not come through is told. None:
                the translator's own ``protect`` where the search is its own, too.
            details: Give all that is known of each translation, too: the n best, scores, pieces with their
                log-probabilities, and with attention the alignment.

        Returns:
            One translation per text, in the order of the texts: the text alone, or with ``details`` a
            :class:`Translation`.

        Raises:
            TypeError: ``texts`` is one text, has no order, or holds something else than text.
            ValueError: An argument is not allowed.
        """
        texts = list(texts_of(texts, "texts"))
        found = self.hypotheses(
            texts,
            search,
            batch_size=batch_size,
            shortlist=shortlist,
            precision=precision,
            prefixes=prefixes,
            avoid=avoid,
            terms=terms,
            mbr=mbr,
            unknown=unknown,
            dictionary=dictionary,
            protect=protect,
            details=details,
        )
        if details:
            source = self.source_tokenizer, self.longest_part
            return with_sources(texts, found, *source, self.fingerprint, self.calibration)
        told_of = [(place, lost) for place, (best, *_) in enumerate(found) for lost in best.lost]
        if told_of:
            place, lost = told_of[0]
            tell(f"{lost_pieces(len(told_of))}, the first of texts[{place}]: {lost!r}. details=True names them all.")
        return [best[0].text for best in found]

    def hypotheses(
        self,
        texts: Iterable[str],
        search: Search | None = None,
        *,
        batch_size: int | None = None,
        shortlist: bool = False,
        precision: str | None = None,
        prefixes: Iterable[str] | None = None,
        avoid: Iterable[str] = (),
        terms: Mapping[str, str] | None = None,
        mbr: str | None = None,
        unknown: str | None = None,
        dictionary: Mapping[str, str] | None = None,
        protect: str | None = None,
        details: bool = False,
    ) -> list[list[Hypothesis]]:
        """Translate texts, and give the translations of each with their scores: several with ``Beam(5, n_best=3)``.

        Each knows whether it ended by itself; ``Cuts.of`` counts those that did not.

        Args:
            texts: Source texts, see :meth:`translate`; one that gives an empty translation has a single hypothesis,
                with score 0; of one in parts the first hypotheses of all parts are joined, the second ones, and so on,
                with the mean of their scores, and with the number of parts.
            search: See :meth:`translate`.
            batch_size: See :meth:`translate`.
            shortlist: See :meth:`translate`; the scores are log-probabilities among the shortlisted pieces.
            precision: See :meth:`translate`.
            prefixes: See :meth:`translate`.
            avoid: See :meth:`translate`.
            terms: See :meth:`translate`.
            mbr: See :meth:`translate`; those most like the others come first then, and scores stay what they are.
            unknown: See :meth:`translate`.
            dictionary: See :meth:`translate`.
            protect: See :meth:`translate`; a hypothesis knows what it ``lost``.
            details: Give pieces, their log-probabilities, words and alignment, too.

        Returns:
            For each text, in the order of the texts, its hypotheses, best first.

        Raises:
            TypeError: ``texts`` is one text, has no order, or holds something else than text.
            ValueError: An argument is not allowed.
        """
        texts = list(texts_of(texts, "texts"))
        own = search is None
        search = self.search if search is None else search
        mbr = (self.mbr if own else "none") if mbr is None else mbr
        unknown = (self.unknown if own else "keep") if unknown is None else unknown
        protect = (self.protect if own else "") if protect is None else protect
        size = self.batch_size if batch_size is None else batch_size
        need_choice("unknown", unknown, ("keep", "copy"))
        avoid = list(texts_of(avoid, "avoid"))
        copying = Copying(self.source_tokenizer, self.target_tokenizer, unknown == "copy", dictionary, protect, avoid)
        _check_mbr(mbr, search)
        if copying:
            copying.check(search, self.model.attends)
        if terms:
            need_one_beam(search)
        _check_batch_size(size)
        if precision is not None:
            need_choice("precision", precision, _PRECISIONS)
        if shortlist and self.shortlist is None:
            raise ValueError(
                "This translator has no shortlist. Received: shortlist=True. Learn one with `seq2seq shortlist`, or "
                "give Translator one; or leave shortlist out, to score every piece."
            )
        decoder = BatchDecoder(
            model=self.model,
            tokenizer=self.target_tokenizer,
            limit=self.length_limit,
            shortlist=self.shortlist if shortlist else None,
            precision=precision,
            details=details,
            copying=copying,
            mbr=mbr,
        )
        parts = parts_of(self.source_tokenizer, texts, self.longest_part)
        wanted = Wanted.of(self.target_tokenizer, texts, prefixes, avoid, Terms(terms or {}), parts)
        wanted = wanted._replace(
            phrases=[[*each, *copying.phrases(part.text)] for each, part in zip(wanted.phrases, parts, strict=True)]
        )
        copies = {place: copying.copies(texts[place]) for place in {part.place for part in parts}}
        through = [
            Part([copies[part.place][each] for each in part.places if copies[part.place]], copying.protected(part.text))
            for part in parts
        ]
        translated = decoder.decode_all([part.ids for part in parts], search, wanted, through, size)
        looks = details and self.model.attends
        found = [[Hypothesis("", 0.0, alignment=np.zeros((0, 0), np.float32) if looks else None)] for _ in texts]
        for place, group in groupby(zip(parts, translated, strict=True), key=lambda pair: pair[0].place):
            found[place] = joined([hypotheses for _, hypotheses in group])
        if protect:
            found = [
                [one._replace(lost=copying.lost(text, one.text)) for one in hypotheses]
                for text, hypotheses in zip(texts, found, strict=True)
            ]
        return found

    @property
    def longest_part(self) -> int:
        """The most source tokens that are translated as one."""
        return longest_part(self.about)

    def score(self, sources: Iterable[str], targets: Iterable[str]) -> list[TargetScore]:
        """Score given translations: how likely the model finds each, as a whole and token by token.

        Every text is read whole, however long: nothing is cut, nor are long sources taken in parts as in
        :meth:`translate`. The model says what it says without a shortlist and in its own precision.

        Args:
            sources: Source texts, any iterable as :meth:`translate` takes it; none may be empty.
            targets: A translation of each; an empty one is ``</s>`` alone.

        Returns:
            One score per pair, in the order of the pairs.

        Raises:
            TypeError: ``sources`` or ``targets`` is one text, has no order, or holds something else than text.
            ValueError: There are more of one than of the other, or a source is empty to the tokenizer.

        Source:
            Sennrich 2017 (what it is good for: contrastive pairs of translations).
        """
        pairs = [list(texts_of(texts, name)) for texts, name in ((sources, "sources"), (targets, "targets"))]
        return score_texts(self.model, self.source_tokenizer, self.target_tokenizer, *pairs)

    def save(self, path: str | Path) -> None:
        """Write the translator to one file, whole or not at all, once the file has proved itself.

        The file is a zip of Keras' own model file (without the optimizer), the SentencePiece models, the recipe and
        ``about.json`` with a checksum of each. It holds no pickle and no code. Before it gets its name it is loaded
        again, and has to have the same weights and to give the translations of some texts (kept in it as "probes") the
        same scores, token by token.
        Metrics and calibration of other weights, from before a further training, are left out; ``search``,
        ``batch_size``, ``length_limit`` and a new ``calibration`` are written as they are now.

        Args:
            path: The file, usually ``.s2s``; replaced where there is one.

        Raises:
            TranslatorFileError: What was written cannot be loaded, or does not give the same; there is no new file.
            ValueError: It is an ensemble, which lies in the files of its models.
        """
        path = Path(path)
        joint = self.target_tokenizer.fingerprint == self.source_tokenizer.fingerprint
        sources = probe_texts(self.source_tokenizer)
        probes = [
            [text, best] for text, best in zip(sources, self.translate(sources, self.search.greedy()), strict=True)
        ]
        weights = fingerprint_of(self.model)
        if self._measured and self._measured == self.about.get("metrics") and self._weights != weights:
            tell(f"The weights have changed since they were measured: {path} has no metrics. Measure it anew.")
            self.about = {name: value for name, value in self.about.items() if name not in ("metrics", "signatures")}
        if self.calibration and self.calibration is self._calibrated and self._weights != weights:
            tell(f"The weights have changed since they were calibrated: {path} has no confidence. Calibrate it anew.")
            self.calibration = None
        self.about.pop("confidence", None)
        if self.calibration:
            self.about["confidence"] = self.calibration.to_table()
        about = {"created": datetime.now(UTC).isoformat(timespec="seconds")} | self.about
        decoding = DecodingSettings(self.search, self.batch_size, self.mbr, self.unknown, self.protect)
        about |= {"decoding": to_table(decoding), "length_limit": self.length_limit.to_table()}
        about |= {"joint": joint, "probes": probes, "weights": weights}
        members = {RECIPE: self.recipe.encode(), SOURCE: self.source_tokenizer.to_bytes()}
        if not joint:
            members[TARGET] = self.target_tokenizer.to_bytes()
        if self.shortlist is not None:
            members[SHORTLIST] = self.shortlist.to_bytes()
        members[MODEL] = model_to_bytes(self.model)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            write_members(temporary, members, about)
            need_same(self, Translator.load(temporary), probes)
        self._measured, self._calibrated, self._weights = about.get("metrics"), self.calibration, weights

    @classmethod
    def load(cls, path: str | Path) -> Translator:
        """Read a translator from its file; nothing in the file is run.

        Args:
            path: A file that :meth:`save` wrote, on this machine or another.

        Returns:
            The translator. It holds no state of the optimizer: to train its ``model`` on, compile it anew; a run is
            better gone on with from its folder.

        Raises:
            FileNotFoundError: There is no such file.
            TranslatorFileError: The file is no translator, is damaged, or was written by a newer version.
            RuntimeError: The process was forked from one that had used TensorFlow: load in the child alone.
        """
        path = Path(path)
        members, about = read_members(path)
        # What is wrong with this process is not laid to the file: these imports refuse another backend of Keras.
        from seq2seq.models import Seq2Seq  # noqa: F401
        from seq2seq.text import Tokenizer
        from seq2seq.translation.shortlist import Shortlist

        need_own_threads()
        try:
            recipe = members[RECIPE].decode("utf-8")
            source = Tokenizer.from_bytes(members[SOURCE])
            target = source if about["joint"] else Tokenizer.from_bytes(members[TARGET])
            model = model_from_bytes(members[MODEL])
            shortlist = Shortlist.from_bytes(members[SHORTLIST]) if SHORTLIST in members else None
            translator = cls(model, source, target, recipe=recipe, about=about, shortlist=shortlist)
        except TranslatorFileError:
            raise
        except Exception as error:  # Keras and SentencePiece raise whatever they stumble over
            raise damaged(path, error) from error
        return translator


def _check_mbr(mbr: str, search: Search) -> None:
    need_choice("mbr", mbr, ("none", *UTILITIES))
    if mbr != "none" and getattr(search, "n_best", 1) == 1:
        raise ValueError(
            "Minimum Bayes risk chooses among several hypotheses, and the search gives one. "
            f"Received: mbr={mbr!r}, search={search!r}. Use Sample(n_best=32), or Beam(32, n_best=32)."
        )


def _check_batch_size(batch_size: Any) -> None:
    convert(batch_size, Annotated[int, Range(1)], "batch_size")


def _check_vocabularies(model: Seq2Seq | Ensemble, source: Tokenizer, target: Tokenizer) -> None:
    """Refuse tokenizers with ids that the model does not know, and the other way round."""
    if source.vocab_size > model.encoder.vocab_size or target.vocab_size < model.decoder.vocab_size:
        raise ValueError(
            "A model has a vector for each piece of its source tokenizer, and says no more than its target tokenizer "
            f"has. Received: tokenizers of {source.vocab_size:,} and {target.vocab_size:,} pieces, a model of "
            f"{model.encoder.vocab_size:,} and {model.decoder.vocab_size:,}. Make it with their vocab_size."
        )
