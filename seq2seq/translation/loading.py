"""From files to a translator: of one model, or of several that decide together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from seq2seq.system.hub import here
from seq2seq.translation.translator import Translator

ON_HUB = "model.s2s"
"""What the file of a translator is called on the hub."""


def load(
    path: str | Path | Sequence[str | Path],
    weights: Sequence[float] | None = None,
    mean: Literal["probabilities", "log_probabilities"] = "probabilities",
) -> Translator:
    """Read a translator from its file: ``seq2seq.load("model.s2s").translate(["…"])``; or an ensemble from several.

    An ensemble, ``seq2seq.load(["a.s2s", "b.s2s"])``, translates and scores as one translator, and costs as much as its
    models together. They may be of any architecture and need the same vocabularies. What a translator knows beside its
    model (settings of search, limit of length, shortlist) is that of the first file.

    Args:
        path: A file that :meth:`Translator.save` wrote, or ``"hf://OWNER/NAME"``, what `seq2seq export --push` put on
            the Hugging Face hub; or several.
        weights: Of several, how much each has to say, above 0; only their ratio counts. None: all the same.
        mean: Of several, what the weighted mean is taken of: "probabilities", or "log_probabilities", which are
            normalised again.

    Returns:
        The translator.

    Raises:
        FileNotFoundError: There is no such file, here or on the hub.
        TranslatorFileError: A file is no translator, is damaged, or was written by a newer version.
        ValueError: The vocabularies differ, the weights are not one positive number for each file, or there are
            weights for a single file.
        RuntimeError: The process was forked from one that had used TensorFlow: load in the child alone.
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    if len(paths) == 1 and weights is None:
        return Translator.load(_file(paths[0]))
    from seq2seq.models import Ensemble
    from seq2seq.models.mixture import Mixture

    Mixture(len(paths), weights, mean)  # refuses weights before files are read
    translators = [Translator.load(_file(each)) for each in paths]
    first = translators[0]
    for name, other in zip(paths, translators, strict=True):
        for side in ("source", "target"):
            tokenizers = [getattr(each, f"{side}_tokenizer") for each in (first, other)]
            if tokenizers[0].fingerprint != tokenizers[1].fingerprint:
                sizes = " and ".join(f"{each.vocab_size:,}" for each in tokenizers)
                raise ValueError(
                    f"The models of an ensemble need the same vocabularies: piece 7 of one is another word to the "
                    f"other. Received: {paths[0]} and {name}, whose {side} vocabularies ({sizes} pieces) differ. "
                    f"Train them with one tokenizer: tokenizer.{side}.model names that of the first run."
                )
    return Translator(
        Ensemble([each.model for each in translators], weights, mean),
        first.source_tokenizer,
        first.target_tokenizer,
        about={
            **{name: first.about[name] for name in _SHARED if name in first.about},
            "weights": "+".join(each.fingerprint for each in translators),
        },
        shortlist=first.shortlist,
    )


def _file(path: str | Path) -> Path:
    place = here(path, [ON_HUB])
    return place if place == Path(path) else place / ON_HUB


# What holds for an ensemble as for its first model; metrics do not.
_SHARED = ("decoding", "length_limit", "max_source_length", "evaluation")
