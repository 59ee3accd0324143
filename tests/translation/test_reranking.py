"""Reranking with stand-ins for models: what they find likely is written down."""

import itertools
import json
import math

import numpy as np
import pytest

from seq2seq.metrics import EvaluationSettings, score
from seq2seq.settings import SettingsError
from seq2seq.translation.n_best import Candidate
from seq2seq.translation.reranking import Features, Weights, equal_weights, read_features, tune_weights, values_of
from seq2seq.translation.scoring import TargetScore


class Words:
    """The tokenizer of a stand-in: words."""

    def encode_batch(self, texts):
        return [text.split() for text in texts]


class Model:
    """Finds a target the likelier, the more of its words the source has; remembers what it was asked."""

    source_tokenizer = Words()

    def __init__(self):
        self.asked = []

    def score(self, sources, targets):
        self.asked += zip(sources, targets, strict=True)
        found = []
        for source, target in zip(sources, targets, strict=True):
            tokens = (*target.split(), "</s>")
            each = tuple(-1.0 if word in source.split() else -3.0 for word in tokens)
            found.append(TargetScore(math.fsum(each), tokens, each))
        return found


SOURCES = ["a b", "", "c"]
LISTS = [
    [Candidate("x y", -0.1), Candidate("a b", -0.2), Candidate("", -0.3), Candidate("a b", -0.2)],
    [Candidate("", 0.0)],
    [Candidate("z", -0.5), Candidate("c", -math.inf)],
]


def test_features_are_of_each_model_per_token_and_each_pair_is_asked_once():
    forward, backward = Model(), Model()
    found = read_features(SOURCES, LISTS, [forward], [backward, forward])
    assert found.names == ["score", "length", "forward 1", "backward 1", "backward 2"]
    assert forward.asked[:5] == [("a b", "x y"), ("a b", "a b"), ("a b", ""), ("c", "z"), ("c", "c")]
    assert ("", "a b") not in backward.asked and len(backward.asked) == 4
    first, empty, last = found.values
    np.testing.assert_allclose(first[1], [-0.2, 3, -5 / 3, -5 / 3, -5 / 3])
    np.testing.assert_allclose(first[2], [-0.3, 0, -3, -3, -3])  # an empty one is as bad as the worst, backwards
    np.testing.assert_allclose(empty, [[0, 0, 0, 0, 0]])
    np.testing.assert_allclose(last[:, 0], [-0.5, -0.5])  # impossible is as bad as the worst


def test_equal_weights_take_what_models_find_likeliest():
    found = read_features(SOURCES, LISTS, [Model()])
    weights = equal_weights(found, {"forward 1": "f"})
    assert weights.values == {"score": 1.0, "length": 0.0, "forward 1": 1.0}
    assert [int(values.argmax()) for values in values_of(found, weights)] == [1, 0, 1]


def test_lists_without_scores_have_no_such_feature():
    assert read_features(["a"], [[Candidate("a", None)]], [Model()]).names == ["length", "forward 1"]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="2 sources, 1 lists"):
        read_features(["a", "b"], [[Candidate("a", None)]])
    with pytest.raises(ValueError, match="none for source 2"):
        read_features(["a", "b"], [[Candidate("a", None)], []])
    weights = Weights({"length": 0.0, "forward 1": 1.0}, {"forward 1": "f"})
    weights.check(["length", "forward 1"], {"forward 1": "f"})
    with pytest.raises(ValueError, match="another model for forward 1"):
        weights.check(["length", "forward 1"], {"forward 1": "g"})
    with pytest.raises(ValueError, match="Received: score, length, forward 1"):
        weights.check(["score", "length", "forward 1"], {"forward 1": "f"})


