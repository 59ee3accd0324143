"""Models whose wiring is told and drawn: a bit of everything."""

import pytest

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge


def build(
    encoder: list[int],
    decoder: list[int],
    bridge: object = "concatenated",
    *,
    bidirectional: object = "never",
    reverse: bool = False,
    residual: bool = False,
    attention: str | None = "general",
    feeding: bool = False,
    tied: bool = False,
    shared: bool = False,
    **more: object,
) -> Seq2Seq:
    start = 1 if residual else None
    return Seq2Seq(
        Encoder(40, 8, encoder, bidirectional=bidirectional, reverse=reverse, residual_from=start),
        StateBridge(decoder, bridge, **more),
        Decoder(40, 8, decoder, attention=attention, input_feeding=feeding, residual_from=start, tie_embeddings=tied),
        share_embeddings=shared,
    )


MODELS = {
    "one by one": build([8], [8], "per_layer", attention=None),
    "four by four": build([8] * 4, [8] * 4, "per_layer", reverse=True, feeding=True, residual=True),
    "concatenated": build([4, 6, 8], [8, 4], bidirectional="first"),
    "both directions": build([6, 6], [12, 12], "per_layer", bidirectional="all", tied=True, shared=True),
    "table": build([6, 4, 2], [4, 4, 4], [[0], [1, 2], []]),
    "eight to one": build([8] * 8, [8], "last_layer", tied=True),
    "one to eight": build([8], [8] * 8, "mean", attention="additive"),
    "eight by eight": build([8] * 8, [8] * 8, bidirectional="first", feeding=True),
    "learned": build([8], [4, 8], "learned"),
    "summed": build([4, 6], [6, 4], [[0, 1], [1]], merge="sum"),
    "first": build([8, 8], [8, 8], "last_layer", to="first"),
    "settings": build(
        [8] * 3, [8] * 2, "per_layer", bidirectional="all", to="first", align="top", directions="sum", states="hidden"
    ),
}
each_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
