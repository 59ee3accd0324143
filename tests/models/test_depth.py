"""Deep stacks without residual connections are told; stand-ins of a model, since only its stacks count."""

from types import SimpleNamespace

import pytest

from seq2seq.layers import StackedLSTM
from seq2seq.models.depth import told_depth


def told(encoder, decoder):
    return told_depth(SimpleNamespace(encoder=SimpleNamespace(stack=encoder), decoder=SimpleNamespace(stack=decoder)))


@pytest.mark.parametrize(
    ("encoder", "decoder", "layers", "way"),
    [
        (
            StackedLSTM([2] * 8),
            StackedLSTM([2] * 8),
            "the encoder 8 and the decoder 8 on top",
            "set model.encoder.residual_from=1 and model.decoder.residual_from=1.",
        ),
        (StackedLSTM([2] * 5, "first"), StackedLSTM([2]), "the encoder 5 on", "set model.encoder.residual_from=2."),
        (StackedLSTM([2]), StackedLSTM([3, 2, 2, 2, 2]), "the decoder 5 on", "set model.decoder.residual_from=2."),
        (StackedLSTM([2] * 8, residual_from=6), StackedLSTM([2]), "the encoder 6 on", "model.encoder.residual_from=1."),
        (StackedLSTM([6, 5, 4, 3, 2]), StackedLSTM([2]), "the encoder 5 on", "give the layers equal widths"),
        (StackedLSTM([2] * 6 + [3] * 2), StackedLSTM([2]), "the encoder 8 on", "give the layers equal widths"),
    ],
)
def test_a_deep_stack_is_told_with_what_can_be_set(encoder, decoder, layers, way):
    found = told(encoder, decoder)
    assert layers in found and way in found and "\n" not in found
    for setting in ("residual_from=1", "residual_from=2"):
        if f"encoder.{setting}" in found:  # it can be built so
            StackedLSTM(encoder.units, encoder.bidirectional, int(setting[-1])).build((None, None, 9))


@pytest.mark.parametrize(
    "stack", [StackedLSTM([2] * 4, "all"), StackedLSTM([2] * 8, "first", residual_from=2), StackedLSTM([9, 2])]
)
def test_others_are_not(stack):
    assert told(stack, stack) == ""
