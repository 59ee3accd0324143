"""Every part of a model in ONNX equals it in Keras, step by step."""

from itertools import product

import numpy as np
import pytest

pytest.importorskip("onnx", reason="exporting needs onnx: pip install 'seq2seq[export]'")
pytest.importorskip("onnxruntime", reason="exporting needs onnxruntime: pip install 'seq2seq[export]'")

import onnxruntime

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge
from seq2seq.export.attention import SCORES as WRITTEN_SCORES
from seq2seq.export.bridge import _STARTS
from seq2seq.export.cells import STEPS
from seq2seq.export.graph import FLOAT, INT64, OPSET, Graph
from seq2seq.export.graphs import best_of_row, write_graphs
from seq2seq.layers import CELLS, Attention
from seq2seq.layers.bridge import DIRECTIONS
from seq2seq.layers.cells.lstm import LSTMCell
from seq2seq.layers.routes import MODES
from seq2seq.layers.scores import SCORES
from seq2seq.layers.starts import Start
from seq2seq.runtime.graphs import Graphs
from tests.export.models import tiny
from tests.marks import quick

VOCAB = 20
SOURCE = np.array([[5, 6, 7, 8, 2], [9, 2, 0, 0, 0], [2, 0, 0, 0, 0], [4, 5, 11, 2, 0]])
TARGET_IN = np.array([[1, 5, 6, 3], [1, 7, 8, 9], [1, 4, 4, 4], [1, 10, 11, 12]])


def run_of(model, half=False):
    graphs = write_graphs(model, half)
    return Graphs(*(graph.SerializeToString() for graph in graphs[:2]), graphs.state, graphs.memory)


def difference(model, half=False):
    """The largest of all logits, both beside each other through whole targets."""
    expected = model({"source": SOURCE, "target_in": TARGET_IN}).numpy()
    run = run_of(model, half)
    state, memory = run.start(SOURCE)
    worst = 0.0
    for time, tokens in enumerate(TARGET_IN.T):
        logits, state = run.logits(tokens, state, memory)
        worst = max(worst, np.abs(logits - expected[:, time]).max())
    return worst


def test_there_is_a_writer_for_every_part():
    assert list(STEPS) == list(CELLS) and set(WRITTEN_SCORES) == set(SCORES)
    assert set(_STARTS) == set(Start.__subclasses__())


# What tests are about: a way of writing that no other case takes. The rest of the product runs when there is time.
KINDS = {
    **{f"{cell}, both ways": {"cell": cell, "encoder": {"bidirectional": "all"}, "units": (3, 3)} for cell in CELLS},
    **{
        f"{score}, {'fed back' if feeding else 'not fed back'}": {
            "decoder": {"attention": score, "input_feeding": feeding}
        }
        for score in SCORES
        for feeding in (False, True)
    },
    **{mode: {"bridge": {"mode": mode}, "decoder": {"attention": "general"}} for mode in MODES},
    "a table": {"bridge": {"mode": [[1], [0, -1]]}},
    **{
        f"directions={join}": {"encoder": {"bidirectional": "all"}, "bridge": {"directions": join}}
        for join in DIRECTIONS
    },
    **{
        f"merge={merge}, {units}": {"bridge": {"mode": [[0, 1], [0]], "merge": merge}, "units": units}
        for merge in ("sum", "mean")
        for units in ((6, 6), (6, 4))
    },
    "a missing part": {"cell": "gru", "decoder_cell": "lstm", "bridge": {"missing": "project"}},
    "relu": {"cell": "lstm", "decoder_cell": "gru", "bridge": {"project": "always", "activation": "relu"}},
    "hidden alone": {"bridge": {"states": "hidden"}},
    "the first alone": {"bridge": {"mode": "last_layer", "to": "first"}},
    "reversed": {"encoder": {"reverse": True}, "decoder": {"attention": "general"}},
    "residual": {"encoder": {"residual_from": 1}, "decoder": {"residual_from": 1}},
    "tied": {"decoder": {"tie_embeddings": True, "attention": "dot"}},
    "tied, one width": {"decoder": {"tie_embeddings": True}, "units": (5,), "decoder_units": (5,)},
}
QUICK = (
    "lstm, both ways",
    "layer_norm_lstm, both ways",
    "coupled_lstm, both ways",
    "additive, fed back",
    "mean",
    "tied",
)


@pytest.mark.parametrize("kind", quick(KINDS, *QUICK))
def test_equals_keras(kind):
    assert difference(tiny(VOCAB, **KINDS[kind])) < 5e-6


# Every seventh: each value of each meets each of every other.
PRODUCT = list(
    product(CELLS, [None, *SCORES], ["forward", "reversed", "both", "first"], ["per_layer", "concatenated", "mean"])
)[::7]


@pytest.mark.slow
@pytest.mark.parametrize(("cell", "score", "direction", "mode"), PRODUCT)
def test_equals_keras_in_any_combination(cell, score, direction, mode):
    encoder = {"reverse": True} if direction == "reversed" else {}
    encoder |= {"bidirectional": {"both": "all", "first": "first"}.get(direction, "never")}
    decoder = {"attention": score, "input_feeding": score is not None}
    model = tiny(VOCAB, encoder, decoder, {"mode": mode}, (3, 3) if direction == "both" else (6, 6), (6, 6), cell)
    assert difference(model) < 5e-6


def test_weights_of_16_bits_are_read_as_32():
    model = tiny(VOCAB, {"bidirectional": "all"}, {"attention": "general"}, units=(3, 3))
    whole, half = (len(write_graphs(model, half).step.SerializeToString()) for half in (False, True))
    assert half < whole and 5e-6 < difference(model, half=True) < 0.05


