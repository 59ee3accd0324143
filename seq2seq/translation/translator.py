"""Text in, text out: tokenizers, model and search together, and the one file that holds them."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from seq2seq.system.files import replacing
from seq2seq.text.special_ids import END, PAD, PIECES
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

if TYPE_CHECKING:
    from seq2seq.models import Seq2Seq
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.translation.shortlist import Shortlist

# A longer text is no sentence: it is cut, because time and memory grow with its length times that of its translation.
_LONGEST = 1000  # source tokens
_PRECISIONS = ("float32", "bfloat16")
# What a translation is searched with where neither the caller nor the recipe says so.
_DECODING: Mapping[str, Any] = {"beam_size": 5, "length_penalty": 1.0, "max_length_factor": 2.0, "batch_size": 64}


class Hypothesis(NamedTuple):
    """One translation and its score.

    Attributes:
        text: The translation.
        score: Log-probability (nats) over its length in tokens to the power of the length penalty.
    """

    text: str
    score: float


class Translator:
    """Translates text with a trained model.

    Args:
        model: The model.
        source_tokenizer: Cuts source text into the ids that the model reads.
        target_tokenizer: Joins the ids that the model writes; the same object where the vocabulary is joint.
        recipe: The recipe that the model was trained with, as TOML; for people.
        about: What travels with the model as plain JSON values: "decoding" (the settings that ``translate`` uses where
            it is given none), "metrics", "signatures", "versions" and more.
        shortlist: Which target pieces a source is likely to need, for translating with ``shortlist=True``.

    Example:
        >>> import seq2seq
        >>> from seq2seq.text.tokenizer import Tokenizer
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
        model: Seq2Seq,
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        *,
        recipe: str = "",
        about: Mapping[str, Any] | None = None,
        shortlist: Shortlist | None = None,
    ) -> None:
        self.model = model
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self.recipe = recipe
        self.about = dict(about or {})
        if shortlist is not None:
            shortlist.check(source_tokenizer.vocab_size, model.decoder.vocab_size)
        self.shortlist = shortlist

    def translate(
        self,
        texts: Sequence[str],
        *,
        beam_size: int | None = None,
        length_penalty: float | None = None,
        max_length_factor: float | None = None,
        batch_size: int | None = None,
        shortlist: bool = False,
        precision: str | None = None,
    ) -> list[str]:
        """Translate texts, each on its own, in batches of like length.

        Args:
            texts: Source texts; an empty one, or one of white space or of what the tokenizer drops only, gives an
                empty translation. One of more than 1,000 tokens (or the longest source of training, where that was
                more) is cut into parts of as many, whose translations are joined by a space.
            beam_size: Open hypotheses per sentence; 1 is greedy search. None: as the recipe says, else 5.
            length_penalty: Exponent of the length by which a score is divided; 0 for none. None: as the recipe says,
                else 1.
            max_length_factor: A translation has at most this factor times the source's tokens, plus 10. None: as the
                recipe says, else 2.
            batch_size: Sentences decoded together. None: as the recipe says, else 64.
            shortlist: Score only the target pieces that the sentences of a batch are likely to need. Faster with a
                large vocabulary; a translation then depends a little on the others of its batch.
            precision: "bfloat16" for matrix products of half the precision in the decoder's steps: faster on a
                processor with units for it. Gates, cell states and probabilities stay float32. None: as trained.

        Returns:
            One translation per text, in the order of the texts.

        Raises:
            TypeError: ``texts`` is one text, or holds something else than text.
            ValueError: A number is out of its range.
        """
        found = self.hypotheses(
            texts,
            n_best=1,
            beam_size=beam_size,
            length_penalty=length_penalty,
            max_length_factor=max_length_factor,
            batch_size=batch_size,
            shortlist=shortlist,
            precision=precision,
        )
        return [best[0].text for best in found]

    def hypotheses(
        self,
        texts: Sequence[str],
        *,
        n_best: int = 1,
        beam_size: int | None = None,
        length_penalty: float | None = None,
        max_length_factor: float | None = None,
        batch_size: int | None = None,
        shortlist: bool = False,
        precision: str | None = None,
    ) -> list[list[Hypothesis]]:
        """Translate texts, and give several translations of each with their scores.

        Args:
            texts: Source texts, see :meth:`translate`; one that gives an empty translation has a single hypothesis,
                with score 0; of one in parts the first hypotheses of all parts are joined, the second ones, and so on,
                with the mean of their scores.
            n_best: Hypotheses per text, at most ``beam_size``.
            beam_size: See :meth:`translate`.
            length_penalty: See :meth:`translate`.
            max_length_factor: See :meth:`translate`.
            batch_size: See :meth:`translate`.
            shortlist: See :meth:`translate`; the scores are log-probabilities among the shortlisted pieces.
            precision: See :meth:`translate`.

        Returns:
            For each text, in the order of the texts, its hypotheses, best first.

        Raises:
            TypeError: ``texts`` is one text, or holds something else than text.
            ValueError: A number is out of its range.
        """
        given = {
            "beam_size": beam_size,
            "length_penalty": length_penalty,
            "max_length_factor": max_length_factor,
            "batch_size": batch_size,
        }
        settings = self.decoding | {name: value for name, value in given.items() if value is not None}
        _check(texts, n_best, settings)
        if precision not in (None, *_PRECISIONS):
            raise ValueError(
                f"precision is one of {', '.join(_PRECISIONS)}, or None for that of the model. "
                f"Received: precision={precision!r}."
            )
        if shortlist and self.shortlist is None:
            raise ValueError(
                "This translator has no shortlist. Received: shortlist=True. Learn one with `seq2seq shortlist`, or "
                "give Translator one; or leave shortlist out, to score every piece."
            )
        found = [[Hypothesis("", 0.0)] for _ in texts]
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
        size = settings["batch_size"]
        settings |= {"n_best": n_best, "precision": precision}
        used = self.shortlist if shortlist else None
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        if batches:  # traced here, before two threads do it
            self.model.search(settings["beam_size"], n_best, settings["length_penalty"], shortlist, precision)

        def decode(batch: list[int]) -> list[list[Hypothesis]]:
            return self._decode([parts[index][1] for index in batch], settings, used)

        # Two batches at a time: the small operations of one fill the gaps that those of the other leave.
        with ThreadPoolExecutor(2) as pool:
            # A single batch stays in this thread: to start another takes 2 of its 30 milliseconds.
            run = pool.map if len(batches) > 1 else map
            for batch, decoded in zip(batches, run(decode, batches), strict=True):
                for index, hypotheses in zip(batch, decoded, strict=True):
                    translated[index] = hypotheses
        for place, group in groupby(zip(parts, translated, strict=True), key=lambda pair: pair[0][0]):
            found[place] = _joined([hypotheses for _, hypotheses in group])
        return found

    @property
    def decoding(self) -> dict[str, Any]:
        """The settings of search that hold where a call gives none."""
        said = self.about.get("decoding", {})
        return {name: said.get(name, value) for name, value in _DECODING.items()}

    def _decode(
        self, ids: list[list[int]], settings: Mapping[str, Any], shortlist: Shortlist | None
    ) -> list[list[Hypothesis]]:
        source = np.full((len(ids), max(map(len, ids)) + 1), PAD, np.int32)
        for row, sentence in zip(source, ids, strict=True):
            row[: len(sentence) + 1] = [*sentence, END]
        n_best = settings["n_best"]
        limit = [math.ceil(settings["max_length_factor"] * len(sentence)) + 10 for sentence in ids]
        tokens, scores = self.model.decode(
            source,
            np.asarray(limit, np.int32),
            beam_size=settings["beam_size"],
            n_best=n_best,
            length_penalty=settings["length_penalty"],
            vocabulary=None if shortlist is None else shortlist.of(source),
            precision=settings["precision"],
        )
        tokens, scores = np.asarray(tokens), np.asarray(scores)
        texts = self.target_tokenizer.decode_batch(tokens.reshape(-1, tokens.shape[-1]).tolist())
        return [
            [Hypothesis(*pair) for pair in zip(texts[row * n_best : (row + 1) * n_best], found.tolist(), strict=True)]
            for row, found in enumerate(scores)
        ]

    def save(self, path: str | Path) -> None:
        """Write the translator to one file, whole or not at all, once the file has proved itself.

        The file is a zip of Keras' own model file (without the optimizer), the SentencePiece models, the recipe and
        ``about.json`` with a checksum of each. It holds no pickle and no code. Before it gets its name it is loaded
        again, and has to have the same weights and to translate some texts (kept in it as "probes") in the same way.

        Args:
            path: The file, usually ``.s2s``; replaced where there is one.

        Raises:
            TranslatorFileError: What was written cannot be loaded, or does not give the same; there is no new file.
        """
        path = Path(path)
        joint = self.target_tokenizer.fingerprint == self.source_tokenizer.fingerprint
        sources = _probes(self.source_tokenizer)
        found = self.hypotheses(sources, beam_size=1)
        probes = [[text, best[0].text] for text, best in zip(sources, found, strict=True)]
        about = {"created": datetime.now(UTC).isoformat(timespec="seconds")} | self.about
        about |= {"joint": joint, "probes": probes}
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
            self._compare(temporary, sources, found)

    def _compare(self, path: Path, sources: list[str], expected: list[list[Hypothesis]]) -> None:
        """Refuse a file of this translator that, loaded, is another translator."""
        written = Translator.load(path)
        pairs = zip(self.model.weights, written.model.weights, strict=True)
        same = all(np.array_equal(ours.numpy(), theirs.numpy(), equal_nan=True) for ours, theirs in pairs)
        for (before,), (after,) in zip(expected, written.hypotheses(sources, beam_size=1), strict=True):
            # Where two translations score alike, rounding on a graphics processor may decide between them.
            same &= before.text == after.text or math.isclose(before.score, after.score, rel_tol=1e-3)
        if not same:
            raise TranslatorFileError(
                "A translator file has to translate as the translator did that it was written from. Received: a file "
                "that does not, so it was thrown away. Where a part of the model is your own, look whether its "
                "get_config names every argument and its weights are made in build."
            )

    @classmethod
    def load(cls, path: str | Path) -> Translator:
        """Read a translator from its file; nothing in the file is run.

        Args:
            path: A file that :meth:`save` wrote, on this machine or another.

        Returns:
            The translator, without the optimizer: for translating, not for training on.

        Raises:
            FileNotFoundError: There is no such file.
            TranslatorFileError: The file is no translator, is damaged, or was written by a newer version.
        """
        path = Path(path)
        members, about = read_members(path)
        from seq2seq.text.tokenizer import Tokenizer
        from seq2seq.translation.shortlist import Shortlist

        try:
            recipe = members[RECIPE].decode("utf-8")
            source = Tokenizer.from_bytes(members[SOURCE])
            target = source if about["joint"] else Tokenizer.from_bytes(members[TARGET])
            model = _read_model(members[MODEL])
            _check_vocabularies(model, source, target)
            shortlist = Shortlist.from_bytes(members[SHORTLIST]) if SHORTLIST in members else None
            translator = cls(model, source, target, recipe=recipe, about=about, shortlist=shortlist)
            _check((), 1, translator.decoding)
        except TranslatorFileError:
            raise
        except Exception as error:  # Keras and SentencePiece raise whatever they stumble over
            raise damaged(path, error) from error
        return translator


