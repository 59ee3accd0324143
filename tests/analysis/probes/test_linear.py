import numpy as np
import pytest

from seq2seq.analysis.probes.linear import Property, Ridge, properties, read_off

RANDOM = np.random.default_rng(1)
WORDS = ["ein", "der", "zwei"]
SOURCES = [f"{WORDS[number % 3]} {'sehr ' * (number % 5)}Haus{number}." for number in range(120)]
LENGTHS = [len(source.split()) for source in SOURCES]


def asked(what: str, sources: list[str] = SOURCES, lengths: list[int] = LENGTHS) -> Property:
    return next(each for each in properties(sources, lengths, 0)[0] if each.what == what)


def test_ridge_is_the_normal_equations_with_the_strength_that_errs_least_left_out() -> None:
    features, targets, others = RANDOM.normal(size=(12, 3)), RANDOM.normal(size=(12, 2)), RANDOM.normal(size=(4, 3))

    def plain(x: np.ndarray, y: np.ndarray, new: np.ndarray, strength: float) -> np.ndarray:
        mean = y.mean(0)
        centre = x.mean(0)
        x, new = x - centre, new - centre
        return mean + new @ np.linalg.solve(x.T @ x + strength * np.eye(x.shape[1]), x.T @ (y - mean))

    scaled, fresh = ((each - features.mean(0)) / features.std(0) for each in (features, others))
    strengths = np.logspace(-4, 4, 9) * np.linalg.eigvalsh(scaled @ scaled.T).clip(0).mean()

    def left_out(strength: float) -> float:
        kept = [np.arange(12) != place for place in range(12)]
        misses = [plain(scaled[k], targets[k], scaled[~k], strength) - targets[~k] for k in kept]
        return float(np.square(misses).sum())

    expected = plain(scaled, targets, fresh, min(strengths, key=left_out))
    np.testing.assert_allclose(Ridge(features).predict(targets, others), expected, atol=1e-8)


def test_what_stands_in_a_state_is_read_from_it() -> None:
    noise = RANDOM.normal(size=(120, 20))
    length, first = np.array(LENGTHS)[:, None], np.array([[word in source for word in WORDS] for source in SOURCES])
    for what, told in (("length", length), ("first word", first)):
        found = read_off("here", np.concatenate([noise, 3 * told], axis=1), asked(what), 0)
        assert found.score > 95 and found.low <= found.score <= found.high
        assert found.shuffled < 60 and found.constant <= 50
        nothing = read_off("here", noise, asked(what), 0)
        assert abs(nothing.score - nothing.constant) < 30 and nothing.score < 60


def test_what_can_only_be_learnt_by_heart_is_not_read() -> None:
    found = read_off("here", np.eye(120), asked("length"), 0)
    assert found.score == pytest.approx(found.constant, abs=5)


def test_a_state_that_is_always_the_same_tells_what_is_most_frequent() -> None:
    for what in ("length", "first word"):
        found = read_off("here", np.ones((120, 4)), asked(what), 0)
        assert found.score == pytest.approx(found.constant)


def test_sentences_count_once_and_are_seen_or_held_out() -> None:
    found = asked("length", SOURCES * 3, LENGTHS * 3)
    assert len(found.places) == 120 == len({(SOURCES * 3)[place] for place in found.places})
    assert found.fitted == 84


def test_what_cannot_be_told_is_said() -> None:
    found, notes = properties(SOURCES, LENGTHS, 0)
    assert [each.what for each in found] == ["length", "first word"]
    assert notes == [
        "The last word is not read from states: that takes 40 different sentences with two or more words that 10 "
        "sentences or more have there. There are 0 with 0."
    ]
    assert len(properties(["a b"] * 90, [2] * 90, 0)[1]) == 3


def test_of_single_words_the_letters_are_asked() -> None:
    sources = [f"{first}{number:02}{last}" for number in range(20) for first, last in ("xa", "yb", "xb")]
    first = asked("first word", sources, list(map(len, sources)))
    assert first.targets.shape == (60, 2) and first.targets.sum(0).tolist() == [40, 20]
