"""A translator as one file for LiteRT, once TensorFlow Lite: a sentence at a time, with built-in operations alone."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from seq2seq.export import parity
from seq2seq.export.folder import need_one_model, tokenizer_files
from seq2seq.models import Seq2Seq
from seq2seq.models.stepping import start_search
from seq2seq.system.files import filling, need_own
from seq2seq.text.special_ids import END, START
from seq2seq.translation import Translator

MODEL = "model.tflite"
"""The file."""

_TEXTS = 8  # that the proof takes: LiteRT starts for each of them


def export_litert(translator: Translator, folder: str | Path) -> dict[str, int]:
    """Write a translator for LiteRT, once it has proved that its logits are those of the model.

    The file has two signatures. `encode` takes `source`, ids that end with `</s>`, `[1, source_time]`, and gives parts
    by name: those of the state, `state0` …, and those of the memory, `memory0` …. `step` takes `tokens`, `[1]`, and the
    parts, and gives `logits`, `[1, vocab]`, and the state after the step. Greedy search is a loop around it.

    Args:
        translator: The translator.
        folder: Where to.

    Returns:
        The bytes of each file, by name.

    Raises:
        ValueError: The translator is an ensemble, has parts that the converter does not take with built-in operations,
            or what it made has other logits: nothing is written then.
    """
    need_one_model(translator)
    need_own(Path(folder), MODEL)
    files = {MODEL: _converted(translator.model), **tokenizer_files(translator)}
    texts = parity.generated(translator)[:_TEXTS]
    worst = float(np.max([_difference(translator, files[MODEL], text) for text in texts]))
    if not worst <= parity.LOGITS:
        raise ValueError(
            "An export has to compute what the model does, or it is none. "
            f"Received: logits that differ by {worst:.2g}; at most {parity.LOGITS:g} is allowed. Nothing was written: "
            "please report it, with the recipe of the model."
        )
    with filling(Path(folder), MODEL) as part:
        for name, data in files.items():
            (part / name).write_bytes(data)
    return {name: len(data) for name, data in files.items()}


def _converted(model: Seq2Seq) -> bytes:
    module = tf.Module()
    module.weights = [weight.value for weight in model.weights]
    signatures = _signatures(model)
    with tempfile.TemporaryDirectory() as folder, _quietly():
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        tf.saved_model.save(module, folder, signatures=signatures, options=options)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(signatures))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        try:
            return bytes(converter.convert())
        except Exception as error:  # whatever class the converter has for it
            raise ValueError(
                "LiteRT takes what its built-in operations can say. "
                f"Received: a model of which the converter says: {str(error)[:300]} Export it to ONNX."
            ) from error


def _signatures(model: Seq2Seq) -> Mapping[str, Any]:
    """The graphs of both signatures; parts without a width stay inside."""
    decoder = model.decoder
    nests: list[Any] = []

    def encode(source: tf.Tensor) -> dict[str, tf.Tensor]:
        encoded = model.encoder(source, training=False)
        _, state, memory = start_search(decoder, model.bridge(encoded), encoded)
        nests[:] = [state, memory]
        return {**_named("state", state), **_named("memory", memory)}

    reading = tf.function(encode, autograph=False).get_concrete_function(tf.TensorSpec([1, None], tf.int32, "source"))
    given = {
        name: tf.TensorSpec(part.shape, part.dtype, name)
        for nest, kind in zip(nests, ("state", "memory"), strict=True)
        for name, part in _named(kind, nest).items()
    }

    def step(tokens: tf.Tensor, **parts: tf.Tensor) -> dict[str, tf.Tensor]:
        state, memory = (_filled(nest, kind, parts) for nest, kind in zip(nests, ("state", "memory"), strict=True))
        weights = decoder.lay_out(tf.float32, None)
        outputs, after, _ = decoder.step(tokens, state, memory, weights)
        kernel, bias = decoder.output_weights(tf.float32, None)
        scored = outputs if decoder.readout is None else tf.matmul(outputs, decoder.readout.kernel)
        logits = tf.nn.bias_add(tf.matmul(scored, kernel, transpose_b=decoder.tie_embeddings), bias)
        return {"logits": logits, **_named("state", after)}

    stepping = tf.function(step, autograph=False).get_concrete_function(
        tf.TensorSpec([1], tf.int32, "tokens"), **given
    )  # fmt: skip
    return {"encode": reading, "step": stepping}


def _named(kind: str, nest: Any) -> dict[str, Any]:
    """Parts that have a width, by name."""
    return {f"{kind}{place}": part for place, part in enumerate(tf.nest.flatten(nest)) if part.shape[-1] != 0}


def _filled(nest: Any, kind: str, parts: Mapping[str, Any]) -> Any:
    flat = [
        parts.get(f"{kind}{place}", tf.zeros([1, 0]) if part.shape[-1] == 0 else None)
        for place, part in enumerate(tf.nest.flatten(nest))
    ]
    return tf.nest.pack_sequence_as(nest, flat)


def _difference(translator: Translator, data: bytes, text: str) -> float:
    """The largest difference of a logit, the model's own greedy translation read."""
    source = np.array([[*translator.source_tokenizer.encode(text), END]], np.int32)
    (best,) = translator.translate([text], translator.search.greedy())
    target = np.array([[START, *translator.target_tokenizer.encode(best)]], np.int32)
    expected = np.asarray(translator.model({"source": source, "target_in": target}, training=False))[0]
    found = logits_of(data, source, target[0])
    return float(np.abs(found - expected).max())


def logits_of(data: bytes, source: npt.NDArray[np.int32], tokens: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
    """Run a file: give the logits after each token, `[target_time, vocab]`.

    Args:
        data: The bytes of the file.
        source: Ids, `[1, source_time]`.
        tokens: What is read, `[target_time]`.
    """
    with _quietly():
        running = tf.lite.Interpreter(model_content=data)
        encode, step = (running.get_signature_runner(name) for name in ("encode", "step"))
        parts = encode(source=source)
        logits = []
        for token in tokens:
            found = step(tokens=np.array([token], np.int32), **parts)
            logits.append(found.pop("logits")[0])
            parts |= found
    return np.stack(logits)


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep to itself what TensorFlow advises of its own moves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
