"""Searching and scoring with a model: the graphs behind it, traced once each, and the few of them that are kept."""

import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from seq2seq.layers.state import Encoded, StackState
from seq2seq.models.decoder import Decoder
from seq2seq.models.loss import cross_entropy
from seq2seq.models.stepping import start_search
from seq2seq.search import Hypotheses, Search, search
from seq2seq.text.special_ids import END, PAD, START

KEPT = 16
"""Graphs that a generator keeps; another one takes the place of the one that was used longest ago."""

_TYPES = {int: tf.int64, float: tf.float32}


class Searchable(Protocol):
    """A model, as a search sees it: `Seq2Seq` is one."""

    @property
    def encoder(self) -> Callable[..., Encoded]:
        """Reads source ids."""

    @property
    def bridge(self) -> Callable[[Encoded], StackState]:
        """Makes the initial state of the decoder."""

    @property
    def decoder(self) -> Decoder:
        """Takes the steps."""


class _Form(NamedTuple):
    """What tells one graph from another."""

    search: Search
    shortlisted: bool
    precision: str | None
    attention: bool


class Generator:
    """Searches with one or several models, in graphs that serve every batch and all numbers of the settings.

    It may be used from several threads at once: each graph is traced once, while others go on with graphs that they
    have. At most `KEPT` graphs are kept.

    Args:
        models: The models, which decide together.

    Raises:
        ValueError: For none, or for more than one.

    Example:
        >>> from seq2seq.layers import StateBridge
        >>> from seq2seq.models import Encoder, Seq2Seq
        >>> from seq2seq.search import Beam
        >>> model = Seq2Seq(Encoder(9, 4, [8]), StateBridge([8]), Decoder(9, 4, [8]))
        >>> Generator([model]).search(Beam(3, n_best=2), [[5, 6, 2]], [4]).scores.shape
        TensorShape([1, 2])
    """

    def __init__(self, models: Sequence[Searchable]) -> None:
        if len(models) != 1:
            raise ValueError(f"A search asks one model so far. Received: {len(models)} models. Give one, in a list.")
        self._lock = threading.Lock()
        self._graphs = functools.lru_cache(KEPT)(functools.partial(_Graph, tuple(models)))
        self._score = tf.function(
            functools.partial(_token_log_probs, *models),
            input_signature=[tf.TensorSpec([None, None], tf.int32)] * 3,
            autograph=False,
        )

    def search(
        self,
        settings: Search,
        source: Any,
        max_length: Any,
        vocabulary: Any = None,
        precision: str | None = None,
        attention: bool = False,
    ) -> Hypotheses:
        """Search for translations of a batch.

        Args:
            settings: What to search with.
            source: Ids, each sentence ending with `</s>`, padding on the right, `[batch, source_time]`.
            max_length: The most tokens per target, `</s>` counted, `[batch]`.
            vocabulary: See `Seq2Seq.decode`.
            precision: See `Seq2Seq.decode`.
            attention: See `Seq2Seq.decode`.

        Returns:
            The hypotheses, best first.
        """
        form = _Form(settings.form(), vocabulary is not None, precision, attention)
        with self._lock:  # for two threads at once, the cache would make a graph each
            graph = self._graphs(form)
        numbers = {name: tf.constant(number, _TYPES[type(number)]) for name, number in settings.numbers().items()}
        vocabulary = None if vocabulary is None else tf.cast(vocabulary, tf.int32)
        return graph(tf.cast(source, tf.int32), tf.cast(max_length, tf.int32), numbers, vocabulary)

    def score(self, source: Any, target_in: Any, target_out: Any) -> tf.Tensor:
        """Score given targets of a batch; arguments and result as of `Seq2Seq.score`."""
        return self._score(*(tf.cast(ids, tf.int32) for ids in (source, target_in, target_out)))


class _Graph:
    """One graph, traced when it is first called."""

    def __init__(self, models: tuple[Searchable, ...], form: _Form) -> None:
        (self._model,) = models
        self._form = form
        self._lock = threading.Lock()
        self._traced: Callable[..., Hypotheses] | None = None

    def __call__(self, *given: Any) -> Hypotheses:
        with self._lock:
            if self._traced is None:
                self._traced = self._trace(*given)
        return self._traced(*given)

    def _trace(self, *given: Any) -> Callable[..., Hypotheses]:
        # Any size of everything.
        kinds = tf.nest.map_structure(lambda one: tf.TensorSpec([None] * one.shape.rank, one.dtype), given[:3])
        return tf.function(self._search, autograph=False).get_concrete_function(
            *kinds, tf.TensorSpec([None], tf.int32) if self._form.shortlisted else None
        )

    def _search(
        self,
        source: tf.Tensor,
        max_length: tf.Tensor,
        numbers: Mapping[str, tf.Tensor],
        vocabulary: tf.Tensor | None,
    ) -> Hypotheses:
        model, form = self._model, self._form
        if form.search.looks() and model.decoder.attention is None:
            raise ValueError(
                "A coverage penalty is on what a model looked at, so only a model with attention can have one. "
                "Received: a coverage_penalty, and a decoder with attention=None. Leave it out."
            )
        encoded = model.encoder(source, training=False)
        begin = start_search(
            model.decoder,
            model.bridge(encoded),
            encoded,
            vocabulary,
            form.precision,
            form.attention or form.search.looks(),
        )
        found = search(
            form.search.fed(numbers),
            *begin,
            max_length=max_length,
            start=START,
            end=END,
            pad=PAD,
            source_time=tf.shape(source)[1] if form.attention else None,
            source_mask=encoded.mask,
        )
        return found if vocabulary is None else found._replace(tokens=tf.gather(vocabulary, found.tokens))


def _token_log_probs(model: Searchable, source: tf.Tensor, target_in: tf.Tensor, target_out: tf.Tensor) -> tf.Tensor:
    encoded = model.encoder(source, training=False)
    outputs = model.decoder.read(target_in, model.bridge(encoded), encoded, training=False)
    real = tf.where(tf.not_equal(target_out, PAD))
    # As in training, logits are made of real tokens only.
    _, nats = cross_entropy(model.decoder.project(tf.gather_nd(outputs, real)), tf.gather_nd(target_out, real))
    return tf.scatter_nd(real, -nats, tf.shape(target_out, tf.int64))
