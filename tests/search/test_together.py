"""All options of a beam at once, against brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.search import Beam
from tests import reference
from tests.marks import quick
from tests.reference import by_length
from tests.search.scripted import next_log_probs, random_tables, run, words
from tests.search.test_constraints import VOCAB, Rules, batch_of, padded, phrases, prefixes
from tests.search.test_phrases import has

TOGETHER = [
    (
        {"min_length": 2, "no_repeat_ngram": 2, "length_form": "gnmt", "word_reward": 0.5},
        by_length(1.0, 0.5, gnmt=True),
    ),
    ({"min_length": 1, "length_penalty": 0.0, "word_reward": 1.5, "stop": "exact"}, by_length(0.0, 1.5)),
    ({"no_repeat_ngram": 1, "length_penalty": 1.5}, by_length(1.5)),
]


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    asked=st.lists(st.tuples(prefixes, phrases, phrases, st.integers(2, 4)), min_size=1, max_size=3),
)
@pytest.mark.parametrize(("options", "worth"), quick(TOGETHER, TOGETHER[0]))
def test_widest_beam_equals_brute_force(options, worth, seed, asked):
    prefix, avoid, needed, max_length = ([*each] for each in zip(*asked, strict=True))
    tables = random_tables(seed, len(asked), VOCAB)
    constraints = {"prefix": padded(prefix), "avoid": batch_of(avoid), "phrases": batch_of(needed)}
    found = run(Beam(40, 3, **options), tables, max_length, **constraints)
    for table, longest, begin, no, must, tokens, scores in zip(
        tables, max_length, prefix, avoid, needed, found.tokens, found.scores, strict=True
    ):
        rules = Rules(options.get("no_repeat_ngram", 0), begin, no)
        every = reference.every_hypothesis(
            next_log_probs(table), longest, worth, options.get("min_length", 0), rules.allows
        )
        expected = [one for one in every if all(has(one.tokens, phrase) for phrase in must)][:3]
        assert [words(row) for row in tokens[: len(expected)]] == [one.tokens for one in expected]
        np.testing.assert_allclose(scores[: len(expected)], [one.score for one in expected], rtol=1e-5, atol=1e-5)
