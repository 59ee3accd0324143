"""The statistics of comparisons, on synthetic runs of known effect."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from seq2seq.analysis.comparison.statistics import Difference, difference, holm, resample
from seq2seq.analysis.comparison.student import quantile, two_sided
from seq2seq.metrics import Counts, count

SENTENCES = 120


def mean(sums):
    return sums[0] / sums[1]


def synthetic(generator, *, effect, seeds, of_seeds, of_systems, of_runs, sentences=SENTENCES):
    """Counts of two systems, whose true scores differ by the effect.

    What is left to chance: the sentences (hard ones are hard for all), which sentences suit which system, each run as a
    whole, and each run in each sentence.
    """
    hard = generator.normal(50, 20, sentences)
    found = []
    for system, count_ in enumerate(seeds):
        suits = generator.normal(0, of_systems, sentences)
        runs = []
        for _ in range(count_):
            scores = hard + suits + system * effect + generator.normal(0, of_seeds)
            scores += generator.normal(0, of_runs, sentences)
            runs.append(Counts(np.stack([scores, np.ones(sentences)], axis=1), mean))
        found.append(runs)
    return found


def compared(systems, *, comparisons=1, resamples=200, seed=0):
    first, second = systems
    drawn = resample([*first, *second], resamples=resamples, seed=seed)
    scores = [[each.score(each.rows.sum(0)) for each in runs] for runs in systems]
    return difference(
        *scores,
        drawn[:, : len(first)],
        drawn[:, len(first) :],
        sentences=len(first[0].rows),
        comparisons=comparisons,
    )


def covered(trials, *, effect, seeds, of_seeds, of_systems, of_runs, seed=0):
    """The share of intervals that hold the true effect."""
    generator = np.random.default_rng(seed)
    found = (
        compared(
            synthetic(generator, effect=effect, seeds=seeds, of_seeds=of_seeds, of_systems=of_systems, of_runs=of_runs),
            seed=trial,
        )
        for trial in range(trials)
    )
    return sum(each.low <= effect <= each.high for each in found) / trials


# What chance consists of: mostly the seeds, mostly the sentences, the runs in each sentence, everything.
SOURCES = {
    "seeds": {"of_seeds": 2.0, "of_systems": 1.0, "of_runs": 1.0},
    "sentences": {"of_seeds": 0.0, "of_systems": 15.0, "of_runs": 1.0},
    "runs": {"of_seeds": 0.0, "of_systems": 0.0, "of_runs": 15.0},
    "everything": {"of_seeds": 1.0, "of_systems": 8.0, "of_runs": 8.0},
}


@pytest.mark.parametrize("source", SOURCES)
def test_the_interval_holds_the_true_effect_at_its_rate(source):
    trials = 300
    error = math.sqrt(0.95 * 0.05 / trials)
    assert covered(trials, effect=3.0, seeds=(3, 3), **SOURCES[source]) == pytest.approx(0.95, abs=3 * error)


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("seeds", [(2, 2), (2, 5), (3, 3), (5, 5)])
def test_the_interval_holds_the_true_effect_at_its_rate_whatever_the_design(source, seeds):
    found = covered(800, effect=-3.0, seeds=seeds, seed=1, **SOURCES[source])
    # Of two seeds the interval is a little too wide.
    assert 0.95 - 0.025 <= found <= (0.99 if min(seeds) == 2 else 0.975)


def test_drawing_three_seeds_anew_would_give_intervals_that_are_too_short():
    generator, trials, held = np.random.default_rng(0), 300, 0
    for _ in range(trials):
        systems = synthetic(generator, effect=3.0, seeds=(3, 3), of_seeds=2.0, of_systems=1.0, of_runs=1.0)
        scores = [np.array([each.score(each.rows.sum(0)) for each in runs]) for runs in systems]
        drawn = [each[generator.integers(0, 3, (200, 3))].mean(1) for each in scores]
        low, high = np.quantile(drawn[1] - drawn[0], [0.025, 0.975])
        held += low <= 3.0 <= high
    assert held / trials < 0.88


@pytest.mark.parametrize("seeds", [(10, 3), (3, 7), (3, 5)])
def test_the_very_same_scores_are_no_difference_whatever_the_order_of_sums(seeds):
    rows = np.tile([[1.0, 3.0], [0.0, 4.0]], (30, 1))
    found = compared([[Counts(rows, lambda sums: 100 * sums[0] / sums[1])] * count for count in seeds])
    assert (found.value, found.low, found.high, found.p, found.smallest) == (0, 0, 0, 1, 0)


@pytest.mark.parametrize(("seeds", "systems"), [(3, 4), (2, 8)])
def test_equal_systems_are_called_equal(seeds, systems):
    generator, trials = np.random.default_rng(3), 100
    false = unlike = 0
    for trial in range(trials):
        each_once = (seeds * systems, 1)
        runs, _ = synthetic(generator, effect=0, seeds=each_once, of_seeds=1.0, of_systems=0.0, of_runs=5.0)
        drawn = resample(runs, resamples=200, seed=trial)
        scores = [each.score(each.rows.sum(0)) for each in runs]
        parts = [slice(start, start + seeds) for start in range(0, seeds * systems, seeds)]
        found = holm([
            difference(scores[parts[0]], scores[part], drawn[:, parts[0]], drawn[:, part], sentences=SENTENCES)
            for part in parts[1:]
        ])  # fmt: skip
        false += any(each.detected for each in found)
        unlike += any(each.p < 0.2 for each in found)
    # Of whole tables, at most one in twenty may say that there is something.
    assert false / trials <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / trials)
    assert unlike / trials > 0.2  # what is not corrected finds what is not there more often


def test_the_smallest_difference_that_is_named_is_seen_four_times_in_five():
    design = {"seeds": (3, 3), "of_seeds": 0.5, "of_systems": 5.0, "of_runs": 5.0}
    generator = np.random.default_rng(5)
    smallest = np.median([compared(synthetic(generator, effect=0, **design)).smallest for _ in range(60)])
    seen = [compared(synthetic(generator, effect=smallest, **design)).detected for _ in range(200)]
    assert 0.7 <= np.mean(seen) <= 0.9
    single, several = (compared(synthetic(np.random.default_rng(5), effect=0, **design), comparisons=n) for n in (1, 5))
    assert several.smallest > single.smallest


def test_runs_that_say_the_same_do_not_differ():
    (runs, _) = synthetic(np.random.default_rng(0), effect=0, seeds=(1, 1), of_seeds=1.0, of_systems=1.0, of_runs=1.0)
    found = compared([runs, runs])
    assert (found.value, found.low, found.high, found.p, found.smallest) == (0, 0, 0, 1, 0)
    assert not found.detected and not found.seeds_known
    always = compared([runs, [Counts(runs[0].rows + np.array([1, 0]), mean)]])
    assert always.value == pytest.approx(1) and always.corrected == 0
    assert not always.detected  # two runs differ for sure; what they have otherwise need not be the reason


def test_one_seed_leaves_only_the_sentences_to_chance():
    systems = synthetic(np.random.default_rng(2), effect=0, seeds=(1, 1), of_seeds=9.0, of_systems=5.0, of_runs=5.0)
    one, two = (runs[0].rows[:, 0] for runs in systems)
    apart = two - one
    reach = NormalDist().inv_cdf(0.975) * apart.std(ddof=1) / math.sqrt(SENTENCES)
    found = compared(systems, resamples=2000)
    assert found.value == pytest.approx(apart.mean())
    assert found.high - found.value == pytest.approx(reach, rel=0.06)


def test_sets_are_drawn_the_same_for_every_run_and_again():
    counts = [count("bleu", ["a b c d", "b c"], ["a b c d", "b c d"]) for _ in range(2)]
    drawn = resample(counts, resamples=50)
    assert drawn.shape == (50, 2) and (drawn[:, 0] == drawn[:, 1]).all() and len(set(drawn[:, 0])) > 1
    assert (resample(counts, resamples=50) == drawn).all()


def test_holm_corrects_by_rank():
    found = holm([Difference(0, 0, 0, p, p, 0, True) for p in (0.04, 0.01, 0.03, 0.9)])
    assert [each.corrected for each in found] == pytest.approx([0.09, 0.04, 0.09, 0.9])
    assert [each.detected for each in found] == [False, True, False, False]


@pytest.mark.parametrize("t", [0.0, 0.5, 3.0, -20.0])
def test_student_is_what_is_known_in_closed_form(t):
    assert two_sided(t, 1) == pytest.approx(1 - 2 / math.pi * math.atan(abs(t)), abs=1e-7)
    assert two_sided(t, 2) == pytest.approx(1 - abs(t) / math.sqrt(2 + t * t), abs=1e-7)
    assert two_sided(t, 1e9) == pytest.approx(2 * NormalDist().cdf(-abs(t)), abs=1e-4)


@pytest.mark.parametrize("degrees", [1, 1.5, 2, 7, 200, 1e6])
def test_quantiles_undo_probabilities(degrees):
    for share in (0.8, 0.975, 0.999):
        assert two_sided(quantile(share, degrees), degrees) == pytest.approx(2 * (1 - share), rel=1e-3)
