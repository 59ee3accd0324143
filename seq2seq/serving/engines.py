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

if TYPE_CHECKING:
    from seq2seq.translation.hypothesis import Translation


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
        search = None if asked.n_best == 1 and asked.beam_size is None else _search(own, asked)
        options: dict[str, Any] = {"batch_size": len(texts)}
        if any(prefixes):
            options["prefixes"] = prefixes
        if asked.terms:
            options["terms"] = dict(asked.terms)
        try:
            return self._found(texts, search, asked, options)
        except ValueError as error:
            if len(options) == 1:  # nothing is asked that can be refused
                raise
            raise Refusal(400, str(error)) from error

    def _found(
        self, texts: Sequence[str], search: Search | None, asked: Asked, options: dict[str, Any]
    ) -> list[Translation]:
        from seq2seq.translation.hypothesis import Translation

        if asked.details:
            found = self._translator.translate(texts, search, details=True, **options)
            return [dataclasses.replace(one, hypotheses=one.hypotheses[: asked.n_best]) for one in found]
        found = self._translator.hypotheses(texts, search, **options)
        return [
            Translation(text, (), (), tuple(best[: asked.n_best]), "") for text, best in zip(texts, found, strict=True)
        ]


def load_engine(path: Path, threads: int = 1) -> Engine:
    """Read a model.

    Args:
        path: A model file of `seq2seq.Translator.save`, or a folder that `seq2seq export` wrote.
        threads: How many threads onnxruntime may use for one operation; see `seq2seq.runtime.load`.
    """
    if (path / TRANSLATOR).is_file():
        from seq2seq.runtime import load as load_exported

        exported = load_exported(path, threads)
        return TranslatorEngine(exported, "onnx", exported.about.get("languages"))
    from seq2seq.translation import Translator
    from seq2seq.translation.languages import languages_of

    translator = Translator.load(path)
    return TranslatorEngine(translator, "tensorflow", languages_of(translator.recipe))


def _search(own: Search, asked: Asked) -> Search:
    """Give a translator's own settings of search with what is asked for.

    A beam gives all that it has, so that its graph serves every number of translations.
    """
    width = asked.beam_size or max(asked.n_best, getattr(own, "beam_size", 1))
    if asked.beam_size is not None or "n_best" not in kinds(type(own)):
        own = Beam(**{name: getattr(own, name) for name in kinds(Beam) if name in kinds(type(own))})
    changed: dict[str, Any] = {"n_best": asked.n_best}
    if "beam_size" in kinds(type(own)):
        groups = getattr(own, "groups", 1)
        width = -(-width // groups) * groups
        changed = {"beam_size": width, "n_best": width if asked.n_best > 1 else 1}
    return dataclasses.replace(own, **changed)
