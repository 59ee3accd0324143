import json
from types import SimpleNamespace
from xml.etree import ElementTree

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge, Tokenizer, Translator
from seq2seq.analysis.comparison import Difference
from seq2seq.analysis.probes import Probes, probe
from seq2seq.analysis.probes.alterations import alterations, draw_donors, places
from seq2seq.analysis.probes.forcing import accuracy_by_position
from seq2seq.analysis.probes.page import page
from seq2seq.analysis.probes.passing import Passing
from seq2seq.analysis.probes.probing import StateLoss
from seq2seq.analysis.probes.words import undetected
from seq2seq.metrics import EvaluationSettings
from seq2seq.models import Ensemble
from seq2seq.search import Beam, Greedy, Sample

SOURCES = ["ein Haus", "am See", "der Wald", "ein See", "Haus", "am Wald am See"]
EXACT = EvaluationSettings(metrics=("exact_match",))
TEN = {"max_length_factor": 0.0001}  # the same limit for all: a model that learnt nothing goes on to it
TOKENIZER = Tokenizer.train(["ein Haus", "am See", "der Wald"], kind="char")


def translator(
    bridge: StateBridge | None = None, attention: str | None = None, cell: str = "lstm", **encoder
) -> Translator:
    """Make a model of large weights: an untrained one would say the same to everything."""
    keras.utils.set_random_seed(3)
    size = TOKENIZER.vocab_size
    bridge = StateBridge([8, 8], cell=cell) if bridge is None else bridge
    model = Seq2Seq(
        Encoder(size, 8, **{"units": [8, 8], "cell": cell} | encoder),
        bridge,
        Decoder(size, 8, [8, 8], attention=attention, cell=cell),
    )
    for weight in model.trainable_variables:
        weight.assign(3 * weight)
    return Translator(model, TOKENIZER, TOKENIZER)


@pytest.fixture(scope="module")
def blind() -> Translator:
    """Without attention: what is passed is all that the decoder knows."""
    return translator()


def passing(blind: Translator, search: Greedy | Beam) -> Passing:
    return Passing(blind, TOKENIZER.encode_batch(SOURCES), search, batch_size=4)


@pytest.fixture(scope="module")
def taken(blind) -> Passing:
    """Taken apart where it passes states."""
    return passing(blind, Greedy(**TEN))


@pytest.fixture(scope="module")
def own(blind) -> list[str]:
    """What it translates."""
    return blind.translate(SOURCES, Greedy(**TEN))


@pytest.fixture(scope="module")
def found(blind, own) -> Probes:
    """What is found in it, where its own translations are the references."""
    return probe(blind, SOURCES, own, Greedy(**TEN), evaluation=EXACT)


class TestPassing:
    def test_from_its_own_states_a_model_writes_what_it_translates(self, taken, own) -> None:
        assert taken.write(taken.started) == own

    @pytest.mark.slow
    @pytest.mark.parametrize("search", [Beam(3), Sample(seed=4)], ids=str)
    def test_it_does_so_by_any_search(self, blind, search) -> None:
        apart = passing(blind, search)
        assert apart.write(apart.started) == blind.translate(SOURCES, search, batch_size=4)

    def test_from_the_states_of_another_sentence_it_writes_the_translation_of_that_one(self, taken) -> None:
        donors = draw_donors(len(SOURCES), 0)
        own = taken.write(taken.started)
        swapped = taken.write(tf.nest.map_structure(lambda part: part[donors], taken.started))
        assert swapped == [own[donor] for donor in donors] and len(set(own)) > 3

    def test_what_every_layer_ends_with_is_what_the_encoder_gives(self, blind, taken) -> None:
        for place, source in enumerate(SOURCES):
            ids = tf.constant([[*TOKENIZER.encode(source), 2]])
            state = blind.model.encoder(ids).state
            for ours, theirs in zip(tf.nest.flatten(taken.ended), tf.nest.flatten(state), strict=True):
                np.testing.assert_allclose(ours[place], theirs[0], atol=1e-5)


