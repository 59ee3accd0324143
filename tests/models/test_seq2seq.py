"""The whole model: a real Keras model whose training pass and decoding steps are the same function."""

import copy
import itertools
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.layers import Attention, StackedLSTM, StateBridge
from seq2seq.layers.scores import SCORES
from seq2seq.models import Decoder, Encoder, Seq2Seq
from seq2seq.search import Beam
from tests import reference
from tests.marks import quick

SOURCE = np.array([[5, 6, 7, 2], [8, 2, 0, 0]])
TARGET_IN = np.array([[1, 4, 5], [1, 6, 0]])
TARGET_OUT = np.array([[4, 5, 2], [6, 2, 0]])
INPUTS = {"source": SOURCE, "target_in": TARGET_IN}

DECODERS = [
    {"attention": None},
    *({"attention": score} for score in SCORES),
    {"attention": "general", "input_feeding": True},
    {"attention": "additive", "input_feeding": True, "residual_from": 1, "tie_embeddings": True},
]


def small_model(label_smoothing=0.0, share=False, **decoder):
    dropout = {"dropout": 0.1, "embedding_dropout": 0.1}
    return Seq2Seq(
        Encoder(12, 4, [6, 3], "first", **dropout),
        StateBridge([6, 6], directions="concat"),
        Decoder(12, 4, [6, 6], **{**dropout, "output_dropout": 0.1, **decoder}),
        label_smoothing,
        share,
    )


def model_with_dot_widths(**decoder):
    """Like small_model, with a memory as wide as the decoder, which dot attention needs."""
    return Seq2Seq(Encoder(12, 4, [6, 3], "all"), StateBridge([6, 6]), Decoder(12, 4, [6, 6], **decoder))


def repeated(count):
    return tf.data.Dataset.from_tensors((INPUTS, TARGET_OUT)).repeat(count)


@pytest.mark.parametrize("decoder", DECODERS)
def test_step_by_step_equals_the_whole_target(decoder):
    model = model_with_dot_widths(**decoder)
    logits = model(INPUTS)
    encoded = model.encoder(SOURCE)
    memory, state = model.decoder.prepare(encoded), model.decoder.start(model.bridge(encoded))
    for time in range(3):
        outputs, state, _ = model.decoder.step(TARGET_IN[:, time], state, memory)
        real = TARGET_IN[:, time] != 0
        np.testing.assert_allclose(model.decoder.project(outputs)[real], logits[:, time][real], atol=1e-5)


@pytest.mark.parametrize("decoder", DECODERS)
def test_padding_changes_nothing(decoder):
    model = model_with_dot_widths(**decoder)
    padded = model({name: np.pad(ids, [(0, 0), (0, 2)]) for name, ids in INPUTS.items()})
    alone = model({"source": SOURCE[1:, :2], "target_in": TARGET_IN[1:, :2]})
    np.testing.assert_allclose(padded[1, :2], alone[0], atol=1e-5)
    short = model.totals(INPUTS, TARGET_OUT)
    long = model.totals(
        {name: np.pad(ids, [(0, 0), (0, 2)]) for name, ids in INPUTS.items()}, np.pad(TARGET_OUT, [(0, 0), (0, 2)])
    )
    np.testing.assert_allclose(short, long, rtol=1e-5)


@pytest.mark.parametrize("decoder", DECODERS)
def test_beams_read_the_memory_of_their_sentence(decoder):
    model = model_with_dot_widths(**decoder)
    encoded = model.encoder(SOURCE)
    memory, start = model.decoder.prepare(encoded), model.decoder.start(model.bridge(encoded))
    beams = tf.nest.map_structure(lambda part: tf.repeat(part, 3, axis=0), start)
    outputs, *_ = model.decoder.step(np.repeat([4, 5], 3), beams, memory)
    alone, *_ = model.decoder.step(np.array([4, 5]), start, memory)
    np.testing.assert_allclose(outputs, np.repeat(alone, 3, axis=0), atol=1e-6)


def test_totals_are_sums_over_real_tokens():
    model = small_model(label_smoothing=0.1, attention="general")
    totals = model.totals(INPUTS, TARGET_OUT)
    log_probs = reference.log_softmax(np.asarray(model(INPUTS)))
    real = TARGET_OUT != 0
    right = np.take_along_axis(log_probs, TARGET_OUT[..., None], axis=2)[..., 0]
    np.testing.assert_allclose(totals.tokens, 5)
    np.testing.assert_allclose(totals.nats, -right[real].sum(), rtol=1e-5)
    np.testing.assert_allclose(totals.loss, -(0.9 * right + 0.1 * log_probs.mean(2))[real].sum(), rtol=1e-5)
    np.testing.assert_allclose(totals.correct, (log_probs.argmax(2) == TARGET_OUT)[real].sum())


