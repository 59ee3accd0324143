"""Text in: pairs from the hub, files and streams, SentencePiece tokenizers, padded batches.

The names below are imported when they are first used: `datasets`, SentencePiece and TensorFlow are loaded by what needs
them.
"""

from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.text.batches import Batches
    from seq2seq.text.corpus import Corpus, corpus_from_pairs, hold_out, sample
    from seq2seq.text.encoding import encode_corpus
    from seq2seq.text.ids import Ids
    from seq2seq.text.length_limit import LengthLimit
    from seq2seq.text.lines import read_lines
    from seq2seq.text.mixing import MixedBatches
    from seq2seq.text.pairs import CorpusError, Pair
    from seq2seq.text.reading import read_corpus
    from seq2seq.text.special_ids import END, PAD, START, UNKNOWN
    from seq2seq.text.streaming import StreamedBatches
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.text.vectors import Vectors, read_vectors

_WHERE = {
    "seq2seq.text.batches": ["Batches"],
    "seq2seq.text.corpus": ["Corpus", "corpus_from_pairs", "hold_out", "sample"],
    "seq2seq.text.reading": ["read_corpus"],
    "seq2seq.text.encoding": ["encode_corpus"],
    "seq2seq.text.ids": ["Ids"],
    "seq2seq.text.length_limit": ["LengthLimit"],
    "seq2seq.text.lines": ["read_lines"],
    "seq2seq.text.mixing": ["MixedBatches"],
    "seq2seq.text.pairs": ["CorpusError", "Pair"],
    "seq2seq.text.special_ids": ["END", "PAD", "START", "UNKNOWN"],
    "seq2seq.text.streaming": ["StreamedBatches"],
    "seq2seq.text.tokenizer": ["Tokenizer"],
    "seq2seq.text.vectors": ["Vectors", "read_vectors"],
}

__all__ = [
    "END",
    "PAD",
    "START",
    "UNKNOWN",
    "Batches",
    "Corpus",
    "CorpusError",
    "Ids",
    "LengthLimit",
    "MixedBatches",
    "Pair",
    "StreamedBatches",
    "Tokenizer",
    "Vectors",
    "corpus_from_pairs",
    "encode_corpus",
    "hold_out",
    "read_corpus",
    "read_lines",
    "read_vectors",
    "sample",
]

__getattr__, __dir__ = lazily(__name__, _WHERE)