def _row(parts, row):
    return {name: part[[row]] for name, part in parts.items()}


def test_rows_of_a_sentence_share_its_memory():
    model = tiny(VOCAB, {}, {"attention": "general", "input_feeding": True})
    run = run_of(model)
    state, memory = run.start(SOURCE)
    wide = {name: np.repeat(part, 3, axis=0) for name, part in state.items()}
    tokens = np.arange(12) % 5 + 4
    together, _ = run.logits(tokens, wide, memory)
    for row, logits in enumerate(together):
        alone, _ = run.logits(tokens[[row]], _row(wide, row), _row(memory, row // 3))
        np.testing.assert_allclose(logits, alone[0], atol=1e-5)


def test_a_step_offers_what_a_search_needs():
    run = run_of(tiny(VOCAB))
    state, memory = run.start(SOURCE)
    logits, _ = run.logits(TARGET_IN[:, 0], state, memory)
    offered = run.step(TARGET_IN[:, 0], state, memory, 4)
    np.testing.assert_array_equal(offered.tokens, np.argsort(-logits, axis=1, kind="stable")[:, :4])
    np.testing.assert_allclose(offered.logits, -np.sort(-logits, axis=1)[:, :4])
    np.testing.assert_allclose(offered.total[:, 0], np.logaddexp.reduce(logits, axis=1), rtol=1e-5)
    np.testing.assert_array_equal(offered.end[:, 0], logits[:, 2])
    assert run.step(TARGET_IN[:, 0], state, memory, 99).tokens.shape == (4, VOCAB)


@pytest.mark.parametrize("vocab", [1024, 1050, 1031])  # blocks of 64, of 50, none
def test_the_best_of_many_are_those_of_all(vocab):
    graph = Graph("best")
    logits, count = graph.input("logits", FLOAT, ["rows", vocab]), graph.input("count", INT64, [1])
    best, places = best_of_row(graph, logits, count, vocab)
    graph.output("best", best, FLOAT, ["rows", "count"])
    graph.output("places", places, INT64, ["rows", "count"])
    run = onnxruntime.InferenceSession(graph.model().SerializeToString(), providers=["CPUExecutionProvider"])
    values = np.random.default_rng(vocab).integers(-9, 9, [5, vocab]).astype(np.float32)  # most of them several times
    order = np.argsort(-values, axis=1, kind="stable")
    for wanted in (1, 7, 40, vocab):
        best, places = run.run(["best", "places"], {"logits": values, "count": np.array([wanted])})
        np.testing.assert_array_equal(places, order[:, :wanted])
        np.testing.assert_array_equal(best, np.take_along_axis(values, places, axis=1))


def test_what_is_given_out_twice_or_as_it_came_is_copied():
    graph = Graph("outputs")
    given = graph.input("given", FLOAT, ["rows"])
    twice = graph.add("Add", given, given)
    for name, value in {"first": twice, "second": twice, "same": given}.items():
        graph.output(name, value, FLOAT, ["rows"])
    run = onnxruntime.InferenceSession(graph.model().SerializeToString(), providers=["CPUExecutionProvider"])
    assert [each.tolist() for each in run.run(None, {"given": np.float32([3])})] == [[6], [6], [3]]


def test_what_is_no_number_is_the_least():
    model = tiny(VOCAB)
    bias = model.decoder.logits.bias
    bias.assign(np.where(np.arange(VOCAB) == 5, np.nan, bias.numpy()))
    run = run_of(model)
    state, memory = run.start(SOURCE)
    offered = run.step(TARGET_IN[:, 0], state, memory, VOCAB)
    assert (offered.tokens[:, -1] == 5).all() and np.isfinite(offered.total).all()


def test_uses_operations_of_onnx_alone_and_says_their_version():
    graphs = write_graphs(tiny(VOCAB, {"bidirectional": "all"}, {"attention": "general"}, units=(3, 3)))
    for model in graphs[:2]:
        assert [(one.domain, one.version) for one in model.opset_import] == [("", OPSET)]
        assert {node.domain for node in model.graph.node} == {""}


class OwnAttention(Attention):
    pass


class OwnBridge(StateBridge):
    pass


class OwnCell(LSTMCell):
    name = "own"


class OwnEncoder(Encoder):
    pass


class OwnDecoder(Decoder):
    pass


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"attention": OwnAttention()}, "ONNX knows the attentions of the toolkit only. Received: attention=OwnAtt"),
        ({"bridge": OwnBridge([6])}, "ONNX knows the bridge of the toolkit only. Received: bridge=OwnBridge"),
        ({"cell": OwnCell()}, "ONNX knows the cells of the toolkit only. Received: cell=OwnCell"),
        ({"encoder": OwnEncoder}, "ONNX knows the encoder of the toolkit only. Received: encoder=OwnEncoder"),
        ({"decoder": OwnDecoder}, "ONNX knows the decoder of the toolkit only. Received: decoder=OwnDecoder"),
    ],
)
def test_refuses_parts_that_it_does_not_know(settings, message):
    cell = settings.get("cell", "lstm")
    model = Seq2Seq(
        settings.get("encoder", Encoder)(VOCAB, 5, [6], cell=cell),
        settings.get("bridge") or StateBridge([6], cell=cell),
        settings.get("decoder", Decoder)(VOCAB, 5, [6], attention=settings.get("attention"), cell=cell),
    )
    with pytest.raises(ValueError, match=message):
        write_graphs(model)
