"""Searching and scoring with a model: the graphs behind it, traced once each, and the few of them that are kept."""

import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from seq2seq.layers.state import Encoded, StackState
from seq2seq.models.decoder import Decoder
from seq2seq.models.inputs import need_ids, need_names, need_one_batch, whole_numbers
from seq2seq.models.loss import cross_entropy
from seq2seq.models.mixture import Mixture
from seq2seq.models.stepping import Start, start_search
from seq2seq.search import Constraints, Hypotheses, Search, search
from seq2seq.text.length_limit import LengthLimit
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
    asked: tuple[str, ...]
    weights: int


class Generator:
    """Searches with one or several models, in graphs that serve every batch and all numbers of the settings.

    It may be used from several threads at once: each graph is traced once, while others go on with graphs that they
    have. At most `KEPT` graphs are kept.

    Args:
        models: The models, which decide together and read and write the same ids.
        mixture: How they do; None where there is only one.

    Example:
        >>> from seq2seq.layers import StateBridge
        >>> from seq2seq.models import Encoder, Seq2Seq
        >>> from seq2seq.search import Beam
        >>> model = Seq2Seq(Encoder(9, 4, [8]), StateBridge([8]), Decoder(9, 4, [8]))
        >>> Generator([model]).search(Beam(3, n_best=2), [[5, 6, 2]], [4]).scores.shape
        TensorShape([1, 2])
    """

    def __init__(self, models: Sequence[Searchable], mixture: Mixture | None = None) -> None:
        joint = _Joint(tuple(models), mixture or Mixture(len(models)))
        self._lock = threading.Lock()
        self._joint = joint
        self._graphs = functools.lru_cache(KEPT)(functools.partial(_Graph, joint))
        self._scorings = functools.lru_cache(1)(lambda weights: _scoring(joint))

    def search(
        self,
        settings: Search,
        source: Any,
        max_length: Any = None,
        vocabulary: Any = None,
        precision: str | None = None,
        attention: bool = False,
        constraints: Constraints | None = None,
    ) -> Hypotheses:
        """Search for translations of a batch.

        Args:
            settings: What to search with.
            source: Ids, each sentence ending with `</s>`, padding on the right, `[batch, source_time]`.
            max_length: See `Seq2Seq.decode`.
            vocabulary: See `Seq2Seq.decode`.
            precision: See `Seq2Seq.decode`.
            attention: See `Seq2Seq.decode`.
            constraints: See `Seq2Seq.decode`.

        Returns:
            The hypotheses, best first.
        """
        source = tf.convert_to_tensor(source)
        need_ids(source, "source")
        asked = {
            name: tf.cast(whole_numbers(ids, name), tf.int32)
            for name, ids in (constraints or Constraints()).asked().items()
        }
        form = _Form(settings.form(), vocabulary is not None, precision, attention, tuple(asked), self._joint.weights)
        with self._lock:  # for two threads at once, the cache would make a graph each
            graph = self._graphs(form)
        numbers = {name: tf.constant(number, _TYPES[type(number)]) for name, number in settings.numbers().items()}
        vocabulary = None if vocabulary is None else tf.cast(whole_numbers(vocabulary, "vocabulary"), tf.int32)
        source = tf.cast(source, tf.int32)
        return graph(source, _limits(settings, source, max_length), numbers, asked, vocabulary)

    def score(self, inputs: Mapping[str, Any], target_out: Any) -> tf.Tensor:
        """Score given targets of a batch; arguments and result as of `Seq2Seq.score`."""
        need_names(inputs)
        given = {"source": inputs["source"], "target_in": inputs["target_in"], "target_out": target_out}
        ids = {name: tf.convert_to_tensor(each) for name, each in given.items()}
        for name, each in ids.items():
            need_ids(each, name)  # the cast to int32 would cut fractions off
        need_one_batch(**ids)
        return self._scorings(self._joint.weights)(*(tf.cast(each, tf.int32) for each in ids.values()))


def _scoring(joint: "_Joint") -> Callable[..., tf.Tensor]:
    signature = [tf.TensorSpec([None, None], tf.int32)] * 3
    return tf.function(joint.token_log_probs, input_signature=signature, autograph=False)


