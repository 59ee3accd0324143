import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.text.ids import Ids

from .strategies import SENTENCE


@given(st.lists(SENTENCE))
def test_lists_come_back(lists):
    ids = Ids.pack(lists)
    assert [one.tolist() for one in ids] == [ids[i].tolist() for i in range(len(ids))] == lists
    assert ids.lengths.tolist() == [len(one) for one in lists]
    assert (ids.flat.dtype, ids.starts.dtype) == (np.int32, np.int64)


def test_packed_stays_as_it_is():
    ids = Ids.pack([[4], []])
    assert Ids.pack(ids) is ids


def test_an_index_outside_is_refused():
    with pytest.raises(IndexError, match="index=2, 2 lists"):
        Ids.pack([[4], []])[2]
