import inspect
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.training.schedules import (
    SCHEDULES,
    Cosine,
    InverseSquareRoot,
    Linear,
    Luong,
    Plateau,
    Position,
    build_schedule,
)
from seq2seq.training.settings import TrainingSettings


def settings_of(name, warmup_steps=0, **settings):
    return TrainingSettings(schedule=name, warmup_steps=warmup_steps, **settings)


positions = st.builds(
    lambda update, share, epochs: Position(update, share * epochs, epochs),
    st.integers(0, 100_000),
    st.floats(0, 1),
    st.integers(1, 100),
)


@given(positions, st.sampled_from(sorted(SCHEDULES)), st.integers(0, 5000))
def test_every_factor_lies_between_zero_and_one(position, name, warmup_steps):
    assert 0 <= build_schedule(settings_of(name, warmup_steps)).factor(position) <= 1


@given(st.sampled_from(sorted(SCHEDULES)), st.integers(1, 5000))
def test_warmup_rises_in_equal_steps_to_the_peak(name, warmup_steps):
    schedule = build_schedule(settings_of(name, warmup_steps))
    factors = [schedule.factor(Position(update, 0.0, 10)) for update in (0, warmup_steps // 2, warmup_steps - 1)]
    assert factors == [1 / warmup_steps, (warmup_steps // 2 + 1) / warmup_steps, 1.0]


@given(st.integers(1, 5000), st.integers(1, 100_000))
def test_inverse_square_root_is_the_formula_of_the_paper_over_its_maximum(warmup, step):
    def vaswani(step):
        return min(step**-0.5, step * warmup**-1.5)

    factor = InverseSquareRoot(warmup).factor(Position(step - 1, 0.0, 1))
    assert factor == pytest.approx(vaswani(step) / vaswani(warmup))


@pytest.mark.parametrize("schedule", [Cosine(), Linear()])
def test_decays_to_zero_at_the_end_of_the_run(schedule):
    factors = [schedule.factor(Position(1, epoch, 8)) for epoch in (0, 4, 8)]
    assert factors == pytest.approx([1, 0.5, 0])


def test_luong_halves_every_half_epoch_from_the_step_that_begins_it():
    schedule = Luong(start=2, every=0.5)
    steps = 7
    rates = [schedule.factor(Position(0, epoch + step / steps, 4)) for epoch in range(4) for step in range(steps)]
    # Cuts come when 2, 2.5, 3, 3.5 epochs are over; 7 steps have no exact half: the fourth step is the first after it.
    expected = [
        0.5 ** (1 + math.floor(2 * (step / steps - 2))) if step >= 2 * steps else 1 for step in range(4 * steps)
    ]
    assert rates == expected


def test_luong_does_not_miss_a_cut_by_rounding():
    assert Luong(start=0.1, every=0.1).factor(Position(0, 0.3, 1)) == 0.5**3


def test_plateau_cuts_when_patience_ends_and_counts_anew():
    schedule = Plateau(patience=2, by=0.5, lowest=0.2)
    heard = [True, False, False, False, True, False, False, False, False]
    factors = []
    for improved in heard:
        schedule.observe(improved)
        factors.append(schedule.factor(Position(0, 0, 1)))
    assert factors == [1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2]


@pytest.mark.slow
@given(st.lists(st.booleans()), st.lists(st.booleans()))
def test_plateau_goes_on_from_its_state(before, after):
    straight, first, second = Plateau(patience=2), Plateau(patience=2), Plateau(patience=2)
    for improved in before:
        straight.observe(improved)
        first.observe(improved)
    second.set_state(first.get_state())
    for improved in after:
        straight.observe(improved)
        second.observe(improved)
    assert second.get_state() == straight.get_state()


def test_plateau_takes_over_from_a_schedule_that_remembers_nothing():
    schedule = Plateau()
    schedule.set_state(build_schedule(settings_of("constant")).get_state())
    assert schedule.factor(Position(0, 0, 1)) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: settings_of("plato"), 'Received: training.schedule="plato". Did you mean "plateau"'),
        (lambda: settings_of("constant", -1), "Received: training.warmup_steps=-1"),
        (lambda: Cosine(-1), "Received: warmup_steps=-1"),
        (lambda: Luong(every=0), "Received: start=5.0, every=0"),
        (lambda: Plateau(patience=0), "Received: patience=0"),
    ],
)
def test_refuses_in_words(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_named_schedule_takes_its_own_settings():
    given = {"start": 8.0, "every": 0.5, "patience": 3, "by": 0.25}
    names = {"start": "schedule_start", "every": "schedule_every", "patience": "schedule_patience"}
    for name, kind in SCHEDULES.items():
        own = {key: given[key] for key in inspect.signature(kind).parameters if key in given}
        settings = {names.get(key, "schedule_factor"): value for key, value in own.items()}
        built = build_schedule(settings_of(name, 7, **settings))
        assert type(built) is kind and built.warmup_steps == 7
        assert {key: value for key, value in vars(built).items() if key in given} == own
        usual = {key: value for key, value in vars(kind()).items() if not key.startswith("_")}
        built = build_schedule(settings_of(name))
        assert {key: value for key, value in vars(built).items() if key in usual} == usual
