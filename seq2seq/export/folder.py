"""From a translator to a folder that translates without TensorFlow."""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from seq2seq.export import parity
from seq2seq.export.card import card
from seq2seq.export.precisions import PRECISIONS
from seq2seq.runtime.folder import CARD, ENCODER, SOURCE, STEP, TARGET, TRANSLATOR, write_folder
from seq2seq.runtime.translator import assembled
from seq2seq.search import DecodingSettings
from seq2seq.settings import to_table
from seq2seq.system.choices import need_choice
from seq2seq.system.files import need_own
from seq2seq.translation import Translator
from seq2seq.translation.languages import languages_of

_KEPT = ("max_source_length", "evaluation", "metrics", "signatures", "created")


class Exported(NamedTuple):
    """What an export came to.

    Attributes:
        files: Bytes by name.
        parity: How the float32 graphs compare with the model; it holds, or there is no export.
        written: How what was written compares: the same in float32, the loss of weights that are kept coarser.
    """

    files: Mapping[str, int]
    parity: parity.Parity
    written: parity.Parity


def export(
    translator: Translator,
    folder: str | Path,
    *,
    precision: str = "float32",
    sample: Sequence[str] = (),
    name: str = "translator",
) -> Exported:
    """Write a translator as ONNX graphs, once they have proved that they translate as it does.

    Args:
        translator: The translator.
        folder: Where to, a folder of its own; files of an earlier export are replaced.
        precision: How weights are kept: `"float32"`, `"float16"` (half the size, computed in float32) or `"int8"` (a
            quarter of the size and faster; products in whole numbers, by operations that onnxruntime alone has).
        sample: Source texts that both are compared on; made of the vocabulary where there are none.
        name: What the model card calls it.

    Returns:
        What was written.

    Raises:
        ValueError: For an unknown precision, a model with parts that are none of the toolkit's, or of another precision
            than float32, or graphs that do not translate as the model does: nothing is written then.
        FileExistsError: The folder has files of others.
        ModuleNotFoundError: onnx or onnxruntime is not installed.
    """
    need_choice("precision", precision, PRECISIONS)
    _need_packages()
    from seq2seq.export.graphs import write_graphs

    folder = Path(folder)
    need_own(folder, TRANSLATOR)
    need_one_model(translator)
    _need_float32(translator)
    texts = [text for text in sample if text.strip()] or parity.generated(translator)
    graphs = write_graphs(translator.model)
    about = _about(translator, precision, graphs.state, graphs.memory)
    files = tokenizer_files(translator)
    plain = files | {ENCODER: graphs.encoder.SerializeToString(), STEP: graphs.step.SerializeToString()}
    proved = parity.compare(translator, assembled(plain, about), texts)
    if not proved.holds:
        raise ValueError(
            "An export has to translate as the model does, or it is none. "
            f"Received: {proved}; at most {parity.LOGITS:g} and all of them are allowed. Nothing was written: please "
            "report it, with the recipe of the model."
        )
    written = proved
    if precision != "float32":
        coarse = write_graphs(translator.model, half=True) if precision == "float16" else graphs
        data = {ENCODER: coarse.encoder.SerializeToString(), STEP: coarse.step.SerializeToString()}
        files |= {name: quantised(each) for name, each in data.items()} if precision == "int8" else data
        written = parity.compare(translator, assembled(files, about), texts)
        if not math.isfinite(written.logits):
            raise ValueError(
                f"Not every number has room in {precision}. "
                f"Received: a model whose logits become {written.logits:g}. Export it in float32. Nothing was written."
            )
    else:
        files = plain
    about["parity"] = {"float32": proved._asdict(), precision: written._asdict()}
    told = card(name, translator, about, {name: len(data) for name, data in files.items()}, proved, written)
    write_folder(folder, files | {CARD: told.encode()}, about)
    return Exported({name: len(data) for name, data in files.items()}, proved, written)


def quantised(model: bytes) -> bytes:
    """Keep the matrices of a graph as whole numbers of 8 bits, a scale for each column; activations as they come.

    Of the 8 bits the weights use 7, between -64 and 64: processors with AVX2 and without VNNI add two products in
    16 bits, and what does not fit there they cut off without a word (onnxruntime's documentation of quantization,
    "When and why do I need to try U8U8?"). So an export computes the same wherever it runs.

    Args:
        model: A graph in float32.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder, _without_advice():
        file = Path(folder) / "int8.onnx"
        whole = onnx.load_from_string(model)
        quantize_dynamic(whole, file, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
        return file.read_bytes()


@contextmanager
def _without_advice() -> Iterator[None]:
    """Let onnxruntime keep to itself what it would do with a model for pictures."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(disabled)


def _need_packages() -> None:
    for package in ("onnx", "onnxruntime"):
        try:
            __import__(package)
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"Exporting needs onnx and onnxruntime. Received: an environment without {package}. "
                "Install them: pip install 'seq2seq[export]'."
            ) from error


def need_one_model(translator: Translator) -> None:
    """Refuse a translator of several models, or one that chooses by another measure than the score."""
    from seq2seq.models import Seq2Seq

    if type(translator.model) is not Seq2Seq:
        raise ValueError(
            f"An export holds one model. Received: a translator with a {type(translator.model).__name__}. "
            "Export one of its models, or average them."
        )
    if translator.mbr != "none":
        raise ValueError(
            "An export takes the hypothesis with the best score. "
            f"Received: a translator with mbr={translator.mbr!r}. Set its mbr to 'none'."
        )
    if translator.unknown != "keep" or translator.protect:
        raise ValueError(
            "An export writes what the model says, and nothing comes through from the source. Received: a translator "
            f"with unknown={translator.unknown!r}, protect={translator.protect!r}. Set them to 'keep' and ''."
        )


def _need_float32(translator: Translator) -> None:
    kinds = sorted({translator.model.encoder.compute_dtype, translator.model.decoder.compute_dtype})
    if kinds != ["float32"]:
        raise ValueError(
            "An export is proved against a model that computes in float32. "
            f"Received: a model that computes in {', '.join(kinds)}. Train it with training.precision = 'float32'."
        )


def _about(translator: Translator, precision: str, state: Sequence[str], memory: Sequence[str]) -> dict[str, Any]:
    from seq2seq.export.graph import OPSET

    return {
        "opset": OPSET,
        "precision": precision,
        "joint": _is_joint(translator),
        "state": list(state),
        "memory": list(memory),
        "decoding": to_table(DecodingSettings(translator.search, translator.batch_size)),
        "weights": translator.fingerprint,
        **({"confidence": translator.calibration.to_table()} if translator.calibration else {}),
        "length_limit": translator.length_limit.to_table(),
        "languages": languages_of(translator.recipe),
        **{name: translator.about[name] for name in _KEPT if name in translator.about},
        "versions": {name: version(name) for name in ("seq2seq", "onnx", "onnxruntime")},
    }


def tokenizer_files(translator: Translator) -> dict[str, bytes]:
    """Give the SentencePiece models by the names of their files: one where both sides have the same."""
    files = {SOURCE: translator.source_tokenizer.to_bytes()}
    return files if _is_joint(translator) else files | {TARGET: translator.target_tokenizer.to_bytes()}


def _is_joint(translator: Translator) -> bool:
    return translator.target_tokenizer.fingerprint == translator.source_tokenizer.fingerprint
