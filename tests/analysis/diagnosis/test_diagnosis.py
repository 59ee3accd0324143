"""The doctor finds every illness in a model made ill on purpose, and none in one that is well."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge, load
from seq2seq.analysis.diagnosis import ILLNESSES, Diagnosis, LayerSigns, PartSigns, Signs, examine, find
from seq2seq.analysis.diagnosis.findings import PAGE
from seq2seq.analysis.diagnosis.page import section
from seq2seq.analysis.diagnosis.subject import of_recipe
from seq2seq.analysis.diagnosis.words import text
from seq2seq.models.examination import changed_parts, weights_before
from tests.analysis.diagnosis.patients import ILL, VOCAB, Patient, build, healthy
from tests.letters import RECIPE
from tests.marks import quick


@pytest.mark.parametrize("name", quick(ILL, "saturated", "target leaking", "padding leaking"))
def test_each_illness_is_found_and_no_other(name: str) -> None:
    found = ILL[name]().diagnosis().findings
    assert found and {finding.illness for finding in found} == {name.partition(",")[0]}, list(map(str, found))


def test_there_is_a_patient_for_each_illness_and_a_place_on_the_page() -> None:
    assert {name.partition(",")[0] for name in ILL} == set(ILLNESSES)
    page = (Path(__file__).parents[3] / PAGE).read_text("utf-8")
    headings = {line.lstrip("# ").lower().replace(" ", "-") for line in page.splitlines() if line.startswith("##")}
    assert set(ILLNESSES.values()) <= headings
    assert all(f"| `{illness}`" in page for illness in ILLNESSES)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["two by two", "gru", "input feeding"])  # of ten; each takes some seconds
def test_no_alarm_where_nothing_is_wrong(name: str) -> None:
    learnt = healthy(name, epochs=12).diagnosis()
    assert learnt.signs.loss < math.log(learnt.signs.vocabulary)
    assert learnt.findings == []


@pytest.fixture(scope="module")
def well() -> Patient:
    return Patient(build([8, 8], [8, 8], bidirectional="first", cell="gru", attention="general", input_feeding=True))


@pytest.fixture(scope="module")
def signs(well: Patient) -> Signs:
    found = well.diagnosis()
    assert found.findings == []
    return found.signs


class TestSigns:
    def test_gradients_and_loss_are_those_of_the_model(self, well: Patient, signs: Signs) -> None:
        inputs, target_out = tf.nest.map_structure(tf.constant, next(well.batches.run(0)))
        with tf.GradientTape() as tape:
            totals = well.model.totals(inputs, target_out)
            loss = totals.loss / totals.tokens
        gradients = [tf.convert_to_tensor(each) for each in tape.gradient(loss, well.model.trainable_weights)]
        assert signs.loss == pytest.approx(float(totals.nats / totals.tokens), rel=1e-5)
        assert signs.gradient == pytest.approx(float(tf.linalg.global_norm(gradients)), rel=1e-4)
        assert sum(part.gradient**2 for part in signs.parts) == pytest.approx(signs.gradient**2, rel=1e-5)

    def test_every_weight_belongs_to_one_part(self, well: Patient, signs: Signs) -> None:
        norm = math.sqrt(sum(np.square(weight).sum() for weight in well.model.get_weights()))
        assert math.sqrt(sum(part.norm**2 for part in signs.parts)) == pytest.approx(norm, rel=1e-5)

    def test_an_embedding_of_both_sides_is_called_so(self) -> None:
        encoder, decoder = Encoder(VOCAB, 8, [8]), Decoder(VOCAB, 8, [8])
        shared = Seq2Seq(encoder, StateBridge([8]), decoder, share_embeddings=True)
        assert [name for name in weights_before(shared) if "embedding" in name] == ["shared embedding"]
        assert changed_parts(shared, weights_before(shared))["shared embedding"] == 0

    def test_layers_and_routes_of_the_model(self, signs: Signs) -> None:
        assert [(layer.name, layer.units) for layer in signs.layers] == [
            ("encoder layer 0", 16), ("encoder layer 1", 8), ("decoder layer 0", 8), ("decoder layer 1", 8),
        ]  # fmt: skip
        assert all(set(layer.gates) == {"update", "reset"} for layer in signs.layers)
        assert all(layer.gates["update"].half_lives and not layer.gates["reset"].half_lives for layer in signs.layers)
        assert all(1 <= layer.rank <= layer.units and 0 <= (layer.likeness or 0) <= 1 for layer in signs.layers)
        assert [(route.layer, route.part, route.way) for route in signs.routes] == [
            (0, "hidden", "projected"), (1, "hidden", "projected"),
        ]  # fmt: skip

    def test_each_illness_is_told_by_its_numbers(self, signs: Signs) -> None:
        """The quick sibling of the models made ill."""

        def learning(number: int, **numbers: float | bool) -> list[PartSigns]:
            return [replace(part, **numbers) if place == number else part for place, part in enumerate(signs.parts)]

        def layer(**numbers: float) -> list[LayerSigns]:
            return [replace(signs.layers[0], **numbers), *signs.layers[1:]]

        bridge = next(place for place, part in enumerate(signs.parts) if part.name == "bridge")
        small = [replace(signs.embeddings[0], size=0.03), signs.embeddings[1]]
        leaks = signs.leaks
        assert leaks is not None
        for illness, ill in {
            "target leaking": replace(signs, leaks=replace(leaks, target=0.1)),
            "padding leaking": replace(signs, leaks=replace(leaks, padding=0.1)),
            "exploding": replace(signs, gradient=1000.0),
            "learning rate too high": replace(signs, parts=learning(1, update=0.7)),
            "dead layer": replace(signs, layers=layer(dead=0.9)),
            "saturated": replace(signs, layers=layer(saturated=0.8)),
            "vanishing": replace(signs, parts=learning(1, gradient=1e-6)),
            "untrained bridge": replace(signs, parts=learning(bridge, gradient=0.0)),
            "embedding too small": replace(signs, embeddings=small, layers=layer(spread=0.01)),
        }.items():
            assert [finding.illness for finding in find(ill)] == [illness]
        assert find(replace(signs, updates=500, loss=9.0))[0].illness == "learning rate too high"
        assert find(replace(signs, updates=500, bridge_untouched=True))[0].illness == "untrained bridge"
        assert find(replace(signs, updates=0, loss=9.0, bridge_untouched=True)) == []  # it has not begun

    def test_a_stuck_layer_explains_no_more_than_what_is_lost_at_it(self, signs: Signs) -> None:
        def deep(gradients: list[float], stuck: int) -> Signs:
            layers = [
                replace(signs.layers[0], side="decoder", number=number, saturated=0.8 * (number == stuck))
                for number in range(len(gradients))
            ]
            parts = [
                replace(signs.parts[0], name=layer.name, gradient=gradient)
                for layer, gradient in zip(layers, gradients, strict=True)
            ]
            (lowest,) = [part for part in signs.parts if part.name == "encoder layer 0"]
            return replace(signs, layers=[signs.layers[0], *layers], parts=[replace(lowest, gradient=0.2), *parts])

        def illnesses(gradients: list[float], stuck: int) -> set[str]:
            return {finding.illness for finding in find(deep(gradients, stuck))}

        # Eight plain layers after 990 updates of EuTrans: of a million, layer 5 takes a hundred.
        trained = [2.7e-7, 1.7e-6, 7.9e-6, 2.3e-5, 1.4e-4, 1.4e-3, 0.019, 0.24]
        assert illnesses(trained, stuck=5) == {"saturated", "vanishing"}
        assert illnesses([1e-7, 1e-7, 1e-5, 0.1, 0.2], stuck=2) == {"saturated"}
        assert illnesses([1e-7, 2e-7, 1e-6], stuck=2) == {"saturated"}  # the top one, from which all others have theirs
        assert illnesses([0.0, 0.0, 0.1], stuck=1) == {"saturated"}

    def test_survive_json_even_where_they_are_no_numbers(self, signs: Signs) -> None:
        odd = replace(signs, loss=math.inf, parts=[replace(signs.parts[0], gradient=-math.inf), *signs.parts[1:]])
        for each in (signs, odd):
            table = json.loads(json.dumps(each.to_table(), allow_nan=False))
            assert Signs.from_table(table) == each
        assert [finding.illness for finding in find(odd)] == ["exploding"]

    def test_a_step_is_measured_and_undone(self, well: Patient) -> None:
        well.model.compile("sgd")
        well.model.optimizer.build(well.model.trainable_variables)
        variables = [*well.model.variables, *well.model.optimizer.variables]
        before = [variable.numpy() for variable in variables]
        changed = well.diagnosis().signs
        for old, variable in zip(before, variables, strict=True):
            np.testing.assert_array_equal(old, variable.numpy())
        for part in changed.parts:  # the step of plain descent is the gradient times the learning rate
            assert part.update == pytest.approx(0.01 * part.gradient / part.norm, rel=1e-3)

    def test_what_a_step_makes_of_an_optimizer_that_was_not_built_is_undone(self) -> None:
        patient = Patient(build())
        patient.model.compile("adam")
        patient.diagnosis()
        optimizer = patient.model.optimizer
        assert optimizer.built and optimizer.iterations == 0
        slots = [
            variable for variable in optimizer.variables if "momentum" in variable.path or "veloc" in variable.path
        ]
        assert slots and not any(variable.numpy().any() for variable in slots)

    def test_in_words_and_on_a_page(self, signs: Signs) -> None:
        said = text(Diagnosis("a model", [], signs), 80)
        assert "Nothing wrong was found." in said and "half forgotten after" in said
        events = [{"event": "signs", "update": update, **signs.to_table()} for update in (5, 10)]
        html = "\n".join(section(events))
        assert "At step 10" in html and html.count("<svg") == 3 and "update" in html  # no step was taken: no such chart
        assert section([{"event": "epoch", "update": 5}]) == []


@pytest.mark.slow
def test_a_recipe_is_examined_as_training_would_begin(here: Path) -> None:
    begun = of_recipe(RECIPE.override([f"start_from={here / 'model.s2s'}"])).model
    for ours, theirs in zip(begun.get_weights(), load(here / "model.s2s").model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(FileNotFoundError):
        of_recipe(RECIPE.override(["start_from=absent.s2s"]))
    (here.parent / "more").mkdir()
    for language in ("lower", "upper"):
        (here.parent / "more" / f"train.{language}").write_text("xyz\n" * 9)
    also = RECIPE.override([f"data.also.paths={here.parent / 'more'}"])
    assert of_recipe(also).model.decoder.vocab_size > of_recipe(RECIPE).model.decoder.vocab_size


def test_a_stack_of_mine_without_gates_has_no_table_of_gates() -> None:
    found = Patient(build([4], [4], "per_layer", cell="simple_rnn", embedding=4)).diagnosis()
    assert "below 0.05" not in text(found, 80)


@pytest.mark.slow
@pytest.mark.parametrize("count", [3, 1])
def test_few_pairs_are_enough(count: int) -> None:
    patient = Patient(build())
    inputs, target_out = next(patient.batches.run(0))
    few = {name: ids[:count] for name, ids in inputs.items()}
    assert examine(patient.model, few, target_out[:count], updates=0).findings == []
