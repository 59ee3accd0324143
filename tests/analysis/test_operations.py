import math

import pytest
import tensorflow as tf

from seq2seq.analysis.operations import count_operations
from seq2seq.layers import StateBridge
from seq2seq.models import Decoder, Encoder, Seq2Seq
from seq2seq.models.settings import TeacherForcingSettings


def make_model(attention="general", tied=False, feeding=False, bidirectional="all"):
    encoder = Encoder(20, 6, [4, 5], bidirectional=bidirectional)
    decoder = Decoder(30, 6, [7, 8], attention=attention, input_feeding=feeding, tie_embeddings=tied)
    return Seq2Seq(encoder, StateBridge([7, 8], "last_layer"), decoder)


def products(graph):
    """The operations of all matrix products of a graph whose shapes are known."""
    total = 0
    for operation in graph.get_operations():
        if operation.type in ("MatMul", "BatchMatMulV2"):
            transposed = operation.get_attr("transpose_a" if operation.type == "MatMul" else "adj_x")
            inner = operation.inputs[0].shape[-2 if transposed else -1]
            total += 2 * math.prod(operation.outputs[0].shape) * inner
    return total


def one_step(model, *, batch, source_time):
    """The graph of everything that a target token takes, and of the keys and the first state."""
    widths = [2 * width if both else width for width, both in zip(*stack(model.encoder), strict=True)]

    @tf.function(autograph=False)
    def run(memory, states, tokens):
        from seq2seq.layers import LSTMState
        from seq2seq.layers.state import Encoded

        state = tuple(
            tuple(LSTMState(part, part) for part in tf.split(layer, 1 + both, axis=1))
            for layer, both in zip(states, model.encoder.stack.both_ways, strict=True)
        )
        encoded = Encoded(memory, tf.ones([batch, source_time], tf.bool), state)
        outputs, *_ = model.decoder.step(
            tokens, model.decoder.start(model.bridge(encoded)), model.decoder.prepare(encoded)
        )
        return model.decoder.project(outputs)

    return run.get_concrete_function(
        tf.TensorSpec([batch, source_time, model.encoder.memory_units]),
        [tf.TensorSpec([batch, width]) for width in widths],
        tf.TensorSpec([batch], tf.int32),
    ).graph


def stack(encoder):
    return encoder.stack.units, encoder.stack.both_ways


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(("attention", "feeding"), [(None, False), ("general", False), ("general", True)])
def test_equals_the_products_of_the_graph(attention, tied, feeding):
    model = make_model(attention, tied, feeding)
    counted = count_operations(model, [5, 5, 5], [1, 1, 1], training=False)
    expected = products(one_step(model, batch=3, source_time=5))
    assert counted.bridge + counted.decoder + counted.attention + counted.logits == expected


def test_additive_scores_are_products_with_a_vector_more():
    model = make_model("additive")
    counted = count_operations(model, [5, 5], [1, 1], training=False)
    # The energy is an einsum, which is no matrix product in the graph; then queries, keys, contexts and combination,
    # the part of which that reads the context meets the memory.
    units, memory, energies = 8, 10, 2 * 5 * 8
    assert counted.attention == 2 * (energies + 2 * units * units + 2 * 5 * memory * units + 2 * 5 * units) + 2 * (
        2 * 5 * memory * units + 2 * units * units
    )


def test_the_encoder_has_two_directions():
    counted = count_operations(make_model(), [5], [1], training=False)
    assert counted.encoder == 2 * 5 * 2 * ((6 + 4) * 16 + (8 + 5) * 20)


def test_dot_attention_has_no_keys_of_its_own():
    encoder = Encoder(20, 6, [8])
    model = Seq2Seq(encoder, StateBridge([8]), Decoder(30, 6, [8], attention="dot"))
    counted = count_operations(model, [3, 5], [2, 4], training=False)
    assert counted.attention == 2 * ((3 * 2 + 5 * 4) * (8 + 8) + 8 * 8 * 8 + 6 * 8 * 8)


def test_training_takes_three_times_as_much():
    model = make_model()
    once, with_gradients = (count_operations(model, [5, 3], [4, 2], training=training) for training in (False, True))
    assert with_gradients.total == 3 * once.total == 3 * sum(once)


def test_sampled_words_only_in_training():
    model = make_model()
    model.sample_softmax(10)
    counted = [count_operations(model, [5], [4], training=training).logits for training in (True, False)]
    assert counted == [3 * 2 * 4 * 8 * 10, 2 * 4 * 8 * 30]


@pytest.mark.parametrize(
    ("forcing", "share"), [(("sentences", 0.25), 0.25), (("tokens", 0.25), 1), (("tokens", 0.0), 0)]
)
def test_what_is_predicted_to_be_fed_is_counted_too(forcing, share):
    model = make_model()
    once = count_operations(model, [5, 3], [4, 2], training=False)
    model.teacher_forcing = TeacherForcingSettings(*forcing)
    counted = count_operations(model, [5, 3], [4, 2])
    assert counted == pytest.approx([(3 + share) * part for part in once])
    assert count_operations(model, [5, 3], [4, 2], training=False) == once
