"""A model as two graphs: the encoder with all that is done once per source, and one step of the decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2seq.export import bridge, cells
from seq2seq.export.attention import arrays, score_of
from seq2seq.export.graph import BOOL, FLOAT, INT32, INT64, Graph
from seq2seq.models import Decoder, Encoder, Seq2Seq
from seq2seq.runtime.graphs import NEXT
from seq2seq.text.special_ids import END, PAD

_FEW = 1024  # fewer logits are sorted whole
_BLOCKS = (64, 50, 80, 40, 100, 32)  # logits per block: the first of these that divides the vocabulary


class Graphs(NamedTuple):
    """What is written of a model.

    Attributes:
        encoder: From `source` to the memory and to the first state.
        step: From `tokens`, state and memory to `logits`, what a search needs of them, and the state after.
        state: The names of the parts of the state.
        memory: The names of what the steps read and what never changes for a source.
    """

    encoder: Any
    step: Any
    state: list[str]
    memory: list[str]


def write_graphs(model: Seq2Seq, half: bool = False) -> Graphs:
    """Write a model.

    Args:
        model: The model.
        half: Whether weights are kept in float16.

    Raises:
        ValueError: A part of the model is none of the toolkit's.
    """
    for part, known in ((model.encoder, Encoder), (model.decoder, Decoder)):
        if type(part) is not known:
            raise ValueError(
                f"ONNX knows the {known.__name__.lower()} of the toolkit only. "
                f"Received: {known.__name__.lower()}={type(part).__name__}. Export a model with {known.__name__}."
            )
    decoder = model.decoder
    state = [f"layer{layer}.{part}" for layer in range(len(decoder.units)) for part in decoder.stack.cell.part_names]
    state += ["feed"] if decoder.input_feeding else []
    memory = [] if decoder.attention is None else ["values", "keys", "mask"]
    return Graphs(_encoder(model, half, state), _step(model, half, state), state, memory)


def _widths(decoder: Any, state: Sequence[str]) -> list[int]:
    widths = [width for width in decoder.units for _ in decoder.stack.cell.part_names]
    return [*widths, *[decoder.units[-1]] * (len(state) - len(widths))]


def _encoder(model: Seq2Seq, half: bool, names: Sequence[str]) -> Any:
    encoder, decoder, graph = model.encoder, model.decoder, Graph("encoder", half)
    source = graph.input("source", INT64, ["batch", "source_time"])
    mask = graph.add("Not", graph.add("Equal", source, graph.constant(PAD, np.int64)))
    axis = graph.constant([1], np.int64)
    lengths = graph.add("ReduceSum", graph.add("Cast", mask, to=INT32), axis, keepdims=0)
    # What is turned round: everything before `</s>`, and one token of its own is as before.
    words = graph.add("Sub", graph.add("Cast", lengths, to=INT64), graph.constant(1, np.int64))
    words = graph.add("Max", words, graph.constant(1, np.int64))
    read = graph.add("ReverseSequence", source, words, batch_axis=0, time_axis=1) if encoder.reverse else source
    (table,) = arrays(encoder.embedding)
    outputs = graph.add("Gather", graph.constant(table), graph.add("Transpose", read, perm=[1, 0]))
    time_mask = graph.add("Unsqueeze", graph.add("Transpose", mask, perm=[1, 0]), graph.constant([2], np.int64))
    ends, stack = [], encoder.stack
    for place, pair in enumerate(zip(stack.forward_layers, stack.backward_layers, strict=True)):
        layers = [cells.weights_of(layer) for layer in pair if layer is not None]
        given, (outputs, end) = outputs, cells.sequence(graph, layers, outputs, time_mask, lengths)
        outputs = graph.add("Add", outputs, given) if stack.has_residual(place) else outputs
        ends.append(end)
    if encoder.reverse:
        outputs = graph.add("ReverseSequence", outputs, words, batch_axis=1, time_axis=0)
    memory = graph.add("Transpose", outputs, perm=[1, 0, 2])

    begin = [part for layer in bridge.starts(graph, model.bridge, memory, mask, ends) for part in layer]
    begin += [bridge.zeros(graph, source, decoder.units[-1])] * decoder.input_feeding
    for name, value, width in zip(names, begin, _widths(decoder, names), strict=True):
        graph.output(name, value, FLOAT, ["batch", width])
    if decoder.attention is not None:
        score = score_of(decoder.attention)
        (combine,) = arrays(decoder.combine)
        values = graph.add("MatMul", memory, graph.constant(combine[: decoder.memory_units]))
        graph.output("values", values, FLOAT, ["batch", "source_time", decoder.units[-1]])
        keys = score.keys(graph, memory, arrays(decoder.attention))
        graph.output("keys", keys, FLOAT, _key_shape(decoder))
        graph.output("mask", mask, BOOL, ["batch", "source_time"])
    return graph.model()


def _key_shape(decoder: Any) -> list[int | str]:
    width = decoder.units[-1]
    turned = score_of(decoder.attention).turned
    return ["batch", width, "source_time"] if turned else ["batch", "source_time", width]


def _step(model: Seq2Seq, half: bool, names: Sequence[str]) -> Any:
    decoder, graph = model.decoder, Graph("step", half)
    tokens = graph.input("tokens", INT64, ["rows"])
    count = graph.input("count", INT64, [1])
    widths = _widths(decoder, names)
    state = [graph.input(name, FLOAT, ["rows", width]) for name, width in zip(names, widths, strict=True)]
    (table,) = arrays(decoder.embedding)
    embeddings = graph.constant(table)
    outputs = graph.add("Gather", embeddings, tokens)
    if decoder.input_feeding:
        outputs = graph.beside(outputs, state[-1])
    parts, after = len(decoder.stack.cell.part_names), []
    for place, layer in enumerate(decoder.stack.forward_layers):
        before = state[place * parts : (place + 1) * parts]
        end = cells.step(graph, cells.weights_of(layer), outputs, before)
        outputs = graph.add("Add", end[0], outputs) if decoder.stack.has_residual(place) else end[0]
        after += end
    if decoder.attention is not None:
        outputs, looked = _look(graph, decoder, outputs)
        graph.output("attention", looked, FLOAT, ["rows", "source_time"])
    after += [outputs] * decoder.input_feeding
    for name, value, width in zip(names, after, widths, strict=True):
        graph.output(name + NEXT, value, FLOAT, ["rows", width])
    if decoder.readout is not None:
        outputs = graph.add("MatMul", outputs, graph.constant(arrays(decoder.readout)[0]))
    if decoder.logits is None:
        logits = graph.add("Gemm", outputs, embeddings, graph.constant(np.asarray(decoder.bias)), transB=1)
    else:
        logits = graph.add("Gemm", outputs, *map(graph.constant, arrays(decoder.logits)))
    graph.output("logits", logits, FLOAT, ["rows", decoder.vocab_size])
    # The best tokens, of equal ones the first; and the sum, which logit and probability of the best one tell.
    best, places = best_of_row(graph, logits, count, decoder.vocab_size)
    first = graph.constant([0], np.int64)
    probability = graph.add(
        "GatherElements", graph.add("Softmax", logits, axis=-1), graph.add("Gather", places, first, axis=1), axis=1
    )
    total = graph.add("Sub", graph.add("Gather", best, first, axis=1), graph.add("Log", probability))
    graph.output("best", best, FLOAT, ["rows", "count"])
    graph.output("places", places, INT64, ["rows", "count"])
    graph.output("total", total, FLOAT, ["rows", 1])
    graph.output("end", graph.add("Gather", logits, graph.constant([END], np.int64), axis=1), FLOAT, ["rows", 1])
    return graph.model()


def best_of_row(graph: Graph, logits: str, count: str, vocab: int) -> tuple[str, str]:
    """The best logits of each row and their places, best first, of equal ones the first, `[rows, count]`.

    As `seq2seq.search.top_k` does: onnxruntime finds the greatest of a block many values at a time, and sorts value by
    value. The best lie in as many blocks. A vocabulary that no size of a block divides is sorted whole.
    """
    width = next((width for width in _BLOCKS if vocab % width == 0), 0)
    if vocab < _FEW or not width:
        best, places = graph.several("TopK", 2, logits, count, axis=-1)
        return best, places
    blocks = vocab // width
    apart = graph.add("Reshape", logits, graph.constant([0, blocks, width], np.int64))
    several = graph.add("Min", count, graph.constant([blocks], np.int64))
    _, found = graph.several("TopK", 2, graph.add("ReduceMax", apart, axes=[2], keepdims=0), several, axis=-1)
    # In their order, so that of equal values the first is found.
    found, _ = graph.several("TopK", 2, found, several, axis=-1, largest=0)
    kept = graph.add(
        "GatherND", apart, graph.add("Unsqueeze", found, graph.constant([2], np.int64)), batch_dims=1
    )  # fmt: skip
    kept = graph.add("Reshape", kept, graph.constant([0, -1], np.int64))
    best, within = graph.several("TopK", 2, kept, count, axis=-1)
    each = graph.constant([width], np.int64)
    block = graph.add("GatherElements", found, graph.add("Div", within, each), axis=1)
    return best, graph.add("Add", graph.add("Mul", block, each), graph.add("Mod", within, each))


def _look(graph: Graph, decoder: Any, hidden: str) -> tuple[str, str]:
    """The attentional vectors for outputs `[rows, units]`, and the attention `[rows, source_time]`."""
    width = decoder.units[-1]
    values = graph.input("values", FLOAT, ["batch", "source_time", width])
    keys = graph.input("keys", FLOAT, _key_shape(decoder))
    mask = graph.input("mask", BOOL, ["batch", "source_time"])
    queries = graph.add(
        "Reshape", hidden,
        graph.add("Concat", graph.size(mask, 0), graph.constant([-1, width], np.int64), axis=0),
    )  # fmt: skip
    scores = score_of(decoder.attention).compare(graph, queries, keys, arrays(decoder.attention))
    real = graph.add("Unsqueeze", mask, graph.constant([1], np.int64))
    weights = graph.add("Softmax", graph.add("Where", real, scores, graph.constant(-1e9)), axis=-1)
    context = graph.add("Reshape", graph.add("MatMul", weights, values), graph.constant([-1, width], np.int64))
    (combine,) = arrays(decoder.combine)
    combined = graph.add("MatMul", hidden, graph.constant(combine[decoder.memory_units :]))
    outputs = graph.add("Tanh", graph.add("Add", combined, context))
    flat = graph.add("Concat", graph.constant([-1], np.int64), graph.size(mask, 1), axis=0)
    return outputs, graph.add("Reshape", weights, flat)
