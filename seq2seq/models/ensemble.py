"""Several models that decide together: at each step the mean of what they think of the next token."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import tensorflow as tf

from seq2seq.models.decoder import Decoder
from seq2seq.models.encoder import Encoder
from seq2seq.models.generator import Generator
from seq2seq.models.mixture import Mean, Mixture
from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.search import Constraints, Greedy, Hypotheses, Search
from seq2seq.system.fork import need_own_threads


class Ensemble:
    """Models of one vocabulary, of any architecture, that search and score together; it cannot be trained.

    Args:
        models: The models, which read and write the same ids.
        weights: How much each has to say, above 0; only their ratio counts. None: all the same.
        mean: Of what the weighted mean is taken: "probabilities", or "log_probabilities", which are normalised again.

    Raises:
        ValueError: There is no model, their vocabularies differ, or the weights are not one positive number for each.

    Example:
        >>> from seq2seq.layers import StateBridge
        >>> from seq2seq.models import Encoder
        >>> small, large = (Seq2Seq(Encoder(9, 4, [u]), StateBridge([u]), Decoder(9, 4, [u])) for u in (8, 16))
        >>> Ensemble([small, large], weights=[1, 2]).decode([[5, 6, 2]]).tokens.shape[:2]
        TensorShape([1, 1])
    """

    compiled = False

    def __init__(
        self,
        models: Sequence[Seq2Seq],
        weights: Sequence[float] | None = None,
        mean: Mean = "probabilities",
    ) -> None:
        self.models = tuple(models)
        self.mixture = Mixture(len(self.models), weights, mean)
        for side in ("encoder", "decoder"):
            sizes = [getattr(model, side).vocab_size for model in self.models]
            if len(set(sizes)) > 1:
                raise ValueError(
                    "The models of an ensemble read and write the same ids. "
                    f"Received: {side} vocab_size={', '.join(map(str, sizes))}. Use models with one vocabulary."
                )
        self._generator = Generator(self.models, self.mixture)

    def _repr_svg_(self) -> str | None:
        """Show the first model in a notebook."""
        return self.models[0]._repr_svg_()

    @property
    def encoder(self) -> Encoder:
        """The encoder of the first model, whose vocabulary all have."""
        return self.models[0].encoder

    @property
    def decoder(self) -> Decoder:
        """The decoder of the first model, whose vocabulary all have."""
        return self.models[0].decoder

    @property
    def weights(self) -> list[Any]:
        """The weights of all models, one after the other."""
        return list(chain.from_iterable(model.weights for model in self.models))

    @property
    def attends(self) -> bool:
        """Whether all models can tell what each token looked at."""
        return all(model.attends for model in self.models)

    def decode(
        self,
        source: Any,
        max_length: Any = None,
        search: Search = Greedy(),
        vocabulary: Any = None,
        precision: str | None = None,
        attention: bool = False,
        constraints: Constraints | None = None,
    ) -> Hypotheses:
        """Translate ids to ids; see :meth:`Seq2Seq.decode`. Attention is the weighted mean of that of the models.

        Raises:
            ValueError: Attention is asked for, and one of the decoders has none.
            RuntimeError: The process was forked from one that had used TensorFlow.
        """
        need_own_threads()
        return self._generator.search(search, source, max_length, vocabulary, precision, attention, constraints)

    def score(self, inputs: dict[str, tf.Tensor], target_out: tf.Tensor) -> tf.Tensor:
        """Give the log-probability of every token of given targets; see :meth:`Seq2Seq.score`.

        Raises:
            ValueError: A name is missing, or what is given are no ids.
            RuntimeError: The process was forked from one that had used TensorFlow.
        """
        need_own_threads()
        return self._generator.score(inputs, target_out)

    def save(self, path: Any) -> None:
        """Refuse to be written.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            "An ensemble lies in the files of its models, and has no file of its own. "
            f"Received: {len(self.models)} models. Keep those files, and load them together."
        )
