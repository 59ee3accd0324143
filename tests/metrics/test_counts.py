import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.metrics import METRICS, count, score

HYPOTHESES = ["The cat sat on the mat .", "It is a Dog", "nothing at all", ""]
REFERENCES = [["The cat sat on a mat .", "A cat sat ."], ["it is a dog"], ["nothing , at all", "nothing"], ["a"]]


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("name", METRICS)
@given(drawn=st.lists(st.integers(0, 3), min_size=1, max_size=8))
@settings(max_examples=20)
def test_the_score_of_sentences_drawn_again_is_that_of_their_summed_counts(name, lowercase, drawn):
    counts = count(name, HYPOTHESES, REFERENCES, lowercase=lowercase)
    whole = score(name, [HYPOTHESES[n] for n in drawn], [REFERENCES[n] for n in drawn], lowercase=lowercase).value
    assert counts.score(counts.rows[drawn].sum(0)) == pytest.approx(whole, abs=1e-9)


def test_bleu_is_counted_by_the_tokenizer_that_is_asked_for():
    found = [count("bleu", ["ab,cd"], ["ab,cd"], tokenize=name).rows[0, 0] for name in ("13a", "none", "char")]
    assert found == [3, 1, 5]


def test_what_has_nothing_to_divide_by_has_no_score():
    counts = count("word_error_rate", ["a", ""], ["b", ""])
    assert counts.score(counts.rows[0]) == 100.0
    assert np.isnan(counts.score(counts.rows[1]))


def test_an_unknown_metric_is_refused():
    with pytest.raises(ValueError, match=r"metric is one of: .* Did you mean 'bleu'\?"):
        count("blue", ["a"], ["a"])
