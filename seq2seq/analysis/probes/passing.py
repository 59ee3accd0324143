"""A model taken apart where its encoder hands over to its decoder: the states of many sentences out, and in again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from seq2seq.models.generator import Generator
from seq2seq.search import Search
from seq2seq.text.bucketing import pad
from seq2seq.text.ids import Ids
from seq2seq.text.length_limit import LengthLimit

if TYPE_CHECKING:
    from seq2seq.layers.state import Encoded, StackState
    from seq2seq.models import Seq2Seq
    from seq2seq.translation.translator import Translator

_SOURCE = tf.TensorSpec([None, None], tf.int32)


class Passing:
    """What a model passes for some sentences, and what it writes from states that it is given.

    Args:
        translator: What is taken apart.
        ids: Source ids of each sentence, none empty, without `</s>`.
        search: What to search with.
        batch_size: Sentences that are read or written together.

    Attributes:
        ended: What every encoder layer ends with, as in `Encoded`: each part an array `[sentences, units]`.
        started: What every decoder layer starts from.
    """

    def __init__(self, translator: Translator, ids: Sequence[Sequence[int]], search: Search, batch_size: int) -> None:
        self._model, self._tokenizer, self._search = translator.model, translator.target_tokenizer, search
        self._ids = Ids.pack(ids)
        limit = LengthLimit.chosen(search.max_length_factor, translator.length_limit)
        self._limits = np.array([limit.of(len(sentence) + 1) for sentence in ids], np.int32)
        # As in translating, the longest first, which are alike in length.
        order = np.argsort(-self._ids.lengths, kind="stable")
        self._batches = np.split(order, range(batch_size, len(order), batch_size))
        self.ended: StackState = self._read(tf.function(self._end, input_signature=[_SOURCE], autograph=False))
        kinds = _kinds(self.ended)
        self._pass = tf.function(self._start, input_signature=[_SOURCE, kinds], autograph=False)
        self.started: StackState = self.bridge(self.ended)
        self._given = _Given(self._model, self.started)
        self._generator = Generator([self._given])

    def bridge(self, ended: StackState) -> StackState:
        """Give what the decoder layers would start from, had the encoder layers ended so."""
        return self._read(self._pass, ended)

    def write(self, started: StackState) -> list[str]:
        """Translate every sentence, the decoder layers starting from these states."""
        found = [""] * len(self._ids)
        for number, places in enumerate(self._batches):
            self._given.give(_rows(started, places))
            search = self._search.for_batch(number)
            tokens = self._generator.search(search, pad(self._ids, places)[0], self._limits[places]).tokens
            texts = self._tokenizer.decode_batch(np.asarray(tokens)[:, 0].tolist())
            for place, text in zip(places, texts, strict=True):
                found[place] = text
        return found

    def _read(self, graph: Callable[..., StackState], *states: StackState) -> StackState:
        """Run a graph over the batches, and put what it gives in the order of the sentences."""
        parts = [graph(pad(self._ids, places)[0], *(_rows(state, places) for state in states))
                 for places in self._batches]  # fmt: skip
        back = np.argsort(np.concatenate(self._batches))
        return tf.nest.map_structure(lambda *each: np.concatenate([np.asarray(one) for one in each])[back], *parts)

    def _end(self, source: tf.Tensor) -> StackState:
        return self._model.encoder(source, training=False).state

    def _start(self, source: tf.Tensor, ended: StackState) -> StackState:
        encoded = self._model.encoder(source, training=False)
        return self._model.decoder.stack.named(self._model.bridge(encoded._replace(state=ended)))


class _Given:
    """A model, as a search sees it, whose decoder starts from what it is given and not from what the encoder passes."""

    def __init__(self, model: Seq2Seq, state: StackState) -> None:
        self.encoder, self.decoder = model.encoder, model.decoder
        self._state = tf.nest.map_structure(
            lambda part: tf.Variable(part, trainable=False, shape=[None, part.shape[1]]), state
        )

    def give(self, state: StackState) -> None:
        """Let the next batch start from this."""
        tf.nest.map_structure(lambda variable, part: variable.assign(part), self._state, state)

    def bridge(self, encoded: Encoded) -> StackState:
        """Give the state, whatever was read."""
        return tf.nest.map_structure(tf.convert_to_tensor, self._state)


def _rows(state: StackState, places: np.ndarray) -> StackState:
    return tf.nest.map_structure(lambda part: part[places], state)


def _kinds(state: StackState) -> Any:
    return tf.nest.map_structure(lambda part: tf.TensorSpec([None, part.shape[1]], part.dtype), state)