@pytest.mark.parametrize("kind", quick(["int32", "uint8", "int8", "uint16", "uint64"], "uint8"))
def test_ids_may_be_whole_numbers_of_any_size(kind):
    model = small_model(attention="general")
    model.compile(optimizer="adam")
    given = {name: ids.astype(kind) for name, ids in INPUTS.items()}
    logs = model.evaluate(given, TARGET_OUT.astype(kind), verbose=0, return_dict=True)
    assert logs == model.evaluate(INPUTS, TARGET_OUT, verbose=0, return_dict=True)
    np.testing.assert_allclose(
        model.train_on_batch(given, TARGET_OUT.astype(kind), return_dict=True)["loss"], logs["loss"], rtol=0.5
    )


def test_evaluate_reports_means_over_tokens_of_all_batches():
    model = small_model(attention="general")
    model.compile(optimizer="adam")
    rows = [({"source": SOURCE[i : i + 1], "target_in": TARGET_IN[i : i + 1]}, TARGET_OUT[i : i + 1]) for i in range(2)]
    signature = tf.nest.map_structure(lambda x: tf.TensorSpec((None, None), x.dtype), rows[0])
    data = tf.data.Dataset.from_generator(lambda: rows, output_signature=signature)
    data = data.apply(tf.data.experimental.assert_cardinality(2))
    logs = model.evaluate(data, verbose=0, return_dict=True)
    totals = model.totals(INPUTS, TARGET_OUT)
    np.testing.assert_allclose(logs["loss"], totals.loss / totals.tokens, rtol=1e-5)
    np.testing.assert_allclose(logs["perplexity"], np.exp(totals.nats / totals.tokens), rtol=1e-5)
    np.testing.assert_allclose(logs["accuracy"], totals.correct / totals.tokens, rtol=1e-5)
    assert dict(zip(model.metrics_names, model.evaluate(data, verbose=0), strict=True)) == logs


@pytest.mark.parametrize("decoder", quick(DECODERS, DECODERS[1]))
def test_fits_saves_and_loads(decoder, tmp_path):
    model = model_with_dot_widths(**decoder)
    model.compile(optimizer=keras.optimizers.Adam(3e-2))
    history = model.fit(repeated(20), epochs=2, verbose=0, shuffle=False).history
    assert history["loss"][1] < history["loss"][0]
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again(INPUTS), model(INPUTS), atol=1e-6)
    assert model.optimizer.iterations == again.optimizer.iterations


def test_is_not_quantized_in_place():
    model = small_model(attention="general")
    with pytest.raises(ValueError, match=r"read weights in floats\. Received: quantize of .*seq2seq export MODEL"):
        model.quantize("int8")
    model.decoder.logits.quantize("int8")
    with pytest.raises(ValueError, match=r"Received: a layer 'logits' quantized to int8\. Take the model"):
        model.score(INPUTS, TARGET_OUT)


def test_searches_and_scores_with_weights_that_a_layer_got_later():
    model = small_model(attention="general")
    before = model.decode(SOURCE).scores, model.score(INPUTS, TARGET_OUT)
    model.decoder.logits.enable_lora(2)
    wide = model.decoder.logits.lora_kernel_b
    wide.assign(keras.random.normal(wide.shape, stddev=9.0, seed=1))
    logits = np.asarray(model(INPUTS))
    expected = np.take_along_axis(reference.log_softmax(logits), TARGET_OUT[..., None], axis=2)[..., 0]
    np.testing.assert_allclose(model.score(INPUTS, TARGET_OUT), expected * (TARGET_OUT != 0), atol=1e-5)
    after = model.decode(SOURCE).scores, model.score(INPUTS, TARGET_OUT)
    assert all(np.abs(new - old).max() > 0.1 for new, old in zip(after, before, strict=True))


def test_shared_embeddings_are_one_weight_after_loading(tmp_path):
    model = small_model(share=True, tie_embeddings=True, attention="additive")
    assert sum(weight.shape == (12, 4) for weight in model.weights) == 1
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.encoder.embedding is again.decoder.embedding
    np.testing.assert_allclose(again(INPUTS), model(INPUTS), atol=1e-6)


