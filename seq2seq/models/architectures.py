"""Models by the name of their paper, each with a width factor, telling where it departs from the paper."""

import sys
from collections.abc import Callable

from seq2seq.layers import StateBridge
from seq2seq.models.decoder import Decoder
from seq2seq.models.encoder import Encoder
from seq2seq.models.seq2seq import Seq2Seq


def sutskever2014(source_vocab_size: int, target_vocab_size: int, width: float = 1.0) -> Seq2Seq:
    """Four layers of 1,000, reversed source, states passed layer by layer, no attention.

    Args:
        source_vocab_size: Number of source ids.
        target_vocab_size: Number of target ids.
        width: Factor on every width.

    Source:
        Sutskever, Vinyals and Le 2014, sections 3.3 and 3.4.
    """
    units = _scaled([1000] * 4, width)
    _tell("sutskever2014", "weights start as in Keras (Glorot, orthogonal), not uniform in ±0.08")
    return Seq2Seq(
        Encoder(source_vocab_size, units[0], units, reverse=True),
        StateBridge(units, "per_layer"),
        Decoder(target_vocab_size, units[0], units),
    )


def bahdanau2014(source_vocab_size: int, target_vocab_size: int, width: float = 1.0) -> Seq2Seq:
    """One bidirectional layer of 1,000, additive attention, state from the backward direction through tanh.

    Args:
        source_vocab_size: Number of source ids.
        target_vocab_size: Number of target ids.
        width: Factor on every width.

    Source:
        Bahdanau, Cho and Bengio 2015, appendix A.
    """
    units, (embedding,) = _scaled([1000], width), _scaled([620], width)
    _tell(
        "bahdanau2014",
        "LSTM layers instead of gated recurrent units; the cell state starts like the hidden state",
        "attention looks with the new decoder state, and the next step reads what it found (input feeding)",
        "a tanh layer before the logits instead of maxout",
    )
    return Seq2Seq(
        Encoder(source_vocab_size, embedding, units, bidirectional="all"),
        StateBridge(units, "per_layer", directions="backward", project="always", activation="tanh"),
        Decoder(target_vocab_size, embedding, units, attention="additive", input_feeding=True),
    )


def luong2015(source_vocab_size: int, target_vocab_size: int, width: float = 1.0) -> Seq2Seq:
    """Four layers of 1,000, reversed source, general attention with input feeding, dropout 0.2.

    Args:
        source_vocab_size: Number of source ids.
        target_vocab_size: Number of target ids.
        width: Factor on every width.

    Source:
        Luong, Pham and Manning 2015, sections 3.1, 3.3 and 4.1.
    """
    units = _scaled([1000] * 4, width)
    _tell(
        "luong2015",
        "global attention; the paper's best single system attends locally (local-p)",
        "weights start as in Keras (Glorot, orthogonal), not uniform in ±0.1",
    )
    return Seq2Seq(
        Encoder(source_vocab_size, units[0], units, reverse=True, dropout=0.2),
        StateBridge(units, "per_layer"),
        Decoder(target_vocab_size, units[0], units, attention="general", input_feeding=True, dropout=0.2),
    )


def gnmt2016(source_vocab_size: int, target_vocab_size: int, width: float = 1.0) -> Seq2Seq:
    """Eight layers of 1,024, the first encoder layer bidirectional, residual connections from the third layer on.

    Args:
        source_vocab_size: Number of source ids.
        target_vocab_size: Number of target ids.
        width: Factor on every width.

    Source:
        Wu et al. 2016, section 3.
    """
    units = _scaled([1024] * 8, width)
    _tell(
        "gnmt2016",
        "attention looks with the top decoder layer, not the bottom one, and feeds the lowest layer of the next step, "
        "not every layer of this one",
        "the decoder starts from the encoder's states, layer by layer; the paper does not say",
    )
    return Seq2Seq(
        Encoder(source_vocab_size, units[0], units, bidirectional="first", residual_from=2, dropout=0.2),
        StateBridge(units, "per_layer"),
        Decoder(
            target_vocab_size,
            units[0],
            units,
            attention="additive",
            input_feeding=True,
            residual_from=2,
            dropout=0.2,
        ),
    )


ARCHITECTURES: dict[str, Callable[[int, int, float], Seq2Seq]] = {
    "sutskever2014": sutskever2014,
    "bahdanau2014": bahdanau2014,
    "luong2015": luong2015,
    "gnmt2016": gnmt2016,
}


def _scaled(units: list[int], width: float) -> list[int]:
    if width <= 0:
        raise ValueError(f"width is a factor on every width of the paper, above 0. Received: width={width}.")
    return [max(1, round(width * unit)) for unit in units]


def _tell(name: str, *departures: str) -> None:
    lines = [f"{name} departs from its paper:", *(f"  - {departure}" for departure in departures)]
    sys.stderr.write("\n".join(lines) + "\n")