def load(path: str | Path) -> Translator:
    """Read a translator from its file: ``seq2seq.load("model.s2s").translate(["…"])``.

    Args:
        path: A file that :meth:`Translator.save` wrote.

    Returns:
        The translator.

    Raises:
        FileNotFoundError: There is no such file.
        TranslatorFileError: The file is no translator, is damaged, or was written by a newer version.
    """
    return Translator.load(path)


def read_about(path: str | Path) -> dict[str, Any]:
    """Read what travels with a translator (metrics, signatures, versions …) without loading its model.

    Raises:
        FileNotFoundError: There is no such file.
        TranslatorFileError: The file is no translator, is damaged, or was written by a newer version.
    """
    return read_members(Path(path))[1]


def _check(texts: Sequence[str], n_best: int, settings: Mapping[str, Any]) -> None:
    if isinstance(texts, str):
        raise TypeError(f"Translating takes a list of texts. Received: texts={texts!r}. Write [{texts!r}].")
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"Every text is a str. Received: texts[{place}]={text!r}.")
    for name in ("beam_size", "batch_size"):
        if not isinstance(settings[name], int):
            raise TypeError(f"{name} is a whole number. Received: {name}={settings[name]!r}.")
    for name, low in (("beam_size", 1), ("batch_size", 1), ("length_penalty", 0)):
        if settings[name] < low:
            raise ValueError(f"{name} is at least {low}. Received: {name}={settings[name]}.")
    if not settings["max_length_factor"] > 0:
        raise ValueError(f"max_length_factor is above 0. Received: max_length_factor={settings['max_length_factor']}.")
    if not 1 <= n_best <= settings["beam_size"]:
        raise ValueError(
            "The n best hypotheses are taken from the beam, so there are from 1 to beam_size of them. "
            f"Received: n_best={n_best}, beam_size={settings['beam_size']}. Widen the beam or ask for fewer."
        )


def _joined(parts: list[list[Hypothesis]]) -> list[Hypothesis]:
    """Join the hypotheses of the parts of one text, the best with the best."""
    if len(parts) == 1:
        return parts[0]
    return [
        Hypothesis(" ".join(one.text for one in rank), fmean(one.score for one in rank))
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
