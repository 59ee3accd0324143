"""What is said of a run before it trains."""

import pytest

from seq2seq.runs.preparing import _outweighing

SHORT = ["a red house"] * 30


@pytest.mark.parametrize(
    ("references", "metrics", "told"),
    [
        ([*SHORT, "three " * 100], ("chrf", "bleu"), "One reference of 31 to validate on, the 31th, has 65% of all"),
        ([["three " * 100, "3"], *([each] for each in SHORT)], ("bleu", "exact_match"), "the 1th, has 65% of all"),
        ([*SHORT, "three " * 100], ("exact_match", "sequence_error_rate"), ""),
        ([*SHORT, "three " * 10], ("bleu",), ""),
        (["a", "a house by the lake"], ("bleu",), ""),
        ([], ("bleu",), ""),
    ],
)
def test_a_reference_that_decides_the_score_of_all_is_told(references, metrics, told):
    said = _outweighing(references, metrics)
    assert told in said and bool(said) == bool(told)
