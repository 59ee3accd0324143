"""How much arithmetic a model takes: the operations of its matrix products, counted from its shapes."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from seq2seq.models.seq2seq import Seq2Seq

# A product of matrices has two gradients, each a product of the same size.
_WITH_GRADIENTS = 3


class Operations(NamedTuple):
    """Floating-point operations by part of the model, a multiplication and an addition counted as two.

    Attributes:
        encoder: Of the encoder's stack.
        bridge: Of the projections of states.
        decoder: Of the decoder's stack.
        attention: Of keys, scores, contexts and the attentional vector.
        logits: Of the projection onto the vocabulary.
    """

    encoder: float
    bridge: float
    decoder: float
    attention: float
    logits: float

    @property
    def total(self) -> float:
        """All of them."""
        return sum(self)


def count_operations(
    model: Seq2Seq, source_lengths: Sequence[int], target_lengths: Sequence[int], *, training: bool = True
) -> Operations:
    """Count the operations of the matrix products that sentences take, padding left out.

    Everything else (gates, softmax, dropout, the optimizer) is a small part of the arithmetic and is not counted.

    Args:
        model: A built model.
        source_lengths: Tokens of each source, `</s>` counted.
        target_lengths: Tokens of each target, `</s>` counted; in decoding times the beam.
        training: Whether gradients are computed: three products instead of one; and before them what predictions the
            model is fed, where it is fed any.

    Returns:
        The operations.

    Example:
        >>> from seq2seq.layers import StateBridge
        >>> from seq2seq.models import Decoder, Encoder
        >>> model = Seq2Seq(Encoder(20, 8, [16]), StateBridge([16]), Decoder(30, 8, [16]))
        >>> counted = count_operations(model, [5], [4], training=False)
        >>> counted.encoder == 2 * 5 * (8 + 16) * 64, counted.logits == 2 * 4 * 16 * 30
        (True, True)
    """
    encoder, decoder = model.encoder, model.decoder
    source, target = sum(source_lengths), sum(target_lengths)
    pairs = sum(length * other for length, other in zip(source_lengths, target_lengths, strict=True))
    words = (training and model.sampled_softmax) or decoder.vocab_size
    logits = decoder.units[-1] * words
    if decoder.readout is not None:
        logits = _size(decoder.readout.weights) + decoder.embedding_dim * words
    attention = 0
    if decoder.attention is not None and decoder.combine is not None:
        units = decoder.units[-1]
        of_queries = _size(decoder.attention.query_weights("float32"))
        # The score of a pair and its share of the context; an additive score has a vector more to multiply with.
        attention = pairs * 2 * units
        # The attentional vector's matrix meets the memory once, and the output of the stack at every step.
        attention += source * (_size(decoder.attention.weights) - of_queries + decoder.memory_units * units)
        attention += target * (of_queries + units * units)
    factor = 2.0 * (_WITH_GRADIENTS if training else 1)
    counted = Operations(
        encoder=factor * source * _size(encoder.stack.weights),
        bridge=factor * len(source_lengths) * _size(model.bridge.weights),
        decoder=factor * target * _size(decoder.stack.weights),
        attention=factor * attention,
        logits=factor * target * logits,
    )
    forcing = model.teacher_forcing
    if not training or not forcing.feeds_own:
        return counted
    # Sentences are predicted whole, whatever share of their tokens is fed.
    share = forcing.share if forcing.own_predictions == "sentences" else 1.0
    once = count_operations(model, source_lengths, target_lengths, training=False)
    return Operations(*(learnt + share * predicted for learnt, predicted in zip(counted, once, strict=True)))


def _size(weights: Iterable[Any]) -> int:
    """Count the numbers of all matrices; vectors are added, not multiplied with."""
    return sum(math.prod(weight.shape) for weight in weights if len(weight.shape) == 2)