def test_every_gradient_reaches_its_weight():
    model = small_model(attention="additive", input_feeding=True)
    with tf.GradientTape() as tape:
        loss = model.totals(INPUTS, TARGET_OUT).loss
    for weight, gradient in zip(model.trainable_weights, tape.gradient(loss, model.trainable_weights), strict=True):
        assert gradient is not None and np.any(tf.convert_to_tensor(gradient)), weight.path


def stock_states(passing, ends):
    """The initial states of two decoder layers of 5, from the final states of two encoder layers, in plain Keras."""
    zeros = [keras.ops.zeros_like(state) for state in ends[0]]
    side_by_side = [keras.ops.concatenate(parts, axis=-1) for parts in zip(*ends, strict=True)]
    return {
        "first decoder layer from the last encoder layer": lambda: [ends[1], zeros],
        "every decoder layer from the last encoder layer": lambda: [ends[1], ends[1]],
        "each from its own level": lambda: [ends[0], ends[1]],
        "all layers concatenated": lambda: [
            [keras.layers.Dense(5)(state) for state in side_by_side],
            [keras.layers.Dense(5)(state) for state in side_by_side],
        ],
    }[passing]()


def stock_model(passing):
    """What readers of stacked-LSTM tutorials write by hand: two stock layers on each side, states passed one way."""
    source, target_in = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    read, ends = keras.layers.Embedding(12, 4)(source), []
    for _ in range(2):
        read, *end = keras.layers.LSTM(5, return_sequences=True, return_state=True)(
            read, mask=keras.ops.not_equal(source, 0)
        )
        ends.append(end)
    written = keras.layers.Embedding(12, 4)(target_in)
    for state in stock_states(passing, ends):
        written = keras.layers.LSTM(5, return_sequences=True)(written, initial_state=state)
    return keras.Model([source, target_in], keras.layers.Dense(12)(written))


def same_weights(ours, stock):
    """Pairs of our layers and stock ones, with our weights copied into the stock ones."""
    embeddings = [layer for layer in stock.layers if isinstance(layer, keras.layers.Embedding)]
    encoder_lstms, decoder_lstms = [], []
    for layer in stock.layers:
        if isinstance(layer, keras.layers.LSTM):
            (encoder_lstms if layer.return_state else decoder_lstms).append(layer)
    *projections, logits = [layer for layer in stock.layers if isinstance(layer, keras.layers.Dense)]
    # In the order in which they were made.
    number = lambda layer: int(layer.name.rpartition("_")[2]) if layer.name[-1].isdigit() else 0  # noqa: E731
    pairs = [
        (ours.encoder.embedding, ours.decoder.embedding, *ours.encoder.stack.forward_layers),
        (*ours.decoder.stack.forward_layers, *ours.bridge.projections.values(), ours.decoder.logits),
    ]
    source_embedding, target_embedding = sorted(embeddings, key=number)
    theirs = [
        (source_embedding, target_embedding, *sorted(encoder_lstms, key=number)),
        (*sorted(decoder_lstms, key=number), *sorted(projections, key=number), logits),
    ]
    pairs = list(zip(sum(pairs, ()), sum(theirs, ()), strict=True))
    for mine, other in pairs:
        other.set_weights(mine.get_weights())
    return pairs