class TestAlterations:
    def test_everybody_gives_once_and_to_another(self) -> None:
        donors = draw_donors(50, 0)
        assert sorted(donors) == list(range(50)) and not (donors == np.arange(50)).any()

    def test_only_what_is_named_changes(self, blind, taken) -> None:
        state = taken.started
        for each in alterations(blind.model, draw_donors(len(SOURCES), 0)):
            changed = {
                (layer, part)
                for layer, ((one,), (other,)) in enumerate(zip(state, each.change(state), strict=True))
                for part in one._fields
                if not np.array_equal(getattr(one, part), getattr(other, part))
            }
            layers = {0, 1} if each.where.startswith(("all", "layers")) else {int(each.where[6])}
            assert changed == {
                (layer, part) for layer in layers for part in ("hidden", "cell") if each.whole or part in each.where
            }, each

    def test_the_states_of_the_sentence_itself_change_nothing(self, blind, taken) -> None:
        state = taken.started
        for each in alterations(blind.model, np.arange(len(SOURCES))):
            if each.how == "of another sentence":
                tf.nest.map_structure(np.testing.assert_array_equal, each.change(state), state)

    @pytest.mark.parametrize(
        ("mode", "encoder_layers"),
        [("per_layer", []), ("concatenated", [0, 1]), ("last_layer", [1]), ("mean", []), ([[0, 1], []], [0, 1])],
        ids=str,
    )
    def test_what_encoder_layers_end_with_is_named_where_it_is_another_thing(self, mode, encoder_layers) -> None:
        bridge = StateBridge([8, 8], mode)
        bridge.build_for([(8,), (8,)], 8)
        model = type(
            "Model", (), {"bridge": bridge, "encoder": Encoder(9, 4, [8, 8]), "decoder": Decoder(9, 4, [8, 8])}
        )
        found = [each for each in places(model) if each.end == "encoder" and each.whole and len(each.layers) == 1]
        assert [each.layers[0] for each in found] == encoder_layers


class TestProbe:
    def test_without_attention_all_is_lost_with_what_is_passed(self, found, own) -> None:
        by_name = {(each.where, each.how): each for each in found.states}
        assert found.score == 100
        # Nothing is known of any source, so that all get one translation.
        assert by_name["all layers", "zeros"].score <= 100 / len(set(own))
        donors = draw_donors(len(SOURCES), 0)
        same = 100 * np.mean([own[donor] == right for donor, right in zip(donors, own, strict=True)])
        assert by_name["all layers", "of another sentence"].score == pytest.approx(same)
        for each in found.states:
            assert each.score == pytest.approx(100 - each.lost.value) and each.lost.low <= each.lost.value
        rows = [line for line in found.report().splitlines() if line.startswith("layer 0, cell  ")]
        assert json.dumps(found.table()) and len(rows) == 2

    @pytest.mark.slow
    def test_errors_that_grow_are_lost_too_and_what_is_left_out_is_said(self, blind, own) -> None:
        errors = EvaluationSettings(metrics=("character_error_rate",))
        sources, references = ["", *SOURCES, "ein " * 1001], ["", *own, ""]
        found = probe(blind, sources, references, Greedy(**TEN), evaluation=errors)
        assert found.score == 0 and all(each.lost.value == pytest.approx(each.score) for each in found.states)
        assert max(each.lost.value for each in found.states) > 10
        assert found.sentences == len(SOURCES)
        assert found.notes[0] == "Left out: 2 sources without a token or of more than 1,000."

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("mode", "how"), [("zero", {"zeros", "of another sentence", "exchanged"}), ("learned", {"of another sentence"})]
    )
    def test_what_is_not_passed_loses_exactly_nothing(self, mode, how) -> None:
        one = translator(StateBridge([8, 8], mode), "dot")
        found = probe(one, SOURCES, SOURCES, Greedy(**TEN), evaluation=EvaluationSettings(metrics=("chrf",)))
        chosen = [each.lost for each in found.states if each.how in how]
        assert chosen and {(each.value, each.low, each.high, each.detected) for each in chosen} == {(0, 0, 0, False)}

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("bridge", "more"),
        [
            (StateBridge([8, 8], "concatenated", cell="gru"), {"cell": "gru", "bidirectional": "all"}),
            (StateBridge([8, 8], "mean"), {"attention": "additive"}),
            (
                StateBridge([8, 8], [[2], [0, 1]]),
                {"attention": "general", "units": [6, 4, 8], "bidirectional": "first"},
            ),
        ],
        ids=["concatenated-gru", "mean", "table"],
    )
    def test_every_way_of_passing(self, bridge, more) -> None:
        one = translator(bridge, **more)
        references = [[text.upper(), text] for text in SOURCES]
        found = probe(one, SOURCES, references, Greedy(**TEN), evaluation=EvaluationSettings(metrics=("chrf",)))
        assert len({(each.where, each.how) for each in found.states}) == len(found.states)
        assert all(np.isfinite([each.score, each.lost.low, each.lost.high]).all() for each in found.states)
        if bridge.mode == "concatenated":
            assert [each.where for each in found.states if each.how == "zeros"] == [
                *("all layers", "layer 0", "layer 1"),
                *("all encoder layers", "encoder layer 0", "encoder layer 1"),
            ]

    def test_refuses_what_it_cannot_probe(self, blind) -> None:
        with pytest.raises(ValueError, match=r"the states of another one\. Received: 1 of 1 to 1,000 tokens"):
            probe(blind, ["See", " "], ["a", "b"])
        with pytest.raises(ValueError, match=r"Every source needs its reference.* Received: 1 sources, 2 references"):
            probe(blind, ["See"], ["a", "b"])
        with pytest.raises(ValueError, match=r"States pass inside one model\. Received: an ensemble"):
            probe(Translator(Ensemble([blind.model]), TOKENIZER, TOKENIZER), SOURCES, SOURCES)

    @pytest.mark.slow
    def test_refuses_a_metric_that_has_no_score_here(self, blind) -> None:
        nothing = EvaluationSettings(metrics=("word_error_rate",))
        with pytest.raises(ValueError, match=r"A loss is of a score, and word_error_rate has none here"):
            probe(blind, SOURCES, [""] * len(SOURCES), Greedy(**TEN), evaluation=nothing)

    def test_a_page_with_pictures(self, found) -> None:
        html = page(found, "<b>")
        assert "<b>" not in html and html.count("<figure>") == 3 + (len(found.lengths.names) > 1) * 3 + 1
        for picture in html.split("<svg")[1:]:
            assert ElementTree.fromstring(f"<svg{picture.split('</svg>')[0]}</svg>")


