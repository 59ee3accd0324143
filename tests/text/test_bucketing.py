from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.text.bucketing import form_batches, pad_batch, share_of
from seq2seq.text.ids import Ids
from seq2seq.text.special_ids import END, PAD, START

from .strategies import CORPUS

LENGTHS = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), max_size=100)
UNIT = st.sampled_from(["sentences", "tokens"])


def form(pairs, size, unit, seed):
    source, target = np.array(pairs, np.int64).reshape(-1, 2).T
    random = None if seed is None else np.random.default_rng(seed)
    return form_batches(source, target, size=size, unit=unit, random=random)


@given(LENGTHS, st.integers(30, 200), UNIT, st.none() | st.integers(0, 9))
def test_every_pair_is_in_one_batch_within_the_bound(pairs, size, unit, seed):
    batches = form(pairs, size, unit, seed)
    assert sorted(place for batch in batches for place in batch.tolist()) == list(range(len(pairs)))
    for batch in batches:
        longest = max(max(pairs[place]) for place in batch.tolist())
        assert 0 < len(batch) * (longest if unit == "tokens" else 1) <= size


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
