import pytest

from seq2seq.text.columns import find_column
from seq2seq.text.pairs import CorpusError

ROW = {"de": 1, "outer": {"fr": 2, "es": 3}, "other": {"es": 4}}


@pytest.mark.parametrize(
    ("column", "path"),
    [("de", ("de",)), ("fr", ("outer", "fr")), ("outer.es", ("outer", "es")), ("other.es", ("other", "es"))],
)
def test_finds_inside(column, path):
    assert find_column(ROW, column, "row 1") == path


def test_a_name_with_a_dot_is_a_name():
    assert find_column({"a.b": 1, "a": {"b": 2}}, "a.b", "row 1") == ("a.b",)


def test_two_of_a_name_are_both_told():
    with pytest.raises(CorpusError, match=r"column 'es', row 1. There is instead: 'outer.es', 'other.es'\."):
        find_column(ROW, "es", "row 1")


def test_none_of_a_name_lists_all():
    with pytest.raises(CorpusError, match=r"There is instead: 'de', 'outer.fr', 'outer.es', 'other.es'"):
        find_column(ROW, "it", "row 1")
