"""What a score says of quality: the curve, the file that keeps it, and what is told of it."""

import dataclasses
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq import Translator
from seq2seq.metrics import EvaluationSettings
from seq2seq.translation import Calibration, Hypothesis
from seq2seq.translation.confidence import known
from tests.commands.conftest import translator  # noqa: F401

TEXTS = ["ein Haus am See", "der Wald", "und", ""]


def isotonic(values: np.ndarray, qualities: np.ndarray) -> np.ndarray:
    """The nearest sequence that never falls, by its max-min formula."""
    y = qualities[np.argsort(values)]
    means = [
        [y[first : last + 1].mean() if first <= last else np.inf for last in range(len(y))] for first in range(len(y))
    ]
    return np.array([max(min(means[first][place:]) for first in range(place + 1)) for place in range(len(y))])


class TestCalibration:
    @settings(max_examples=20)
    @given(seed=st.integers(0, 2**32 - 1))
    def test_is_isotonic_regression(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        values, qualities = -random.random(32).round(6) - np.arange(32) % 7, random.random(32)
        learnt = Calibration.learn("chrf", values.tolist(), qualities.tolist())
        assert all(one < other for one, other in pairwise(learnt.qualities))
        expected = np.unique(isotonic(values, qualities).round(6))
        np.testing.assert_allclose(learnt.qualities, expected, atol=2e-6)
        assert learnt.at(-1e9) == learnt.qualities[0] and learnt.at(0.0) == learnt.qualities[-1]

    def test_order_and_repetition_change_nothing(self) -> None:
        values, qualities = [-1.0, -0.5, -0.5, -0.2] * 10, [0.5, 0.2, 0.8, 1.0] * 10
        learnt = Calibration.learn("chrf", values, qualities)
        assert learnt == Calibration.learn("chrf", values[::-1], qualities[::-1])
        assert (learnt.qualities, learnt.sentences) == ((0.5, 1.0), 40)

    def test_comes_back_from_its_table(self) -> None:
        learnt = Calibration.learn("exact_match", [-1.0, -2.0] * 20, [1.0, 0.0] * 20)
        assert Calibration.from_table(learnt.to_table()) == learnt
        for damage in ({"curve": [[-1, 0.5], [-2, 0.6]]}, {"curve": [[-1, 2]]}, {"curve": []}, {"curve": [["a", 1]]},
                       {"metric": 3}, {"curve": 7}, {"curve": [[-1, 0.5, 3]]}, {"sentences": None}):  # fmt: skip
            with pytest.raises(ValueError, match=r"A calibration is .* Received:"):
                Calibration.from_table(learnt.to_table() | damage)

    def test_needs_some_text(self) -> None:
        with pytest.raises(ValueError, match=r"learnt from 30 translations or more\. Received: 2\."):
            Calibration.learn("chrf", [-1.0, -0.5], [0.1, 0.2])


def hypothesis(text: str, *token_scores: float) -> list[Hypothesis]:
    return [Hypothesis(text, 0.0, log_probability=sum(token_scores), length=len(token_scores))]


def test_what_is_known_of_translations() -> None:
    found = [hypothesis("a b", -1.0, -2.0), hypothesis(""), hypothesis("c", float("-inf")), hypothesis("c", -0.5)]
    sources, references = ["x", "", "y", "z"], ["a b", "", "c", "d"]
    chosen = EvaluationSettings(("exact_match", "bleu"))
    assert known(found, references, chosen, sources) == ("exact_match", [-1.5, -0.5], [1.0, 0.0])
    metric, _, qualities = known(found, references, EvaluationSettings(), sources)
    assert metric == "chrf" and qualities[0] == pytest.approx(1)
    several = dataclasses.replace(chosen, several_references=True)
    again = known([*found, *found[3:]], [*references, "c"], several, [*sources, "z"])
    assert again == ("exact_match", [-1.5, -0.5], [1.0, 1.0])


class TestTranslator:
    CURVE = Calibration("chrf", (-9.0, 0.0), (0.0, 0.9), 40)

    @pytest.fixture
    def calibrated(self, translator: Translator) -> Translator:  # noqa: F811
        tokenizer = translator.source_tokenizer
        return Translator(translator.model, tokenizer, tokenizer, about={"confidence": self.CURVE.to_table()})

    def test_tells_it_with_the_details(self, calibrated: Translator) -> None:
        for each in calibrated.translate(TEXTS, details=True):
            (best,) = each.hypotheses
            if best.token_scores:
                assert best.confidence == pytest.approx(self.CURVE.at(np.mean(best.token_scores)))
                assert 0 <= best.confidence <= 0.9
            else:
                assert best.confidence is None
            assert each.to_json()["confidence"] == (best.confidence and round(best.confidence, 4))
        assert {best.confidence for (best,) in calibrated.hypotheses(TEXTS, details=True)} == {None}

    @pytest.mark.slow
    def test_travels_with_the_file_as_long_as_the_weights_are_the_same(
        self, calibrated: Translator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        calibrated.save(tmp_path / "calibrated.s2s")
        loaded = Translator.load(tmp_path / "calibrated.s2s")
        assert loaded.calibration == self.CURVE and loaded.fingerprint == calibrated.fingerprint
        weight = loaded.model.trainable_variables[0]
        weight.assign(weight + 0.01)
        loaded.save(tmp_path / "trained.s2s")
        assert "have changed since they were calibrated" in capsys.readouterr().err
        assert loaded.calibration is None and Translator.load(tmp_path / "trained.s2s").calibration is None
        loaded.calibration = Calibration("chrf", (-1.0,), (0.5,), 30)
        loaded.save(tmp_path / "anew.s2s")
        assert Translator.load(tmp_path / "anew.s2s").calibration == loaded.calibration
