"""Deep stacked LSTM encoder-decoders for text, on TensorFlow and Keras.

The public names below are imported when they are first used: `import seq2seq` is quick, loads no TensorFlow, and
changes nothing in the process but Keras' choice of a backend, which Keras makes once.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seq2seq.layers import Attention, StackedLSTM, StateBridge
    from seq2seq.models import Decoder, Encoder, Seq2Seq
    from seq2seq.recipe import Recipe
    from seq2seq.runs import run
    from seq2seq.system.quiet import quiet
    from seq2seq.text.batches import Batches
    from seq2seq.text.corpus import corpus_from_pairs, read_corpus
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.translation import Translator, load

__version__ = "0.1.0"

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

_WHERE = {
    "Attention": "seq2seq.layers",
    "Batches": "seq2seq.text.batches",
    "Decoder": "seq2seq.models",
    "Encoder": "seq2seq.models",
    "Recipe": "seq2seq.recipe",
    "Seq2Seq": "seq2seq.models",
    "StackedLSTM": "seq2seq.layers",
    "StateBridge": "seq2seq.layers",
    "Tokenizer": "seq2seq.text.tokenizer",
    "Translator": "seq2seq.translation",
    "corpus_from_pairs": "seq2seq.text.corpus",
    "load": "seq2seq.translation",
    "quiet": "seq2seq.system.quiet",
    "read_corpus": "seq2seq.text.corpus",
    "run": "seq2seq.runs",
}

_ON_KERAS = {"seq2seq.layers", "seq2seq.models", "seq2seq.translation"}

__all__ = [
    "Attention",
    "Batches",
    "Decoder",
    "Encoder",
    "Recipe",
    "Seq2Seq",
    "StackedLSTM",
    "StateBridge",
    "Tokenizer",
    "Translator",
    "__version__",
    "corpus_from_pairs",
    "load",
    "quiet",
    "read_corpus",
    "run",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if _WHERE[name] in _ON_KERAS:
        import_module(
            "seq2seq.system.backend"
        )  # another backend is refused in words, before something deep inside fails
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})
