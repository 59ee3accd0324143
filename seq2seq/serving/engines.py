"""What translates: a model on TensorFlow, or an exported one on onnxruntime, behind one face."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from seq2seq.runtime.folder import TRANSLATOR
from seq2seq.search.settings import Beam, Search
from seq2seq.serving.refusal import Refusal
from seq2seq.settings import kinds
from seq2seq.text.asked import PrefixError

if TYPE_CHECKING:
    from seq2seq.translation.hypothesis import Hypothesis, Translation

# What a translator does with its own search, and leaves out with one that is given to it.
_BESIDE = ("mbr", "unknown", "protect")


class Asked(NamedTuple):
    """What is asked of translations; texts of which the same is asked are translated together.

    Attributes:
        n_best: How many translations of each text.
        beam_size: How many hypotheses are kept open; None: as the model says, or as many as `n_best` needs.
        details: Whether pieces, their log-probabilities and the alignment are wanted.
        terms: How phrases of the source are to be translated.
    """

    n_best: int = 1
    beam_size: int | None = None
    details: bool = False
    terms: tuple[tuple[str, str], ...] = ()


class Engine(Protocol):
    """What a server asks of a translator."""

    name: str
    """Which engine it is, for people."""
    languages: tuple[str, str] | None
    """Those that it translates from and to; None where the model does not say."""
    beam_size: int
    """How many hypotheses are kept open where nothing is asked; 1 for another search than a beam."""

    def tokens(self, text: str) -> int:
        """Count the tokens of a source text."""

    def translate(self, texts: Sequence[str], prefixes: Sequence[str], asked: Asked) -> list[Translation]:
        """Translate texts together.

        Args:
            texts: Source texts.
            prefixes: What the translation of each begins with; "" for anything.
            asked: What is asked of all of them.

        Raises:
            Refusal: One of them cannot be translated as is asked.
        """


class TranslatorEngine:
    """A translator of `seq2seq.translation` or of `seq2seq.runtime`.

    Args:
        translator: Has the settings of search that hold where nothing is asked for.
        name: Which engine it is.
        languages: Those that it translates from and to; None where the model does not say.
    """

    def __init__(self, translator: Any, name: str, languages: Sequence[str] | None) -> None:
        self._translator = translator
        self.name = name
        self.beam_size = getattr(translator.search, "beam_size", 1)
        self.languages = None if languages is None else (languages[0], languages[1])
        # The first translation of a kind compiles its graph, which no request has to wait for.
        for asked in (Asked(), Asked(details=True)):
            self.translate(["a"], [""], asked)

    def tokens(self, text: str) -> int:
        """Count the tokens of a source text."""
        return len(self._translator.source_tokenizer.encode(text)) + 1

    def translate(self, texts: Sequence[str], prefixes: Sequence[str], asked: Asked) -> list[Translation]:
        """Translate texts together; see `Engine`."""
        own = self._translator.search
        mbr = getattr(self._translator, "mbr", "none")
        candidates = 1 if mbr == "none" else own.n_best
        search = None if asked.n_best == 1 and asked.beam_size is None else _search(own, asked, candidates)
        options: dict[str, Any] = {}
        if any(prefixes):
            options["prefixes"] = prefixes
        if asked.terms:
            options["terms"] = dict(asked.terms)
        # What holds beside its own search holds beside another one; an exported translator has none of it.
        has_them = all(hasattr(self._translator, name) for name in _BESIDE)
        kept = {name: getattr(self._translator, name) for name in _BESIDE} if has_them else {}
        try:
            return self._found(texts, search, asked, options | kept | {"batch_size": len(texts)})
        except PrefixError as error:
            raise Refusal(400, error.without_place) from error  # texts of several requests are translated together
        except ValueError as error:
            if not options:  # nothing is asked that can be refused
                raise
            raise Refusal(400, str(error)) from error

    def _found(
        self, texts: Sequence[str], search: Search | None, asked: Asked, options: dict[str, Any]
    ) -> list[Translation]:
        from seq2seq.translation.hypothesis import Translation

        if asked.details:
            found = self._translator.translate(texts, search, details=True, **options)
            return [dataclasses.replace(one, hypotheses=_best(one.hypotheses, asked)) for one in found]
        found = self._translator.hypotheses(texts, search, **options)
        return [Translation(text, (), (), _best(each, asked), "") for text, each in zip(texts, found, strict=True)]


def load_engine(path: Path, threads: int = 1) -> Engine:
    """Read a model.

    Args:
        path: A model file of `seq2seq.Translator.save`, or a folder that `seq2seq export` wrote.
        threads: How many threads onnxruntime may use for one operation; see `seq2seq.runtime.load`.

    Returns:
        What translates with it: on onnxruntime for an exported folder, on TensorFlow for a model file.
    """
    if (path / TRANSLATOR).is_file():
        from seq2seq.runtime import load as load_exported

        exported = load_exported(path, threads)
        return TranslatorEngine(exported, "onnx", exported.about.get("languages"))
    from seq2seq.translation import Translator
    from seq2seq.translation.languages import languages_of

    translator = Translator.load(path)
    return TranslatorEngine(translator, "tensorflow", languages_of(translator.recipe))


def _best(hypotheses: Sequence[Hypothesis], asked: Asked) -> tuple[Hypothesis, ...]:
    """Give as many as are asked for, or as there are."""
    return tuple(one for rank, one in enumerate(hypotheses[: asked.n_best]) if not rank or one.exists)


def _search(own: Search, asked: Asked, candidates: int = 1) -> Search:
    """Give a translator's own settings of search with what is asked for.

    A beam gives all that it has, so that its graph serves every number of translations.

    Args:
        own: The settings.
        asked: What is asked for.
        candidates: Hypotheses that minimum Bayes risk chooses among; 1 without it.

    Raises:
        Refusal: The beam is narrower than that.
    """
    least = max(asked.n_best, candidates)
    if asked.beam_size is not None and asked.beam_size < candidates:
        raise Refusal(
            400,
            f"This model gives what is most like {candidates} hypotheses, which a beam has to have. Received: "
            f"beam_size={asked.beam_size}. Leave it out: the model's own is as wide.",
        )
    width = asked.beam_size or max(least, getattr(own, "beam_size", 1))
    if asked.beam_size is not None or "n_best" not in kinds(type(own)):
        kept = kinds(Beam).keys() & kinds(type(own)).keys() - {"n_best"}
        own = Beam(**{name: getattr(own, name) for name in kept})
    changed: dict[str, Any] = {"n_best": least}
    if "beam_size" in kinds(type(own)):
        groups = getattr(own, "groups", 1)
        width = -(-width // groups) * groups
        changed = {"beam_size": width, "n_best": width if least > 1 else 1}
    return dataclasses.replace(own, **changed)