@pytest.mark.parametrize(
    ("passing", "settings"),
    quick(
        [
            ("first decoder layer from the last encoder layer", {"mode": "last_layer", "to": "first"}),
            ("every decoder layer from the last encoder layer", {"mode": "last_layer"}),
            ("each from its own level", {"mode": "per_layer"}),
            ("all layers concatenated", {"mode": "concatenated"}),
        ],
        ("each from its own level", {"mode": "per_layer"}),
    ),
)
def test_equals_a_hand_written_keras_model(passing, settings):
    """Logits, the loss and its scale, and the update of every weight."""
    ours = Seq2Seq(Encoder(12, 4, [5, 5]), StateBridge([5, 5], **settings), Decoder(12, 4, [5, 5]))
    stock = stock_model(passing)
    pairs = same_weights(ours, stock)
    real = TARGET_IN != 0
    np.testing.assert_allclose(ours(INPUTS)[real], stock([SOURCE, TARGET_IN])[real], atol=1e-6)
    ours.compile(optimizer=keras.optimizers.SGD(0.5))
    ours.train_on_batch(INPUTS, TARGET_OUT)
    with tf.GradientTape() as tape:
        logits = stock([SOURCE, TARGET_IN])
        losses = keras.losses.sparse_categorical_crossentropy(TARGET_OUT, logits, from_logits=True)
        loss = tf.reduce_sum(losses * (TARGET_OUT != 0)) / 5
    gradients = tape.gradient(loss, stock.trainable_weights)
    for weight, gradient in zip(stock.trainable_weights, gradients, strict=True):
        weight.assign_sub(0.5 * tf.convert_to_tensor(gradient))
    for mine, theirs in pairs:
        for weight, expected in zip(mine.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_allclose(weight, expected, atol=1e-6)


TWO_REPLICAS = """
import keras, numpy as np, tensorflow as tf
from seq2seq.layers import StateBridge
from seq2seq.models import Decoder, Encoder, Seq2Seq

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
source, target_in = np.array([[5, 6, 7, 2], [8, 2, 0, 0]]), np.array([[1, 4, 5], [1, 6, 0]])
rows = ({"source": source, "target_in": target_in}, np.array([[4, 5, 2], [6, 2, 0]]))
weights = []
for strategy in (tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = Seq2Seq(Encoder(12, 4, [5]), StateBridge([5]), Decoder(12, 4, [5], attention="general"))
        model.compile(optimizer=keras.optimizers.SGD(0.5))
    model.fit(tf.data.Dataset.from_tensor_slices(rows).batch(2), epochs=2, verbose=0, shuffle=False)
    weights.append(model.get_weights())
print(max(float(np.abs(one - two).max()) for one, two in zip(*weights, strict=True)))
"""


@pytest.mark.slow
def test_the_loss_is_per_token_of_the_global_batch_on_two_replicas():
    """Sentences of unequal length on two replicas: a mean of means would give other weights."""
    done = subprocess.run([sys.executable, "-c", TWO_REPLICAS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1e-6


@pytest.mark.slow
def test_functional_model_around_our_layers(tmp_path):
    source, target_in = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    encoded = Encoder(12, 4, [6, 3], "first")(source)
    state = StateBridge([5, 4], "concatenated")(encoded)
    logits, _ = Decoder(12, 4, [5, 4], attention="general", input_feeding=True)(target_in, state, encoded)
    model = keras.Model([source, target_in], StackedLSTM([12], return_sequences=True)(logits))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit([SOURCE, TARGET_IN], TARGET_OUT, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again([SOURCE, TARGET_IN]), model([SOURCE, TARGET_IN]), atol=1e-6)


@pytest.mark.slow
def test_decode_finds_what_was_learnt():
    keras.utils.set_random_seed(0)
    model = small_model(attention="general", dropout=0.0, embedding_dropout=0.0, output_dropout=0.0)
    model.compile(optimizer=keras.optimizers.Adam(3e-2))
    model.fit(repeated(150), verbose=0, shuffle=False)
    for beam_size in (1, 3):
        found = model.decode(SOURCE, max_length=5, search=Beam(beam_size))
        np.testing.assert_array_equal(found.tokens[:, 0, :3], TARGET_OUT)


@pytest.mark.parametrize(("beam_size", "length_penalty"), quick([(1, 0.7), (4, 0.0), (4, 0.7)], (4, 0.7)))
def test_scores_of_the_search_are_the_models_own(beam_size, length_penalty):
    model = small_model(attention="additive", input_feeding=True)
    found = model.decode(SOURCE, [6, 4], Beam(beam_size, n_best=beam_size, length_penalty=length_penalty))
    for row, place in itertools.product(range(2), range(beam_size)):
        tokens = np.asarray(found.tokens)[row, place]
        target_out = tokens[: np.flatnonzero(tokens == 2)[0] + 1][None]
        target_in = np.concatenate([[[1]], target_out[:, :-1]], axis=1)
        totals = model.totals({"source": SOURCE[row : row + 1], "target_in": target_in}, target_out)
        expected = -totals.nats / totals.tokens**length_penalty
        np.testing.assert_allclose(found.scores[row, place], expected, rtol=1e-4)


bridges = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["per_layer", "last_layer", "concatenated", "mean", "learned", "zero", "table"]),
        "to": st.sampled_from(["all", "first"]),
        "directions": st.sampled_from(["concat", "sum", "mean", "forward", "backward"]),
        "merge": st.sampled_from(["concat", "sum", "mean"]),
        "states": st.sampled_from(["both", "hidden", "cell"]),
        "project": st.sampled_from(["auto", "always", "never"]),
        "align": st.sampled_from(["none", "bottom", "top", "spread"]),
    }
)
# The whole list of combinations that may be refused, by their messages.
REFUSALS = "|".join(
    [
        "both need the same depth",
        "project='never'",
        "A routing table says itself where states go",
        "align says which layer is level with which",
        "concatenated puts all encoder layers side by side",
        "the decoder would never see the source",
        "Nothing would be passed",
    ]
)


