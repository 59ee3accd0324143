"""Text in, text out: tokenizers, model and search together, and the one file that holds them."""

from __future__ import annotations

import io
import json
import math
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from seq2seq.files import replacing
from seq2seq.text.special import END, PAD

if TYPE_CHECKING:
    from seq2seq.models import Seq2Seq
    from seq2seq.text.tokenizer import Tokenizer

FORMAT = 1
_MODEL, _SOURCE, _TARGET, _RECIPE, _ABOUT = "model.keras", "source.model", "target.model", "recipe.toml", "about.json"
_MEMBERS = {_MODEL, _SOURCE, _TARGET, _RECIPE, _ABOUT}
# What a translation is searched with where neither the caller nor the recipe says so.
_DECODING: Mapping[str, Any] = {"beam_size": 5, "length_penalty": 1.0, "max_length_factor": 2.0, "batch_size": 64}


class TranslatorFileError(ValueError):
    """A file is no translator, is damaged, or was written by a version that this one does not understand."""


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
    ) -> None:
        self.model = model
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self.recipe = recipe
        self.about = dict(about or {})

    def translate(
        self,
        texts: Sequence[str],
        *,
        beam_size: int | None = None,
        length_penalty: float | None = None,
        max_length_factor: float | None = None,
        batch_size: int | None = None,
    ) -> list[str]:
        """Translate texts, each on its own, in batches of like length.

        Args:
            texts: Source texts; an empty one, or one of white space only, gives an empty translation.
            beam_size: Open hypotheses per sentence; 1 is greedy search. None: as the recipe says, else 5.
            length_penalty: Exponent of the length by which a score is divided; 0 for none. None: as the recipe says,
                else 1.
            max_length_factor: A translation has at most this factor times the source's tokens, plus 10. None: as the
                recipe says, else 2.
            batch_size: Sentences decoded together. None: as the recipe says, else 64.

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
    ) -> list[list[Hypothesis]]:
        """Translate texts, and give several translations of each with their scores.

        Args:
            texts: Source texts; an empty one, or one of white space only, gives a single empty hypothesis with score 0.
            n_best: Hypotheses per text, at most ``beam_size``.
            beam_size: See :meth:`translate`.
            length_penalty: See :meth:`translate`.
            max_length_factor: See :meth:`translate`.
            batch_size: See :meth:`translate`.

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
        found = [[Hypothesis("", 0.0)] for _ in texts]
        real = [place for place, text in enumerate(texts) if text.strip()]
        ids = self.source_tokenizer.encode_batch([texts[place] for place in real])
        # Longest first: what does not fit into memory fails at once.
        order = sorted(range(len(real)), key=lambda index: -len(ids[index]))
        size = settings["batch_size"]
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            decoded = self._decode([ids[index] for index in batch], n_best, settings)
            for index, hypotheses in zip(batch, decoded, strict=True):
                found[real[index]] = hypotheses
        return found

    @property
    def decoding(self) -> dict[str, Any]:
        """The settings of search that hold where a call gives none."""
        said = self.about.get("decoding", {})
        return {name: said.get(name, value) for name, value in _DECODING.items()}

    def _decode(self, ids: list[list[int]], n_best: int, settings: Mapping[str, Any]) -> list[list[Hypothesis]]:
        source = np.full((len(ids), max(map(len, ids)) + 1), PAD, np.int32)
        for row, sentence in zip(source, ids, strict=True):
            row[: len(sentence) + 1] = [*sentence, END]
        limit = [math.ceil(settings["max_length_factor"] * len(sentence)) + 10 for sentence in ids]
        tokens, scores = self.model.decode(
            source,
            np.asarray(limit, np.int32),
            beam_size=settings["beam_size"],
            n_best=n_best,
            length_penalty=settings["length_penalty"],
        )
        tokens, scores = np.asarray(tokens), np.asarray(scores)
        texts = self.target_tokenizer.decode_batch(tokens.reshape(-1, tokens.shape[-1]).tolist())
        return [
            [Hypothesis(*pair) for pair in zip(texts[row * n_best : (row + 1) * n_best], found.tolist(), strict=True)]
            for row, found in enumerate(scores)
        ]

    def save(self, path: str | Path) -> None:
        """Write the translator to one file, whole or not at all.

        The file is a zip of Keras' own model file (without the optimizer), the SentencePiece models, the recipe and
        ``about.json``. It holds no pickle and no code.

        Args:
            path: The file, usually ``.s2s``; replaced where there is one.
        """
        path = Path(path)
        joint = self.target_tokenizer.fingerprint == self.source_tokenizer.fingerprint
        about = {"created": datetime.now(UTC).isoformat(timespec="seconds")} | self.about
        about |= {"format": FORMAT, "joint": joint}
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder, replacing(path) as temporary:
            model = Path(folder) / _MODEL
            with _without_training(self.model):
                self.model.save(model)
            # Keras' file is a zip already; stored as they are, members cannot grow on reading.
            with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
                archive.writestr(_ABOUT, json.dumps(about, ensure_ascii=False, indent=1, allow_nan=False))
                archive.writestr(_RECIPE, self.recipe)
                archive.writestr(_SOURCE, self.source_tokenizer.to_bytes())
                if not joint:
                    archive.writestr(_TARGET, self.target_tokenizer.to_bytes())
                archive.write(model, _MODEL)

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
        members, about = _read_members(path)
        from seq2seq.text.tokenizer import Tokenizer

        try:
            source = Tokenizer.from_bytes(members[_SOURCE])
            target = source if about.get("joint") else Tokenizer.from_bytes(members[_TARGET])
            model = _read_model(members[_MODEL])
        except TranslatorFileError:
            raise
        except Exception as error:  # Keras and SentencePiece raise whatever they stumble over
            raise _damaged(path, f"{type(error).__name__}: {str(error).strip().splitlines()[0]}") from error
        return cls(model, source, target, recipe=members[_RECIPE].decode("utf-8"), about=about)


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
    return _read_members(Path(path))[1]