class TestTuning:
    @pytest.fixture
    def case(self):
        """Lists of random features, whose right translation is where a hidden weighing says."""
        random = np.random.default_rng(7)
        hidden = np.array([1.0, 0.0, -2.0])
        values = [random.normal(size=(6, 3)) * (1, 50, 0.1) for _ in range(40)]
        lists = [[Candidate(f"w{n} of list {row}", None) for n in range(6)] for row in range(40)]
        right = [lists[row][int((each * (1, 0.02, 10) @ hidden).argmax())].text for row, each in enumerate(values)]
        return Features(["forward 1", "length", "backward 1"], values), lists, right

    @pytest.mark.parametrize("metric", ["bleu", "chrf", "exact_match", "word_error_rate"])
    def test_it_finds_what_is_there_and_finds_it_again(self, case, metric):
        features, lists, right = case
        weights = tune_weights(features, lists, right, {"forward 1": "f"}, metric)
        chosen = [
            candidates[int(values.argmax())].text
            for candidates, values in zip(lists, values_of(features, weights), strict=True)
        ]
        found = score(metric, chosen, right)
        assert weights.tuned["after"] == pytest.approx(found.value) and weights.tuned["signature"] == found.signature
        assert weights.tuned["before"] == pytest.approx(score(metric, [each[0].text for each in lists], right).value)
        assert sum(one == other for one, other in zip(chosen, right, strict=True)) >= 38
        assert tune_weights(features, lists, right, {"forward 1": "f"}, metric) == weights

    def test_no_grid_of_weights_is_better_by_more_than_a_sentence(self, case):
        features, lists, right = case
        weights = tune_weights(features, lists, right, {}, "exact_match")
        grid = np.linspace(-1, 1, 9) / np.array([[1], [50], [0.1]])
        best = max(
            sum(
                candidates[int((values @ point).argmax())].text == text
                for candidates, values, text in zip(lists, features.values, right, strict=True)
            )
            for point in itertools.product(*grid)
        )
        assert weights.tuned["after"] >= 100 * (best - 1) / len(lists)

    def test_it_is_never_worse_than_equal_weights_and_cases_are_as_the_settings_say(self, case):
        features, lists, _ = case
        shouted = [each[2].text.upper() for each in lists]
        models = {"forward 1": "f", "backward 1": "b"}
        weights = tune_weights(features, lists, shouted, models, "chrf", EvaluationSettings(lowercase=True))
        equal = [
            candidates[int(values.argmax())].text.upper()
            for candidates, values in zip(lists, values_of(features, equal_weights(features, models)), strict=True)
        ]
        assert weights.tuned["after"] >= score("chrf", equal, shouted).value and "case:lc" in weights.tuned["signature"]

    def test_a_feature_that_says_nothing_and_lists_of_one_do_no_harm(self):
        features = Features(["length", "forward 1"], [np.zeros((1, 2)), np.zeros((2, 2))])
        lists = [[Candidate("a", None)], [Candidate("a", None), Candidate("b", None)]]
        weights = tune_weights(features, lists, ["a", "b"], {}, "exact_match")
        assert weights.tuned["after"] == 50 and all(map(math.isfinite, weights.values.values()))
        with pytest.raises(ValueError, match="2 lists, 1 references"):
            tune_weights(features, lists, ["a"], {})

    def test_each_source_is_counted_once_with_all_that_is_right_for_it(self):
        features = Features(["forward 1"], [np.array([[0.0], [1.0]])] * 3)
        lists = [[Candidate("a", None), Candidate("b", None)]] * 3
        several = EvaluationSettings(several_references=True)
        weights = tune_weights(features, lists, ["a", "b", "x"], {}, "exact_match", several, ["s", "s", "t"])
        assert (weights.tuned["sentences"], weights.tuned["before"], weights.tuned["after"]) == (2, 50, 50)
        with pytest.raises(ValueError, match="sources: none"):
            tune_weights(features, lists, ["a", "b", "x"], {}, "exact_match", several)

    def test_weights_are_kept_as_json(self, case):
        features, lists, right = case
        weights = tune_weights(features, lists, right, {"forward 1": "f"}, "exact_match")
        assert Weights.from_table(json.loads(json.dumps(weights.to_table()))) == weights
        for table in ({}, [], "weights.json", {"weights": {"a": "x"}, "models": {}, "tuned": {}}):
            with pytest.raises(SettingsError, match="Weights are what `seq2seq rerank --tune` writes"):
                Weights.from_table(table)
