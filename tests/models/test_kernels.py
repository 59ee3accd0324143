import keras
import pytest

from seq2seq.layers import StateBridge
from seq2seq.models import Decoder, Encoder, Seq2Seq
from seq2seq.models.kernels import KERNEL_COLUMNS, SlowKernelError, kernel_table, layer_kernels, require_fast_kernels


@pytest.fixture
def model():
    encoder = Encoder(20, 6, [4, 4], bidirectional="first")
    return Seq2Seq(encoder, StateBridge([6], "last_layer"), Decoder(20, 6, [6]))


def test_every_layer_has_a_kernel_and_a_reason(model):
    kernels = layer_kernels(model)
    assert [(each.part, each.layer) for each in kernels] == [("encoder", 0), ("encoder", 1), ("decoder", 0)]
    assert all(each.kernel in ("graph", "cudnn") and each.why for each in kernels)
    assert kernel_table(model) == [[each.part, str(each.layer), each.kernel, each.why] for each in kernels]
    assert len(kernel_table(model)[0]) == len(KERNEL_COLUMNS)
    require_fast_kernels(model)


def test_a_lost_fast_path_is_told_with_the_layer(model):
    model.encoder.stack.forward_layers[1].cell.recurrent_activation = keras.activations.hard_sigmoid
    assert [each.kernel for each in layer_kernels(model)][1] == "keras"
    with pytest.raises(
        SlowKernelError, match=r"Received: strict_kernels=True, encoder layer 1 by keras: .*not sigmoid\. Change"
    ):
        require_fast_kernels(model)


def test_input_feeding_goes_step_by_step():
    decoder = Decoder(20, 6, [6, 6], attention="dot", input_feeding=True)
    model = Seq2Seq(Encoder(20, 6, [6]), StateBridge([6, 6], "last_layer"), decoder)
    assert [each.kernel for each in layer_kernels(model)] == ["graph", "steps", "steps"]
    require_fast_kernels(model)