@pytest.mark.slow
# A backward direction that nothing reads has no gradient, and Keras says so.
@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@settings(max_examples=25)
@given(
    encoder=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    decoder=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    reading=st.sampled_from(["never", "first", "all", "reverse"]),
    bridge=bridges,
    attention=st.sampled_from([None, "general", "additive"]),
)
def test_any_shape_trains_a_step_or_is_refused_in_words(encoder, decoder, reading, bridge, attention):
    options = {"reverse": True} if reading == "reverse" else {"bidirectional": reading}
    table = [[0, -1] if len(encoder) > 1 and layer % 2 else [-1] for layer in range(len(decoder))]
    bridge = {**bridge, "mode": table if bridge["mode"] == "table" else bridge["mode"]}
    try:
        model = Seq2Seq(
            Encoder(12, 4, encoder, **options),
            StateBridge(decoder, **bridge),
            Decoder(12, 4, decoder, attention=attention),
        )
    except ValueError as error:
        assert re.search(REFUSALS, str(error)), error
        return
    before = model.get_weights()
    model.compile(optimizer="adam", run_eagerly=True)
    logs = model.train_on_batch(INPUTS, TARGET_OUT, return_dict=True)
    assert np.isfinite(logs["loss"])
    assert any((new != old).any() for new, old in zip(model.get_weights(), before, strict=True))


@pytest.mark.parametrize(
    ("reading", "bridge"),
    quick(
        [
            ({"reverse": True}, {"mode": [[0], [-1, 0], []], "merge": "sum"}),
            ({"bidirectional": "first"}, {"mode": "concatenated"}),
        ]
    ),
)
@pytest.mark.slow
def test_unequal_depths_and_widths_train_in_a_graph(reading, bridge):
    model = Seq2Seq(
        Encoder(12, 4, [3, 2], **reading),
        StateBridge([4, 2, 3], **bridge),
        Decoder(12, 4, [4, 2, 3], attention="general"),
    )
    model.compile(optimizer=keras.optimizers.Adam(1e-2))
    losses = model.fit(repeated(4), epochs=2, verbose=0, shuffle=False).history["loss"]
    assert losses[1] < losses[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "mse"}, "Received: loss='mse'. Leave them out"),
        ({"metrics": ["accuracy"]}, r"Received: metrics=\['accuracy'\]"),
        ({"optimizer": keras.optimizers.SGD(gradient_accumulation_steps=2)}, "gradient_accumulation_steps=2"),
        (
            {"optimizer": keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(gradient_accumulation_steps=3))},
            "gradient_accumulation_steps=3",
        ),
        ({"jit_compile": True}, "whose number XLA cannot know.* Received: jit_compile=True. Leave it out"),
    ],
)
def test_refuses_to_compile_what_it_would_ignore(arguments, message):
    with pytest.raises(ValueError, match=message):
        small_model(attention="general").compile(**arguments)


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (
            [INPUTS["source"], INPUTS["target_in"]],
            TARGET_OUT,
            r'of 2\. Write {"source": source, "target_in": target_in}',
        ),
        ({"source": INPUTS["source"]}, TARGET_OUT, r"Received: a dict of 'source'\. Write"),
        (INPUTS, None, r"A loss needs the targets.*Received: y=None"),
        (INPUTS, {"target_out": TARGET_OUT}, r"Targets are ids alone.*Received: a dict of 'target_out'\. Write fit"),
        (INPUTS, tf.cast(TARGET_OUT, "float32"), r"target_out holds ids.*dtype float32"),
        (INPUTS | {"target_in": tf.cast(INPUTS["target_in"], "float32")}, TARGET_OUT, "target_in holds ids"),
        (INPUTS, TARGET_OUT[:, :2], r"target_in \(2, \d\), target_out \(2, 2\)\. Let target_in start"),
        (INPUTS, tf.pad(TARGET_OUT, [[0, 0], [0, 2]]), r"target_out \(2, 5\)\. Let target_in start"),
    ],
)
def test_refuses_to_fit_what_it_cannot_read(inputs, targets, message):
    model = small_model(attention="general")
    model.compile(optimizer="sgd", run_eagerly=True)
    with pytest.raises(ValueError, match=message):
        model.fit(inputs, targets, verbose=0)


