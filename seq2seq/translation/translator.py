"""Text in, text out: tokenizers, model and search together, and the one file that holds them."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any, cast

import numpy as np
import numpy.typing as npt

from seq2seq.metrics.risk import UTILITIES
from seq2seq.search import DecodingSettings, Search
from seq2seq.settings import Range, convert, from_table, to_table
from seq2seq.system.choices import need_choice
from seq2seq.system.files import replacing
from seq2seq.system.fork import need_own_threads
from seq2seq.system.picture import card
from seq2seq.system.terminal import tell
from seq2seq.text.bucketing import pad, pad_batch
from seq2seq.text.ids import Ids
from seq2seq.text.length_limit import LengthLimit
from seq2seq.text.special_ids import PAD, PIECES
from seq2seq.text.texts import texts_of
from seq2seq.translation.hypothesis import Hypothesis, most_alike
from seq2seq.translation.model_file import (
    MODEL,
    RECIPE,
    SHORTLIST,
    SOURCE,
    TARGET,
    TranslatorFileError,
    check_model,
    damaged,
    read_members,
    write_members,
)
from seq2seq.translation.scoring import TargetScore, score_texts
from seq2seq.translation.terms import Terms
from seq2seq.translation.wanted import Wanted

if TYPE_CHECKING:
    from seq2seq.models import Ensemble, Seq2Seq
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.translation.shortlist import Shortlist

# A longer text is no sentence: it is cut, because time and memory grow with its length times that of its translation.
_LONGEST = 1000  # source tokens
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
            :class:`seq2seq.text.LengthLimit`), "metrics", "signatures", "versions" and more.
        shortlist: Which target pieces a source is likely to need, for translating with ``shortlist=True``.

    Attributes:
        search: What is searched with where a call does not say so.
        mbr: What chooses among the hypotheses of this search where a call names neither.
        batch_size: How many sentences are decoded together where a call does not say so.
        length_limit: How long a translation may become where the search does not say so, as the training pairs showed;
            where nothing was learnt, 2 times the tokens of the source, and 10 more.

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
        self.model = cast("Seq2Seq", model)  # an ensemble has what translating needs
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self.recipe = recipe
        self.about = dict(about or {})
        decoding = _decoding(self.about.get("decoding", {}))
        self.search, self.batch_size, self.mbr = decoding.search, decoding.batch_size, decoding.mbr
        learnt = self.about.get("length_limit")
        self.length_limit = LengthLimit.by_factor() if learnt is None else LengthLimit.from_table(learnt)
        if shortlist is not None:
            shortlist.check(source_tokenizer.vocab_size, model.decoder.vocab_size)
        self.shortlist = shortlist
        # What was measured, and of which weights; they may be others when it is saved.
        self._measured = self.about.get("metrics")
        self._weights = self.about.get("weights") or (_fingerprint(self.model) if self._measured else "")

    def _repr_html_(self) -> str:
        """Show itself in a notebook: its vocabularies, its search, what was measured, and how its states pass."""
        sides = {"source": self.source_tokenizer, "target": self.target_tokenizer}
        lines = {name: f"{side.vocab_size:,} pieces" for name, side in sides.items()}
        lines |= {"search": str(self.search), "longest translations": str(self.length_limit)}
        for part, scores in (self._measured or {}).items():
            lines[part] = ", ".join(f"{name} {value:.2f}" for name, value in scores.items())
        return card("Translator", lines, self.model._repr_svg_(), "encoder, state bridge and decoder")

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
    ) -> list[str]:
        """Translate texts, each on its own, in batches of like length.

        Args:
            texts: Source texts, one after the other: a list, a generator, an open file, a column of a table ...; the
                end of a line is no part of a text. An empty one, or one of white space or of what the tokenizer drops
                only, gives an empty translation. One of more than 1,000 tokens (or the longest source of training,
                where that was more) is cut into parts of as many, whose translations are joined by a space.
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
                ``Terms(terms).missing`` of :class:`seq2seq.translation.Terms` finds it.
            mbr: "chrf" or "bleu": of the hypotheses of the search (``Sample(n_best=32)``), take the one that is most
                like all of them by this metric, instead of the one with the best score; "none" for not. None: the
                translator's own ``mbr`` where the search is its own, too.

        Returns:
            One translation per text, in the order of the texts.

        Raises:
            TypeError: ``texts`` is one text, has no order, or holds something else than text.
            ValueError: An argument is not allowed.
        """
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
        )
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

        Returns:
            For each text, in the order of the texts, its hypotheses, best first.

        Raises:
            TypeError: ``texts`` is one text, has no order, or holds something else than text.
            ValueError: An argument is not allowed.
        """
        texts = list(texts_of(texts, "texts"))
        if mbr is None:
            mbr = self.mbr if search is None else "none"
        search = self.search if search is None else search
        _check_mbr(mbr, search)
        size = self.batch_size if batch_size is None else batch_size
        _check_batch_size(size)
        if precision is not None:
            need_choice("precision", precision, _PRECISIONS)
        if shortlist and self.shortlist is None:
            raise ValueError(
                "This translator has no shortlist. Received: shortlist=True. Learn one with `seq2seq shortlist`, or "
                "give Translator one; or leave shortlist out, to score every piece."
            )
        found = [[Hypothesis("", 0.0)] for _ in texts]
        wanted = Wanted.of(self.target_tokenizer, texts, prefixes, avoid, Terms(terms or {}))
        real = [place for place, text in enumerate(texts) if text.strip()]
        ids = self.source_tokenizer.encode_batch([texts[place] for place in real])
        longest = max(_LONGEST, self.about.get("max_source_length", 0))
        # A text of which normalization leaves nothing (a zero-width space) has no part: no source of training was so.
        parts = [
            (place, sentence[start : start + longest])
            for place, sentence in zip(real, ids, strict=True)
            for start in range(0, len(sentence), longest)
        ]
        translated: list[list[Hypothesis]] = [[]] * len(parts)
        # Longest first: what does not fit into memory fails at once.
        order = sorted(range(len(parts)), key=lambda index: -len(parts[index][1]))
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        first = [not index or parts[index - 1][0] != place for index, (place, _) in enumerate(parts)]
        begun = [[parts[index][0] if first[index] else None for index in batch] for batch in batches]
        used = self.shortlist if shortlist else None

        def decode(number: int) -> list[list[Hypothesis]]:
            ids = [parts[index][1] for index in batches[number]]
            decoded = self._decode(ids, search.for_batch(number), used, precision, wanted.batch(begun[number]))
            return decoded if mbr == "none" else [most_alike(hypotheses, mbr) for hypotheses in decoded]

        # Two batches at a time: the small operations of one fill the gaps that those of the other leave.
        with ThreadPoolExecutor(2) as pool:
            # A single batch stays in this thread: to start another takes 2 of its 30 milliseconds.
            run = pool.map if len(batches) > 1 else map
            for batch, decoded in zip(batches, run(decode, range(len(batches))), strict=True):
                for index, hypotheses in zip(batch, decoded, strict=True):
                    translated[index] = hypotheses
        for place, group in groupby(zip(parts, translated, strict=True), key=lambda pair: pair[0][0]):
            found[place] = _joined([hypotheses for _, hypotheses in group])
        return found

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

    def _decode(
        self,
        ids: list[list[int]],
        search: Search,
        shortlist: Shortlist | None,
        precision: str | None,
        wanted: Wanted,
    ) -> list[list[Hypothesis]]:
        limit = LengthLimit.chosen(search.max_length_factor, self.length_limit)
        source, _ = pad(Ids.pack(ids), np.arange(len(ids)))
        vocabulary = None if shortlist is None else np.union1d(shortlist.of(source), wanted.ids())
        # What is asked for has room, and an end behind it, however long it is.
        max_length = [
            max(limit.of(len(sentence) + 1), least + 1) for sentence, least in zip(ids, wanted.lengths(), strict=True)
        ]
        found = self.model.decode(source, max_length, search, vocabulary, precision, constraints=wanted.constraints())
        tokens, scores, ended = (np.asarray(each) for each in (found.tokens, found.scores, found.ended))
        texts = iter(self.target_tokenizer.decode_batch(tokens.reshape(-1, tokens.shape[-1]).tolist()))
        return [
            [Hypothesis(next(texts), *each) for each in zip(*rows, strict=True)]
            for rows in zip(scores.tolist(), ended.tolist(), strict=True)
        ]

    def save(self, path: str | Path) -> None:
        """Write the translator to one file, whole or not at all, once the file has proved itself.

        The file is a zip of Keras' own model file (without the optimizer), the SentencePiece models, the recipe and
        ``about.json`` with a checksum of each. It holds no pickle and no code. Before it gets its name it is loaded
        again, and has to have the same weights and to give the translations of some texts (kept in it as "probes") the
        same scores, token by token.
        Metrics of other weights, from before a further training, are left out; ``search``, ``batch_size`` and
        ``length_limit`` are written as they are now.

        Args:
            path: The file, usually ``.s2s``; replaced where there is one.

        Raises:
            TranslatorFileError: What was written cannot be loaded, or does not give the same; there is no new file.
            ValueError: It is an ensemble, which lies in the files of its models.
        """
        path = Path(path)
        joint = self.target_tokenizer.fingerprint == self.source_tokenizer.fingerprint
        sources = _probes(self.source_tokenizer)
        probes = [
            [text, best] for text, best in zip(sources, self.translate(sources, self.search.greedy()), strict=True)
        ]
        weights = _fingerprint(self.model)
        if self._measured and self._measured == self.about.get("metrics") and self._weights != weights:
            tell(f"The weights have changed since they were measured: {path} has no metrics. Measure it anew.")
            self.about = {name: value for name, value in self.about.items() if name not in ("metrics", "signatures")}
        about = {"created": datetime.now(UTC).isoformat(timespec="seconds")} | self.about
        decoding = DecodingSettings(self.search, self.batch_size, self.mbr)
        about |= {"decoding": to_table(decoding), "length_limit": self.length_limit.to_table()}
        about |= {"joint": joint, "probes": probes, "weights": weights}
        members = {RECIPE: self.recipe.encode(), SOURCE: self.source_tokenizer.to_bytes()}
        if not joint:
            members[TARGET] = self.target_tokenizer.to_bytes()
        if self.shortlist is not None:
            members[SHORTLIST] = self.shortlist.to_bytes()
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / MODEL
            with _without_training(self.model):
                self.model.save(model)
            members[MODEL] = model.read_bytes()
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            write_members(temporary, members, about)
            self._compare(temporary, probes)
        self._measured, self._weights = about.get("metrics"), weights

    def _compare(self, path: Path, probes: list[list[str]]) -> None:
        """Refuse a file of this translator that, loaded, is another translator."""
        written = Translator.load(path)
        weights = zip(self.model.weights, written.model.weights, strict=True)
        same = all(np.array_equal(ours.numpy(), theirs.numpy(), equal_nan=True) for ours, theirs in weights)
        if probes:
            # Not a second search, which takes a second to compile; alike but for rounding on a graphics processor.
            ours, theirs = (translator._logits(probes) for translator in (self, written))
            same &= ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=1e-3, atol=1e-3, equal_nan=True)
        if not same:
            raise TranslatorFileError(
                "A translator file has to translate as the translator did that it was written from. Received: a file "
                "that does not, so it was thrown away. Where a part of the model is your own, look whether its "
                "get_config names every argument and its weights are made in build."
            )

    def _logits(self, probes: list[list[str]]) -> npt.NDArray[np.float32]:
        """Give the logits of translations of texts, `[texts, target_time, vocab]`."""
        sources, targets = (list(side) for side in zip(*probes, strict=True))
        source = Ids.pack(self.source_tokenizer.encode_batch(sources))
        target = Ids.pack(self.target_tokenizer.encode_batch(targets))
        inputs, _ = pad_batch(source, target, np.arange(len(probes)))
        logits = self.model(inputs, training=False)
        return np.where(inputs["target_in"][..., np.newaxis] == PAD, 0, np.asarray(logits, np.float32))

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
            model = _read_model(members[MODEL])
            _check_vocabularies(model, source, target)
            shortlist = Shortlist.from_bytes(members[SHORTLIST]) if SHORTLIST in members else None
            translator = cls(model, source, target, recipe=recipe, about=about, shortlist=shortlist)
        except TranslatorFileError:
            raise
        except Exception as error:  # Keras and SentencePiece raise whatever they stumble over
            raise damaged(path, error) from error
        return translator