def test_accuracy_is_that_of_each_step_by_hand(blind) -> None:
    sources, targets = TOKENIZER.encode_batch(["ein See", "Haus"]), TOKENIZER.encode_batch(["See am Haus", "Wald"])
    found = accuracy_by_position(blind.model, sources, targets)
    ends = [len(target) + 1 for target in targets]
    assert [each.sentences for each in found] == [2] * min(ends) + [1] * (max(ends) - min(ends))
    forced, free = np.zeros(len(found)), np.zeros(len(found))
    for source, target in zip(sources, targets, strict=True):
        right = [*target, 2]
        read = {"source": [[*source, 2]], "target_in": [[1, *target]]}
        said = np.argmax(blind.model({name: tf.constant(ids) for name, ids in read.items()}), axis=-1)[0]
        forced[: len(right)] += said == right
        wrote = np.asarray(blind.model.decode(tf.constant(read["source"]), len(right) + 5).tokens)[0, 0]
        free[: len(right)] += [place < len(wrote) and wrote[place] == right[place] for place in range(len(right))]
    numbers = np.array([each.sentences for each in found])
    np.testing.assert_allclose([each.forced for each in found], 100 * forced / numbers)
    np.testing.assert_allclose([each.free for each in found], 100 * free / numbers)


def test_only_what_was_not_detected_is_said_not_to_be() -> None:
    def loss(where: str, value: float, corrected: float) -> StateLoss:
        lost = Difference(value, value - 1, value + 1, corrected, corrected, 1.0, False)
        return StateLoss(where, "zeros", "decoder", 1.0, lost, [])

    found = SimpleNamespace(states=[loss("a", 20.0, 0.0), loss("b", 2.0, 0.3), loss("c", -3.0, 0.001)])
    assert undetected(found) == "No loss was detected (5 %, Holm's correction) by: b (zeros); c (zeros)."
    assert undetected(SimpleNamespace(states=found.states[:1])) == ""
