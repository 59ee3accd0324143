"""Settings of a search: checked where they are made, and split into what shapes a graph and what it is fed."""

import dataclasses
import re
import subprocess
import sys

import pytest

from seq2seq.search import Beam, DecodingSettings, Greedy, Sample, Search, search
from seq2seq.search.searches import SEARCHES
from seq2seq.settings import SettingsError


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Beam(0), "beam_size must be a whole number from 1 up. Received: beam_size=0"),
        (lambda: Beam("5"), 'beam_size must be a whole number from 1 up. Received: beam_size="5"'),
        (lambda: Beam(2, n_best=3), "Received: n_best=3, beam_size=2. Widen the beam, or ask for fewer"),
        (lambda: Beam(2, n_best=0), "n_best must be a whole number from 1 up. Received: n_best=0"),
        (lambda: Beam(length_penalty=-1.0), "length_penalty must be a number from 0 up. Received: length_penalty=-1.0"),
        (lambda: Greedy(length_penalty=float("nan")), "Received: length_penalty=NaN"),
        (lambda: Greedy(max_length_factor=0), 'must be a number above 0, or "learnt". Received: max_length_factor=0'),
        (lambda: Beam(word_reward=0.5), "Received: word_reward=0.5, length_penalty=1.0. Use length_penalty=0"),
        (lambda: Beam(stop="never"), 'stop must be one of "full", "exact". Received: stop="never"'),
        (lambda: Sample(temperature=0.0), "Received: temperature=0.0. Use Greedy()"),
        (lambda: Sample(temperature=float("nan")), "temperature must be a number above 0"),
        (lambda: Sample(top_k=-1), "top_k must be a whole number from 0 up. Received: top_k=-1"),
        (lambda: Sample(top_p=0.0), "top_p must be a number above 0 to 1. Received: top_p=0.0"),
        (lambda: Sample(top_p=1.1), "Received: top_p=1.1"),
        (lambda: Sample(seed=-1), "Received: seed=-1"),
        (lambda: Sample(n_best=0), "n_best must be a whole number from 1 up. Received: n_best=0"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(SettingsError, match=re.escape(message)):
        make()


def test_only_what_has_a_function_is_searched():
    with pytest.raises(TypeError, match=re.escape("one of Greedy, Beam, Sample. Received: settings=Search(")):
        search(Search(), lambda *_: (), (), (), max_length=[2], start=1, end=2)


@pytest.mark.parametrize("kind", SEARCHES)
def test_a_setting_is_structure_or_a_number_or_for_who_knows_the_source(kind):
    names = {field.name for field in dataclasses.fields(kind)}
    assert {*kind.structure, *kind.switches, *kind().numbers(), "max_length_factor"} == names
    for switch in kind.switches:
        on = kind().fed({switch: 0.5})
        assert on.has(switch) and not kind().has(switch)
        assert on.numbers() == {**kind().numbers(), switch: 0.5} and on.form() == kind().fed({switch: 1}) != kind()
    assert kind().max_length_factor == "learnt" and "max_length_factor" not in kind().numbers()
    assert hash(kind()) == hash(kind()) and kind().form() == kind()


def test_greedy_search_within_the_same_limits():
    assert Beam(3, length_penalty=0.5, max_length_factor=1.25).greedy() == Greedy(
        length_penalty=0.5, max_length_factor=1.25
    )


def test_only_what_draws_is_another_for_each_batch():
    assert Beam(3).for_batch(7) == Beam(3)
    seeds = {Sample(seed=seed).for_batch(number).seed for seed in (0, 1, 2**63 - 1) for number in range(5)}
    assert len(seeds) == 15 and Sample(seed=4).for_batch(0) == Sample(seed=4)


def test_what_is_protected_is_looked_for_by_one_beam():
    with pytest.raises(
        SettingsError, match=r"decoding\.protect='x', decoding\.search=beam 4\. Use a beam, without groups"
    ):
        DecodingSettings(Beam(4, groups=2, diversity=0.5), protect="x")


def test_loads_no_tensorflow():
    code = "import sys, seq2seq.search; assert 'tensorflow' not in sys.modules; seq2seq.search.Nothing"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "module 'seq2seq.search' has no attribute 'Nothing'" in done.stderr
