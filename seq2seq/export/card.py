"""The model card of an export: what it is, how good, how to run it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seq2seq import __version__
from seq2seq.export.parity import Parity
from seq2seq.runtime.folder import ENCODER, STEP
from seq2seq.system.terminal import format_table
from seq2seq.translation import Translator


def card(
    name: str,
    translator: Translator,
    about: Mapping[str, Any],
    sizes: Mapping[str, int],
    proved: Parity,
    written: Parity,
) -> str:
    """Write the card.

    Args:
        name: What the translator is called.
        translator: The translator that was exported.
        about: What `translator.json` says.
        sizes: Bytes by name of a file.
        proved: How the float32 graphs compare with it.
        written: How what was written compares with it.
    """
    metrics, signatures = (translator.about.get(each, {}) for each in ("metrics", "signatures"))
    rows = [[metric, f"{value:.2f}", signatures.get(metric, "")] for metric, value in _flat(metrics).items()]
    measured = f"```text\n{format_table(['metric', 'value', 'signature'], rows, numbers=[1])}\n```" if rows else (
        "Nobody has measured it yet."
    )  # fmt: skip
    files = "\n".join(f"- `{file}`: {size:,} bytes" for file, size in sizes.items())
    loss = "" if about["precision"] == "float32" else f"- {about['precision']}, as it is here: {written}.\n"
    return f"""---
library_name: seq2seq
pipeline_tag: translation
license: unknown
tags: [onnx, lstm, seq2seq]
---

# {name}

A recurrent encoder–decoder of {translator.model.count_params():,} weights, exported by seq2seq. The licence above is
for you to fill in: it follows from the text that the model was trained on.

## How good it is

{measured}

## How to run it

Without TensorFlow, on onnxruntime, NumPy and SentencePiece, and a wheel of seq2seq, which `pip wheel --no-deps .` makes
in its repository (the package of that name on the package index is another one):

```sh
pip install --no-deps seq2seq-{__version__}-py3-none-any.whl
pip install onnxruntime numpy sentencepiece
```

```python
from seq2seq.runtime import load

print(load("FOLDER").translate(["…"]))
```

## What is in it

{files}

`{ENCODER}` and `{STEP}` are ONNX graphs of opset {about["opset"]}; `translator.json` says what a search needs, and has
the checksum of each file.

## Compared with the model that it was made of

- float32: {proved}.
{loss}"""


def _flat(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among what was measured, those of a table by the names of both."""
    flat: dict[str, float] = {}
    for name, value in metrics.items():
        if isinstance(value, int | float):
            flat[name] = float(value)
        elif isinstance(value, Mapping):
            flat |= {f"{name} {inner}": number for inner, number in _flat(value).items()}
    return flat
