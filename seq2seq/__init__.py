"""Deep stacked LSTM encoder-decoders for text, on TensorFlow and Keras.

The public names below are imported when they are first used: `import seq2seq` is quick, loads no TensorFlow, and
changes nothing in the process but Keras' choice of a backend, which Keras makes once.
"""

import os
from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.layers import Attention, StackedLSTM, StateBridge
    from seq2seq.models import Decoder, Encoder, Seq2Seq
    from seq2seq.recipe import Recipe
    from seq2seq.runs import run
    from seq2seq.system.quiet import quiet
    from seq2seq.text import Batches, Tokenizer, corpus_from_pairs, read_corpus
    from seq2seq.translation import Translator, load

__version__ = "0.1.0"

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

_WHERE = {
    "seq2seq.layers": ["Attention", "StackedLSTM", "StateBridge"],
    "seq2seq.models": ["Decoder", "Encoder", "Seq2Seq"],
    "seq2seq.recipe": ["Recipe"],
    "seq2seq.runs": ["run"],
    "seq2seq.system.quiet": ["quiet"],
    "seq2seq.text": ["Batches", "Tokenizer", "corpus_from_pairs", "read_corpus"],
    "seq2seq.translation": ["Translator", "load"],
}

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

__getattr__, __dir__ = lazily(__name__, _WHERE)