def test_refuses_to_fit_with_losses_that_it_would_leave_out():
    model = small_model(attention="general")
    model.decoder.embedding.embeddings.regularizer = keras.regularizers.L2()
    model.compile(optimizer="sgd", run_eagerly=True)
    with pytest.raises(ValueError, match=r"Received: a model that adds 1 loss\. Take weight decay"):
        model.fit(INPUTS, TARGET_OUT, verbose=0)


def test_refuses_to_read_without_names():
    model = small_model(attention="general")
    for read in (model, model.attention_weights):
        with pytest.raises(ValueError, match="a list of 2"):
            read([INPUTS["source"], INPUTS["target_in"]])


def test_parts_are_copied_before_they_are_built():
    for part in (Encoder(9, 4, [5]), StateBridge([4, 4]), Decoder(9, 4, [5])):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(part))
        assert not again.built and again.get_config() == part.get_config() == copy.deepcopy(part).get_config()


def test_refuses_the_class_of_an_attention():
    with pytest.raises(ValueError, match=r"Received: attention=Attention\. Write Attention\(\)"):
        Decoder(9, 4, [3], attention=Attention)


def test_refuses_sample_weights():
    model = small_model(attention="general")
    model.compile(optimizer="sgd", run_eagerly=True)
    with pytest.raises(ValueError, match=r"Received: sample_weight of shape \(2,\)"):
        model.fit(INPUTS, TARGET_OUT, sample_weight=np.ones(2), verbose=0)


@pytest.mark.slow
def test_many_settings_of_search_do_not_warn_of_retracing(caplog):
    model = small_model(attention="general")
    for beam_size in range(1, 8):
        model.decode(SOURCE, 3, Beam(beam_size))
    assert "retracing" not in caplog.text


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((Encoder(9, 4, [3]), StateBridge([3]), Decoder(9, 4, [4])), r"bridge.units=\[3\], decoder.units=\[4\]"),
        ((Encoder(9, 4, [3]), StateBridge([3], "zero"), Decoder(9, 4, [3])), "attention=None, bridge mode='zero'"),
        ((Encoder(9, 4, [3]), StateBridge([3], [[]]), Decoder(9, 4, [3])), "would never see the source"),
        ((Encoder(9, 4, [3, 3]), StateBridge([3]), Decoder(9, 4, [3])), "encoder depth=2, decoder depth=1"),
        (
            (Encoder(9, 4, [3]), StateBridge([4]), Decoder(9, 4, [4], attention="dot")),
            "decoder width=4, memory width=3",
        ),
    ],
)
def test_refuses_parts_that_do_not_fit(parts, message):
    with pytest.raises(ValueError, match=message):
        Seq2Seq(*parts)


@pytest.mark.parametrize(
    ("parts", "received"),
    [
        ((Decoder(9, 4, [3]), StateBridge([3]), Encoder(9, 4, [3])), "Decoder, StateBridge, Encoder"),
        ((keras.layers.LSTM(3), StateBridge([3]), Decoder(9, 4, [3])), "LSTM, StateBridge, Decoder"),
        ((Encoder(9, 4, [3]), [3], Decoder(9, 4, [3])), "Encoder, list, Decoder"),
    ],
)
def test_refuses_what_are_no_parts(parts, received):
    with pytest.raises(TypeError, match=f"in this order. Received: {received}"):
        Seq2Seq(*parts)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (SOURCE[0], r"source holds ids, .*\[batch, time\]"),
        (np.array(SOURCE) + 0.5, r"source holds ids.*dtype float"),
        ([["a", "b"]], "dtype string"),
    ],
)
def test_refuses_to_decode_what_are_no_ids(source, message):
    with pytest.raises(ValueError, match=message):
        small_model(attention="general").decode(source)


def test_refuses_sharing_unequal_embeddings():
    with pytest.raises(ValueError, match="one vocabulary and one width"):
        Seq2Seq(Encoder(9, 4, [3]), StateBridge([3]), Decoder(8, 4, [3]), share_embeddings=True)


def test_refuses_input_feeding_without_attention():
    with pytest.raises(ValueError, match="input_feeding=True, attention=None"):
        Decoder(9, 4, [3], input_feeding=True)