def _check(texts: Sequence[str], n_best: int, settings: Mapping[str, Any]) -> None:
    if isinstance(texts, str):
        raise TypeError(f"Translating takes a list of texts. Received: texts={texts!r}. Write [{texts!r}].")
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"Every text is a str. Received: texts[{place}]={text!r}.")
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


def _read_members(path: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Read and check a file as a whole; gives its members and what ``about.json`` says."""
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no translator file. Received: {path}. Name a model file such as runs/NAME/model.s2s."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            found = {entry.filename: entry for entry in archive.infolist()}
            if not {_ABOUT, _MODEL, _SOURCE, _RECIPE} <= found.keys() <= _MEMBERS or len(found) != len(
                archive.infolist()
            ):
                raise TranslatorFileError(
                    f"A translator file holds {_MODEL}, {_SOURCE}, {_RECIPE} and {_ABOUT}. "
                    f"Received: {path}, with {', '.join(sorted(found)[:9])}. Name the model.s2s of a run folder."
                )
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in found.values()):
                raise TranslatorFileError(
                    f"The members of a translator file are stored as they are. Received: {path}, which is compressed. "
                    "Use the file that training wrote, as it was."
                )
            members = {name: archive.read(name) for name in found}  # whole, so that zipfile compares the checksums
        about = json.loads(members[_ABOUT])
        written = about["format"]
        about["joint"] = bool(about["joint"])
    except (zipfile.BadZipFile, KeyError, TypeError, EOFError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise _damaged(path, str(error)) from error
    if written != FORMAT:
        raise TranslatorFileError(
            f"This version reads translator files of format {FORMAT}. Received: {path} of format {written}. "
            "Use the version of seq2seq that wrote it, or a newer one."
        )
    if about["joint"] == (_TARGET in members):
        raise _damaged(
            path,
            f"{_TARGET} is {'there, but' if about['joint'] else 'missing, and'} the vocabulary is "
            f"{'joint' if about['joint'] else 'not joint'}",
        )
    return members, about


def _read_model(data: bytes) -> Seq2Seq:
    """Rebuild the model from Keras' file in memory, allowing Keras' classes and ours only."""
    import keras

    from seq2seq.models import Seq2Seq

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        _check_classes(json.loads(archive.read("config.json")))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / _MODEL
        file.write_bytes(data)
        model = keras.saving.load_model(file, compile=False, safe_mode=True)
    if not isinstance(model, Seq2Seq):
        raise TranslatorFileError(f"A translator holds a Seq2Seq model. Received: a {type(model).__name__}.")
    return model


def _check_classes(config: Any) -> None:
    """Refuse a configuration that names a class which is neither Keras' nor registered by code that runs already."""
    import keras

    if isinstance(config, Mapping):
        module = str(config.get("module") or "keras")
        known = keras.saving.get_registered_object(str(config.get("registered_name"))) is not None
        if "class_name" in config and not known and module.split(".")[0] != "keras":
            raise TranslatorFileError(
                "A translator is made of Keras' classes and of seq2seq's. Received: class "
                f"{config['class_name']!r} of module {module!r}. Where it is a part of your own, registered with "
                "keras.saving.register_keras_serializable, import its module before you load."
            )
    for value in config.values() if isinstance(config, Mapping) else config if isinstance(config, list) else ():
        _check_classes(value)


def _damaged(path: Path, why: str) -> TranslatorFileError:
    return TranslatorFileError(
        f"This is no translator file, or it is damaged: {why}. Received: {path}. "
        "Name the model.s2s of a run folder, or copy it again."
    )
