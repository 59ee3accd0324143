import json

import numpy as np
import pytest

from seq2seq.metrics import EvaluationSettings
from seq2seq.text.corpus import corpus_from_pairs
from seq2seq.training.checkpoint_file import metric_values
from seq2seq.training.validation import HeldOut, Validator
from seq2seq.translation import Hypothesis

CORPUS = corpus_from_pairs([("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")])


def decode(texts):
    return [[Hypothesis(text.upper(), -1.0) if text != "d" else Hypothesis("?", -9.0, ended=False)] for text in texts]


def test_measures_loss_and_decoded_text_and_leaves_the_running_metrics(compiled, validation_batches):
    running = metric_values(compiled)
    expected = compiled.evaluate(validation_batches.dataset(), verbose=0, return_dict=True)
    for variable, value in zip(compiled.metrics_variables, running, strict=True):
        variable.assign(value)
    held_out = HeldOut(validation_batches, CORPUS, decode, EvaluationSettings(("exact_match", "bleu")))
    validator = Validator(compiled, held_out, samples=2)
    for _ in range(2):  # the second time the batches have been read already
        validation = validator.measure(7)
        assert validation.update == 7
        assert validation.values["val_exact_match"] == 75.0
        assert validation.values["val_cut"] == 1
        for name, value in expected.items():
            np.testing.assert_allclose(validation.values[f"val_{name}"], value, rtol=1e-6)
        assert validation.signatures.keys() == {"exact_match", "bleu"}
        assert validation.samples == [("a", "A", "A"), ("c", "C", "C")]
        for ours, before in zip(metric_values(compiled), running, strict=True):
            np.testing.assert_array_equal(ours, before)
    assert validator.names == ["loss", "perplexity", "accuracy", "exact_match", "bleu"]


def test_several_references_of_a_source_are_scored_together(compiled):
    corpus = corpus_from_pairs([("a", "X"), ("a", "A"), ("d", "D")])
    settings = EvaluationSettings(("exact_match",), several_references=True)
    validator = Validator(compiled, HeldOut(corpus=corpus, decode=decode, evaluation=settings))
    assert validator.measure(1).values["val_exact_match"] == 50.0


def test_hypotheses_of_other_workers_come_as_lists(compiled):
    held_out = HeldOut(corpus=CORPUS, decode=lambda texts: json.loads(json.dumps(decode(texts))))
    validation = Validator(compiled, held_out, samples=1).measure(1)
    assert (validation.values["val_cut"], validation.samples) == (1, [("a", "A", "A")])


def test_measures_nothing_where_nothing_is_given(compiled):
    validator = Validator(compiled, HeldOut())
    assert validator.measure(1).values == {}
    assert validator.names == []


def test_refuses_in_words():
    with pytest.raises(ValueError, match="Give both, or neither"):
        HeldOut(decode=decode)
    with pytest.raises(ValueError, match='Did you mean "chrf"'):
        HeldOut(corpus=CORPUS, decode=decode, evaluation=EvaluationSettings(["chrff"]))
