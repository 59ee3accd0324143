import json

import pytest

from seq2seq.translation.n_best import Candidate, read_n_best


@pytest.mark.parametrize(
    ("rows", "scores"),
    [
        (["1\ta house", "1\tone  house", "2\t", "3\tx"], (None, None)),
        (["1\t-0.25\ta house", "1\t-1e-3\tone  house", "2\t0.0000\t", "3\t-inf\tx"], (-0.25, -0.001)),
        (["1\tended\ta house", "1\tcut\tone  house", "2\tended\t", "3\tcut\tx"], (None, None)),
        (["1\t-0.25\tended\ta house", "1\t-1e-3\tcut\tone  house", "2\t0\tended\t", "3\t0\tcut\tx"], (-0.25, -0.001)),
        (["1\t-0.25\tended\t0-0 1-1\ta house", "1\t-1e-3\tcut\t\tone  house", "2\t0\tended\t\t", "3\t0\tcut\t0-0\tx"],
         (-0.25, -0.001)),
    ],
)  # fmt: skip
def test_what_translate_writes_in_columns(rows, scores):
    lists = read_n_best(rows, "stdin")
    assert lists[0] == [Candidate("a house", scores[0]), Candidate("one  house", scores[1])]
    assert [[one.text for one in each] for each in lists[1:]] == [[""], ["x"]]


def test_what_it_writes_as_json():
    best = {"source": "s", "text": "a", "score": -0.5, "others": [{"text": "b", "score": None}]}
    empty = {"source": "", "text": "", "score": 0.0, "others": []}
    lists = read_n_best([json.dumps(best), json.dumps(empty)], "stdin")
    assert lists == [[Candidate("a", -0.5), Candidate("b", -float("inf"))], [Candidate("", 0.0)]]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["a house"], "x, line 1, 'a house'"),
        (["1\t-0.5\t-0.25\ta"], "x, line 1"),
        (["1\tmaybe\ta"], "x, line 1"),
        (["one\ta"], "x, line 1"),
        (["2\ta"], "x, line 1 with number 2 behind 0"),
        (["1\ta", "3\ta"], "x, line 2 with number 3 behind 1"),
        (["1\ta", "2\ta", "1\tb"], "x, line 3 with number 1 behind 2"),
        (["1\ta", "2\t-0.5\tb"], "x, where some lines have a score"),
        (['{"text": "a", "others": []}'], "x, line 1"),
        (['{"text": "a", "score": 0, "others": [7]}'], "x, line 1"),
        (["{"], "x, line 1"),
    ],
)
def test_what_is_no_list_is_told_with_its_line(rows, told):
    with pytest.raises(ValueError, match=r"An n-best list is what `seq2seq translate --n-best` writes") as error:
        read_n_best(rows, "x")
    assert told in str(error.value)
