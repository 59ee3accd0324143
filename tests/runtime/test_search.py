"""The search of the runtime over a scripted step: the same hypotheses as those of `seq2seq.search`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.runtime.constraints import Constraints
from seq2seq.runtime.graphs import Offered
from seq2seq.runtime.search import search
from seq2seq.search import Beam, Greedy, Sample
from tests.marks import quick
from tests.reference import END, PAD
from tests.search import scripted
from tests.search.test_constraints import batch_of

few = settings(max_examples=25)


class Scripted:
    """The step of `tests.search.scripted`, in NumPy, with what an exported step gives beside the logits."""

    def step(self, tokens, state, memory, count, attention=False, more=None):
        sentences = np.arange(len(tokens)) // (len(tokens) // len(memory["table"]))
        logits = memory["table"][sentences, state["before"], tokens] * state["scale"]
        places = np.argsort(-logits, axis=1, kind="stable")[:, :count]
        places = places if more is None else np.concatenate([places, more], axis=1)
        return Offered(
            tokens=places,
            logits=np.take_along_axis(logits, places, axis=1),
            end=logits[:, [END]],
            total=np.logaddexp.reduce(logits, axis=1, keepdims=True),
            state={"before": tokens, "scale": state["scale"] + np.float32(0.125)},
            attention=memory["looks"][sentences, state["before"], tokens] if attention else None,
        )


def run(how, tables, max_length, looks=None, constraints=None):
    batch = len(max_length)
    state = {"before": np.full(batch, PAD, np.int64), "scale": np.ones([batch, 1], np.float32)}
    memory = {"table": tables} | ({} if looks is None else {"looks": looks})
    return search(how, Scripted(), state, memory, max_length, looks is not None, constraints)


@pytest.mark.parametrize(
    "how",
    quick(
        [
            Greedy(),
            Greedy(min_length=3),
            Beam(3, n_best=3),
            Beam(1),
            Beam(2),
            Beam(4, n_best=4, length_penalty=0.0),
            Beam(5, n_best=2, length_penalty=1.5, min_length=2),
            Beam(12, n_best=12),
        ],
        Greedy(min_length=3),
        Beam(3, n_best=3),
    ),
    ids=repr,
)
@few
@given(
    seed=st.integers(0, 2**32 - 1),
    max_length=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    vocab=st.integers(3, 9),
)
def test_finds_what_the_search_in_tensorflow_finds(how, seed, max_length, vocab):
    tables = scripted.random_tables(seed, len(max_length), vocab)
    looks = scripted.looks(seed, len(max_length), vocab)
    expected = scripted.run(how, tables, max_length, looks)
    for place, best in enumerate(run(how, tables, max_length, looks)):
        exist = int(np.sum(expected.tokens[place].any(axis=1)))
        assert len(best) == exist
        for rank, one in enumerate(best):
            length = len(one.tokens)
            assert one.tokens == expected.tokens[place, rank, :length].tolist()
            assert not expected.tokens[place, rank, length:].any()
            assert one.ended == expected.ended[place, rank]
            np.testing.assert_allclose(one.score, expected.scores[place, rank], rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(
                one.token_scores, expected.token_scores[place, rank, :length], rtol=1e-5, atol=1e-5
            )
            np.testing.assert_array_equal(one.attention, expected.attention[place, rank, :length])


def padded(rows, width):
    return [[*row, *[PAD] * (width - len(row))] for row in rows]


@pytest.mark.parametrize("how", quick([Beam(3, n_best=3), Greedy(), Beam(4, n_best=2, min_length=3)]), ids=repr)
@few
@given(
    seed=st.integers(0, 2**32 - 1),
    prefixes=st.lists(st.lists(st.integers(3, 6), max_size=3), min_size=1, max_size=4),
    avoid=st.lists(st.lists(st.integers(3, 6), min_size=1, max_size=3), max_size=3),
)
def test_holds_to_what_the_search_in_tensorflow_holds_to(how, seed, prefixes, avoid):
    tables, longest = scripted.random_tables(seed, len(prefixes), 7), [6] * len(prefixes)
    expected = scripted.run(
        how, tables, longest, prefix=padded(prefixes, 3), avoid=[padded([*avoid, []], 3)] * len(prefixes)
    )
    for place, best in enumerate(run(how, tables, longest, None, Constraints(prefixes, avoid))):
        assert len(best) == int(np.sum(expected.tokens[place].any(axis=1)))
        for rank, one in enumerate(best):
            assert one.tokens == expected.tokens[place, rank, : len(one.tokens)].tolist()
            assert one.ended == expected.ended[place, rank]
            np.testing.assert_allclose(one.score, expected.scores[place, rank], rtol=1e-5, atol=1e-5)


words = st.lists(st.integers(3, 6), min_size=1, max_size=3)


@pytest.mark.parametrize("how", quick([Beam(4, n_best=2), Beam(1), Beam(2)]), ids=repr)
@few
@given(
    seed=st.integers(0, 2**32 - 1),
    asked=st.lists(
        st.tuples(st.lists(words, max_size=3), st.lists(st.integers(3, 6), max_size=2), st.integers(1, 12)),
        min_size=1, max_size=4,
    ),
    avoid=st.lists(words, max_size=1),
)  # fmt: skip
def test_finds_phrases_as_the_search_in_tensorflow_does(how, seed, asked, avoid):
    needed, prefixes, longest = ([*each] for each in zip(*asked, strict=True))
    tables = scripted.random_tables(seed, len(asked), 8)
    asked = {"prefix": padded(prefixes, 2), "phrases": batch_of(needed)}
    if avoid:  # no empty one beside them: it would ban the padding, and let a token more among the best
        asked["avoid"] = [padded(avoid, 3)] * len(needed)
    expected = scripted.run(how, tables, longest, **asked)
    for place, best in enumerate(run(how, tables, longest, None, Constraints(prefixes, avoid, needed))):
        assert len(best) == int(np.sum(expected.tokens[place].any(axis=1)))
        for rank, one in enumerate(best):
            assert one.tokens == expected.tokens[place, rank, : len(one.tokens)].tolist()
            assert one.ended == expected.ended[place, rank]
            np.testing.assert_allclose(one.score, expected.scores[place, rank], rtol=1e-5, atol=1e-5)


def test_only_a_beam_looks_for_phrases():
    with pytest.raises(ValueError, match=r"Received: phrases, with settings=Greedy\(.*Use Beam\(10\)"):
        run(Greedy(), scripted.random_tables(0, 1, 4), [3], None, Constraints([[]], [], [[[3]]]))


@few
@given(seed=st.integers(0, 2**32 - 1), max_length=st.lists(st.integers(1, 9), min_size=2, max_size=8))
def test_a_sentence_is_translated_as_if_it_were_alone(seed, max_length):
    tables = scripted.random_tables(seed, len(max_length), 6)
    together = run(Beam(3, n_best=2), tables, max_length)
    alone = [run(Beam(3, n_best=2), tables[[place]], [length])[0] for place, length in enumerate(max_length)]
    assert together == alone


@pytest.mark.parametrize("how", [Greedy(), Beam(2)])
def test_what_is_impossible_has_no_score(how):
    tables = np.full([1, 4, 4, 4], -np.inf, np.float32)
    tables[..., 3] = 0  # nothing ever ends
    ((best,),) = run(how, tables, [3])
    expected = scripted.run(how, tables, [3])
    assert best.score == expected.scores[0, 0] == -np.inf
    assert best.tokens == expected.tokens[0, 0].tolist() and best.ended == expected.ended[0, 0]
    assert best.token_scores == expected.token_scores[0, 0].tolist()


def test_refuses_a_search_that_it_does_not_have():
    with pytest.raises(ValueError, match=r"searches greedily or with a beam. Received: settings=Sample\("):
        run(Sample(), scripted.random_tables(0, 1, 4), [3])


def test_refuses_a_setting_that_it_does_not_have():
    with pytest.raises(ValueError, match=r"This runtime knows beam_size, .* Received: word_reward=0\.5\. Leave it out"):
        run(Beam(2, word_reward=0.5, length_penalty=0.0), scripted.random_tables(0, 1, 4), [3])


def test_of_equal_tokens_the_end_comes_first_and_then_the_lowest_id():
    tables = np.zeros([1, 5, 5, 5], np.float32)
    assert run(Greedy(), tables, [3])[0][0].tokens == [END]
    tables[..., END] = -1
    assert run(Greedy(), tables, [3])[0][0].tokens == [3, 3, END]
