"""What only the model can tell of its run: how sure it was of each translation, what it looked at, how it is wired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.analysis.comparison.measured import Texts
from seq2seq.analysis.report.sentences import Pick, picks, qualities
from seq2seq.runs.measuring import evaluation_of
from seq2seq.runs.record import model_file, read_object, write_object
from seq2seq.system.files import fingerprint
from seq2seq.system.terminal import tell
from seq2seq.training.run_folder import RunFolder

if TYPE_CHECKING:
    from seq2seq.translation.translator import Translator

_MOST = 2000  # sentences that are scored: the first ones


@dataclass(frozen=True)
class Insight:
    """What a model tells of some translations of its own.

    Attributes:
        model: A fingerprint of the model file that told it.
        wiring: A drawing of the model, SVG.
        confidence: Mean log-probability of the tokens of each translation (nats); None for a translation that was not
            scored: of an empty source, or behind the first 2,000.
        alignments: By line, from 0: the tokens of source and translation, and for each token of the translation what
            it looked at; of the sentences that are worth looking at. None of a model without attention.
    """

    model: str
    wiring: str
    confidence: list[float | None]
    alignments: dict[str, dict[str, Any]]


def read_insight(folder: Path) -> Insight | None:
    """Read what was gathered of the model file that is there now; None where that was not done, or cannot be read."""
    path, model = _file(folder), model_file(RunFolder(folder))
    try:
        found = Insight(**read_object(path))
    except (OSError, ValueError, TypeError):  # it is not there, damaged, or of another version: gathered anew
        return None
    return found if not model.exists() or found.model == fingerprint(model) else None


def gather(folder: Path, texts: Texts | None) -> Insight:
    """Ask the model of a finished run, and keep in its folder what it says.

    Args:
        folder: The run folder, with its model file.
        texts: What the run translated; None where that is not there: it then tells its wiring, which is not kept.
    """
    from seq2seq.models.drawing import draw
    from seq2seq.models.wiring import has_wires
    from seq2seq.translation.translator import Translator

    path = model_file(RunFolder(folder))
    translator = Translator.load(path)
    wiring = draw(translator.model) if has_wires(translator.model) else ""
    if texts is None:
        return Insight(fingerprint(path), wiring, [], {})
    confidence = _confidence(translator, texts)
    chosen = picks(texts, qualities(texts, evaluation_of(translator)), confidence)
    insight = Insight(fingerprint(path), wiring, confidence, _alignments(translator, texts, chosen))
    try:
        write_object(_file(folder), asdict(insight))
    except OSError as error:  # a folder that may only be read
        tell(f"What the model says is not kept, and it will be asked again for the next report. {error}")
    return insight


def _confidence(translator: Translator, texts: Texts) -> list[float | None]:
    ids = translator.source_tokenizer.encode_batch(texts.sources[:_MOST])
    places = [place for place, each in enumerate(ids) if each]
    found: list[float | None] = [None] * len(texts.sources)
    scores = translator.score(*([side[place] for place in places] for side in (texts.sources, texts.translations)))
    for place, score in zip(places, scores, strict=True):
        found[place] = round(score.log_prob / len(score.tokens), 4)
    return found


def _alignments(translator: Translator, texts: Texts, chosen: Sequence[Pick]) -> dict[str, dict[str, Any]]:
    import numpy as np

    from seq2seq.text.bucketing import pad_batch
    from seq2seq.text.ids import Ids
    from seq2seq.text.special_ids import END

    if translator.model.decoder.attention is None or not chosen:
        return {}
    tokenizers = translator.source_tokenizer, translator.target_tokenizer
    source, target = (
        Ids.pack(tokenizer.encode_batch([side[pick.place] for pick in chosen]))
        for tokenizer, side in zip(tokenizers, (texts.sources, texts.translations), strict=True)
    )
    inputs, _ = pad_batch(source, target, np.arange(len(chosen)))
    weights = np.asarray(translator.model.attention_weights(inputs))
    found = {}
    for row, pick in enumerate(chosen):
        tokens = [
            [tokenizer.piece(number) for number in [*side[row].tolist(), END]]
            for tokenizer, side in zip(tokenizers, (source, target), strict=True)
        ]
        seen = weights[row, : len(tokens[1]), : len(tokens[0])]
        found[str(pick.place)] = {"source": tokens[0], "target": tokens[1], "weights": seen.round(3).tolist()}
    return found


def _file(folder: Path) -> Path:
    return folder / "insight.json"