def _places(vocabulary: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
    """Give the places of ids in an ascending vocabulary that has them."""
    return tf.reshape(tf.searchsorted(vocabulary, tf.reshape(ids, [-1])), tf.shape(ids))


def _limits(settings: Search, source: tf.Tensor, max_length: Any) -> tf.Tensor:
    """Give the most tokens of each target; where nobody says it, as the settings do."""
    if max_length is None:
        limit = LengthLimit.chosen(settings.max_length_factor)
        tokens = np.count_nonzero(source.numpy() != PAD, axis=1)
        max_length = np.array([limit.of(int(number)) for number in tokens], np.int32)
    return tf.broadcast_to(tf.cast(whole_numbers(max_length, "max_length"), tf.int32), tf.shape(source)[:1])


class _Joint:
    """Models and how they decide together, as graph code."""

    def __init__(self, models: tuple[Searchable, ...], mixture: Mixture) -> None:
        self.models = models
        self._mixture = mixture

    @property
    def weights(self) -> int:
        """How many they have: a layer may get more, as by Keras' `enable_lora`, which older graphs do not read."""
        return sum(len(getattr(model, "weights", ())) for model in self.models)

    def begin(self, source: tf.Tensor, form: _Form, vocabulary: tf.Tensor | None) -> tuple[Start, tf.Tensor]:
        """Read sources: what a search starts from, and which positions are real."""
        looks = form.attention or form.search.looks()
        starts, mask = [], None
        for model in self.models:
            encoded = model.encoder(source, training=False)
            mask = encoded.mask if mask is None else mask
            state = model.bridge(encoded)
            starts.append(start_search(model.decoder, state, encoded, vocabulary, form.precision, looks))
        steps, states, memories = zip(*starts, strict=True)
        if len(steps) == 1:
            return starts[0], mask

        def step(tokens: tf.Tensor, states: Any, memories: Any) -> tuple[Any, ...]:
            logits, after, *seen = zip(
                *(one(tokens, *given) for one, *given in zip(steps, states, memories, strict=True)), strict=True
            )
            return self._mixture(logits), after, *map(self._mixture.of, seen)

        return Start(step, states, memories), mask

    def token_log_probs(self, source: tf.Tensor, target_in: tf.Tensor, target_out: tf.Tensor) -> tf.Tensor:
        """Give the log-probability of each token, 0 at padding."""
        real = tf.where(tf.not_equal(target_out, PAD))
        logits = []
        for model in self.models:
            encoded = model.encoder(source, training=False)
            outputs = model.decoder.read(target_in, model.bridge(encoded), encoded, training=False)
            # As in training, logits are made of real tokens only.
            logits.append(model.decoder.project(tf.gather_nd(outputs, real)))
        _, nats = cross_entropy(self._mixture(logits), tf.gather_nd(target_out, real))
        return tf.scatter_nd(real, -nats, tf.shape(target_out, tf.int64))


class _Graph:
    """One graph, traced when it is first called."""

    def __init__(self, joint: _Joint, form: _Form) -> None:
        self._joint = joint
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
        kinds = tf.nest.map_structure(lambda one: tf.TensorSpec([None] * one.shape.rank, one.dtype), given[:4])
        return tf.function(self._search, autograph=False).get_concrete_function(
            *kinds, tf.TensorSpec([None], tf.int32) if self._form.shortlisted else None
        )

    def _search(
        self,
        source: tf.Tensor,
        max_length: tf.Tensor,
        numbers: Mapping[str, tf.Tensor],
        asked: Mapping[str, tf.Tensor],
        vocabulary: tf.Tensor | None,
    ) -> Hypotheses:
        form = self._form
        if form.search.looks() and any(model.decoder.attention is None for model in self._joint.models):
            raise ValueError(
                "A coverage penalty is on what a model looked at, so only a model with attention can have one. "
                "Received: a coverage_penalty, and a decoder with attention=None. Leave it out."
            )
        begin, mask = self._joint.begin(source, form, vocabulary)
        found = search(
            form.search.fed(numbers),
            *begin,
            max_length=max_length,
            start=START,
            end=END,
            pad=PAD,
            source_time=tf.shape(source)[1] if form.attention else None,
            source_mask=mask,
            # Of a shortlist, ids are places in it.
            constraints=Constraints(
                **{name: ids if vocabulary is None else _places(vocabulary, ids) for name, ids in asked.items()}
            ),
        )
        return found if vocabulary is None else found._replace(tokens=tf.gather(vocabulary, found.tokens))