def read_about(path: str | Path) -> dict[str, Any]:
    """Read what travels with a translator (metrics, signatures, versions …) without loading its model.

    Raises:
        FileNotFoundError: There is no such file.
        TranslatorFileError: The file is no translator, is damaged, or was written by a newer version.
    """
    return read_members(Path(path))[1]


def _decoding(said: Mapping[str, Any]) -> DecodingSettings:
    """Read what a model file says of decoding; files of before there were several searches have those of a beam."""
    if "search" not in said:
        own = {name: value for name, value in said.items() if name == "batch_size"}
        said = {"search": {name: value for name, value in said.items() if name not in own}, **own}
    return from_table(DecodingSettings, said, "decoding")


def _check_mbr(mbr: str, search: Search) -> None:
    need_choice("mbr", mbr, ("none", *UTILITIES))
    if mbr != "none" and getattr(search, "n_best", 1) == 1:
        raise ValueError(
            "Minimum Bayes risk chooses among several hypotheses, and the search gives one. "
            f"Received: mbr={mbr!r}, search={search!r}. Use Sample(n_best=32), or Beam(32, n_best=32)."
        )


def _check_batch_size(batch_size: Any) -> None:
    convert(batch_size, Annotated[int, Range(1)], "batch_size")


def _joined(parts: list[list[Hypothesis]]) -> list[Hypothesis]:
    """Join the hypotheses of the parts of one text, the best with the best."""
    if len(parts) == 1:
        return parts[0]
    return [
        Hypothesis(
            " ".join(one.text for one in rank),
            fmean(one.score for one in rank),
            all(one.ended for one in rank),
            len(parts),
        )
        for rank in zip(*parts, strict=True)
    ]


