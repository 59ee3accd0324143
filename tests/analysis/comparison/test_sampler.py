import sys

import pytest

from seq2seq.analysis.comparison.sampler import SAMPLERS, Sampler, Space, read_space
from seq2seq.commands.command import make_parser
from seq2seq.recipe import SettingsError


def test_ranges_and_choices_are_told_apart() -> None:
    assert read_space("a.b=0..0.5") == Space("a.b", 0.0, 0.5)
    assert read_space("a.b=64..1024") == Space("a.b", 64, 1024, whole=True)
    assert read_space("a.b=1e-4..1e-2").logarithmic and not read_space("a.b=0..1").logarithmic
    assert read_space("a.b=0.1..1").logarithmic and not read_space("a.b=0.2..1").logarithmic
    assert read_space("a.b=mean,[[0], []]").values == ("mean", "[[0], []]")
    with pytest.raises(SettingsError, match=r"from its lower end to its upper one\. Received: a\.b=2\.\.1"):
        read_space("a.b=2..1")


def test_the_command_knows_the_samplers() -> None:
    for name in SAMPLERS:
        assert make_parser().parse_args(["compare", "a.toml", "--search", name]).search == name


def test_without_optuna_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r"pip install 'seq2seq\[search\]'.*Without it, --vary"):
        Sampler("tpe", [], higher=True, seed=0)


SPACES = [read_space("a=0..1.0"), read_space("b=1..1000"), read_space("c=x,y")]


@pytest.mark.parametrize("name", SAMPLERS)
def test_draws_are_in_their_space_and_the_same_for_a_seed(name: str) -> None:
    pytest.importorskip("optuna")
    first, again, other = (Sampler(name, SPACES, higher=True, seed=seed) for seed in (0, 0, 1))
    drawn = [[sampler.draw(number) for number in range(3)] for sampler in (first, again, other)]
    assert drawn[0] == drawn[1] != drawn[2]
    for values in drawn[0]:
        assert 0 <= values["a"] <= 1 and values["b"] in range(1, 1001) and values["c"] in ("x", "y")


def test_tpe_learns_from_trials_of_this_and_of_an_earlier_process() -> None:
    pytest.importorskip("optuna")
    sampler = Sampler("tpe", [read_space("a=0.0..1")], higher=False, seed=0)
    for number in range(30):  # of an earlier process: low is good
        sampler.learn(number, {"a": number / 30}, number / 30)
    sampler.learn(30, {"a": 0.9}, None)
    drawn = []
    for number in range(31, 51):
        drawn.append(sampler.draw(number)["a"])
        sampler.learn(number, {"a": drawn[-1]}, drawn[-1])
    assert sorted(drawn)[10] < 0.25
