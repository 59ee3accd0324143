from itertools import combinations, pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.text.bucketing import form_batches, pad_batch, share_of
from seq2seq.text.ids import Ids
from seq2seq.text.special_ids import END, PAD, START

from .strategies import CORPUS

LENGTHS = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), max_size=100)
UNIT = st.sampled_from(["sentences", "tokens"])


POOL = st.sampled_from([0, 1, 2, 5])


def form(pairs, size, unit, seed, pool=0):
    source, target = np.array(pairs, np.int64).reshape(-1, 2).T
    random = None if seed is None else np.random.default_rng(seed)
    return form_batches(source, target, size=size, unit=unit, random=random, pool=pool)


@given(LENGTHS, st.integers(30, 200), UNIT, st.none() | st.integers(0, 9), POOL, st.integers(1, 10))
def test_every_pair_is_in_one_batch_within_the_bound(pairs, size, unit, seed, pool, smaller):
    size = max(size // smaller, 1 if unit == "sentences" else 30)
    batches = form(pairs, size, unit, seed, pool)
    assert sorted(place for batch in batches for place in batch.tolist()) == list(range(len(pairs)))
    for batch in batches:
        longest = max(max(pairs[place]) for place in batch.tolist())
        assert 0 < len(batch) * (longest if unit == "tokens" else 1) <= size


@given(LENGTHS, st.integers(1, 20), st.integers(1, 9), POOL)
def test_with_pools_too_the_number_of_batches_does_not_depend_on_the_draw(pairs, size, seed, pool):
    for unit, bound in (("sentences", size), ("tokens", 30 * size)):
        assert len(form(pairs, bound, unit, seed, pool)) == len(form(pairs, bound, unit, 0, pool))


def test_pairs_of_a_pool_meet_others_in_every_epoch():
    random = np.random.default_rng(0)
    pairs = random.integers(1, 40, (3000, 2)).tolist()

    def met_again(pool):
        first, second = (form(pairs, 10, "sentences", seed, pool) for seed in (0, 1))
        place = {pair: number for number, batch in enumerate(second) for pair in batch.tolist()}
        again = [place[one] == place[two] for batch in first for one, two in combinations(batch.tolist(), 2)]
        return np.mean(again)

    # 300 batches: one companion in 300 would come back by chance.
    assert met_again(0) > 0.5 > 0.1 > met_again(20) > met_again(2) and met_again(1) < 0.01


def test_a_pool_is_sorted_by_length():
    pairs = [(length, length) for length in range(1, 401)]
    spans = [max(batch) - min(batch) for batch in form(pairs, 10, "sentences", 0, pool=5)]
    # 8 pools: ten pairs of one of them lie eight lengths apart, give or take where in its eight each stands.
    assert 60 <= min(spans) and max(spans) <= 10 * 8 and len(spans) == 40


def test_pools_have_hardly_more_batches_than_one():
    pairs = np.random.default_rng(0).integers(1, 40, (9900, 2)).tolist()
    whole = len(form(pairs, 50, "sentences", 0))
    for pool in (1, 5, 20, 100):
        assert whole <= len(form(pairs, 50, "sentences", 0, pool)) <= 1.02 * whole


def test_what_is_no_larger_than_a_pool_is_sorted_as_a_whole():
    pairs = [(length, length) for length in range(1, 101)]
    one, other = (form(pairs, 10, "sentences", 3, pool) for pool in (0, 10))
    assert [batch.tolist() for batch in one] == [batch.tolist() for batch in other]


@given(LENGTHS, st.integers(30, 200), UNIT, st.integers(0, 9))
def test_the_number_of_batches_does_not_depend_on_the_draw(pairs, size, unit, seed):
    shapes = [
        sorted((len(batch), max(pairs[i][0] for i in batch), max(pairs[i][1] for i in batch)) for batch in batches)
        for batches in (form(pairs, size, unit, seed), form(pairs, size, unit, None))
    ]
    assert shapes[0] == shapes[1]


@given(LENGTHS, st.integers(30, 200))
def test_no_batch_of_tokens_has_room_for_the_next_pair(pairs, size):
    batches = form(pairs, size, "tokens", None)
    for batch, following in pairwise(batches):
        longest = max(max(pairs[place]) for place in [*batch.tolist(), int(following[0])])
        assert (len(batch) + 1) * longest > size


def test_equal_pairs_change_their_batches():
    pairs = [(5, 5)] * 40
    assert {batch.tobytes() for batch in form(pairs, 4, "sentences", 0)} != {
        batch.tobytes() for batch in form(pairs, 4, "sentences", 1)
    }


@given(CORPUS)
def test_padding_is_on_the_right_and_special_ids_in_their_places(corpus):
    sources, targets = (Ids.pack(side) for side in zip(*corpus, strict=True))
    inputs, target_out = pad_batch(sources, targets, np.arange(len(corpus)))
    source_time = max(len(source) for source, _ in corpus) + 1
    target_time = max(len(target) for _, target in corpus) + 1
    for row, (source, target) in enumerate(corpus):
        assert inputs["source"][row].tolist() == [*source, END] + [PAD] * (source_time - len(source) - 1)
        padding = [PAD] * (target_time - len(target) - 1)
        assert inputs["target_in"][row].tolist() == [START, *target, *padding]
        assert target_out[row].tolist() == [*target, END, *padding]
    assert {array.dtype for array in (*inputs.values(), target_out)} == {np.dtype(np.int32)}


@given(CORPUS, st.integers(1, 5))
def test_shares_are_the_batch_cut_into_rows_and_an_empty_one_has_no_token(corpus, of):
    ids = [Ids.pack(side) for side in zip(*corpus, strict=True)]
    batch = pad_batch(*ids, np.arange(len(corpus)))
    shares = [share_of(batch, share, of) for share in range(of)]
    whole = rows(batch)
    assert [row for share in range(of) for row in rows(shares[share])] == [
        row for share in range(of) for row in whole[share::of]
    ]
    for (inputs, target_out), share in zip(shares, range(of), strict=True):
        # Something is read by the model in every share: a row without a real step is what cuDNN cannot do.
        assert all(len(each) for each in (inputs["source"], inputs["target_in"], target_out))
        assert (inputs["source"][:, 0] != PAD).all() and (inputs["target_in"][:, 0] == START).all()
        assert share < len(whole) or not np.count_nonzero(target_out)
        # No more padding than the longest pair of the share needs.
        assert all((each[:, -1] != PAD).any() for each in (inputs["source"], target_out) if share < len(whole))


def rows(batch):
    """The pairs of a batch without their padding."""
    inputs, target_out = batch
    pairs = zip(inputs["source"], inputs["target_in"], target_out, strict=True)
    return [tuple(tuple(side[side != PAD].tolist()) for side in pair) for pair in pairs if np.count_nonzero(pair[2])]