def _probes(tokenizer: Tokenizer) -> list[str]:
    """Give a few texts that use pieces from all over a vocabulary."""
    ids = range(len(PIECES), tokenizer.vocab_size)
    texts = [tokenizer.decode(ids[start :: max(1, len(ids) // 8)][:8]) for start in range(min(3, len(ids)))]
    return [" ".join(text.split()) for text in texts]


def _check_vocabularies(model: Seq2Seq, source: Tokenizer, target: Tokenizer) -> None:
    """Refuse tokenizers with ids that the model does not know, and the other way round."""
    if source.vocab_size > model.encoder.vocab_size or target.vocab_size < model.decoder.vocab_size:
        raise ValueError(
            f"its tokenizers have {source.vocab_size:,} and {target.vocab_size:,} pieces, its model "
            f"{model.encoder.vocab_size:,} and {model.decoder.vocab_size:,}"
        )


def _fingerprint(model: Seq2Seq) -> str:
    """Tell the weights of a model from all others: the SHA-256 over all of them."""
    digest = hashlib.sha256()
    for weight in model.weights:
        digest.update(np.asarray(weight.numpy()).tobytes())
    return digest.hexdigest()


@contextmanager
def _without_training(model: Any) -> Iterator[None]:
    """Let Keras forget for a moment what it would save of training: optimizer variables treble the file."""
    if not model.compiled:
        yield
        return
    optimizer = model.optimizer
    model.optimizer, model.compiled = None, False
    try:
        yield
    finally:
        model.optimizer, model.compiled = optimizer, True


def _read_model(data: bytes) -> Seq2Seq:
    """Rebuild the model from Keras' file in memory, once nothing in it can do harm."""
    import keras

    from seq2seq.models import Seq2Seq

    check_model(data)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / MODEL
        file.write_bytes(data)
        model = keras.saving.load_model(file, compile=False, safe_mode=True)
    if not isinstance(model, Seq2Seq):
        raise TranslatorFileError(f"A translator holds a Seq2Seq model. Received: a {type(model).__name__}.")
    return model
