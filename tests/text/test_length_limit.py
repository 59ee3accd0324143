import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.text.length_limit import LengthLimit

LENGTH = st.integers(1, 300)
PAIRS = st.lists(st.tuples(LENGTH, LENGTH), min_size=1, max_size=60)


def learn(pairs, counts=None):
    return LengthLimit.learn(*zip(*pairs, strict=True), counts)


def around(ratio, sources, spread=2, seed=0):
    """Pairs whose targets are about so many times as long as their sources, END counted."""
    chance = np.random.default_rng(seed)
    return [(source, max(1, round(ratio * source + chance.uniform(-spread, spread)))) for source in sources]


class TestLearn:
    @given(PAIRS)
    def test_every_pair_is_within_its_own_limit_with_a_margin(self, pairs):
        limit = learn(pairs)
        assert all(limit.of(source) >= 1.2 * (target - 1) + 1 for source, target in pairs)
        assert all(limit.of(source) >= target + 5 for source, target in pairs)

    @given(PAIRS, st.integers(1, 2000))
    def test_a_longer_source_has_no_lower_limit(self, pairs, source):
        limit = learn(pairs)
        assert limit.of(source) <= limit.of(source + 1)

    @given(PAIRS, LENGTH)
    def test_none_is_below_what_held_before(self, pairs, source):
        assert learn(pairs).of(source) >= 2 * (source - 1) + 10

    @given(PAIRS, st.randoms(use_true_random=False))
    def test_order_does_not_count_and_a_count_is_so_many_pairs(self, pairs, shuffler):
        counts = [shuffler.randint(1, 4) for _ in pairs]
        many = [pair for pair, count in zip(pairs, counts, strict=True) for _ in range(count)]
        shuffler.shuffle(many)
        assert learn(pairs, counts) == learn(many)

    @pytest.mark.parametrize("ratio", [0.2, 1, 2, 5, 8])
    def test_sources_longer_than_any_seen_have_what_their_targets_need(self, ratio):
        limit = learn(around(ratio, range(3, 13)))
        for source in (30, 100, 1000):
            assert ratio * source <= limit.of(source) <= max(2 * source + 10, 1.6 * ratio * source + 20)

    @pytest.mark.parametrize("ratio", [1, 5])
    @pytest.mark.parametrize("wrong", [(2, 100), (3, 60), (100, 2)])
    def test_a_wrong_pair_among_twenty_lifts_the_line_and_does_not_tilt_it(self, ratio, wrong):
        pairs = around(ratio, [3 + number % 15 for number in range(20)])
        right, with_wrong = learn(pairs), learn([*pairs, wrong])
        for source in (10, 100, 1000):
            assert with_wrong.of(source) <= 1.25 * right.of(source) + 1.2 * wrong[1]

    @given(PAIRS)
    def test_which_targets_are_beyond_it(self, pairs):
        sources, targets = zip(*pairs, strict=True)
        for limit in (learn(pairs), LengthLimit.by_factor(0.5), LengthLimit(((0.0, 3), (1.3, 1)))):
            expected = [target > limit.of(source) for source, target in pairs]
            assert limit.beyond(sources, targets).tolist() == expected
        assert not learn(pairs).beyond(sources, targets).any()

    def test_targets_of_one_length(self):
        limit = learn([(source, 11) for source in range(2, 60)])
        assert limit.of(2) >= 11
        assert limit.of(500) == LengthLimit.by_factor().of(500)

    @pytest.mark.parametrize("pair", [(1, 1), (1, 50), (2, 6), (6, 26), (90, 3)])
    def test_one_pair(self, pair):
        limit = learn([pair])
        assert limit.of(pair[0]) >= pair[1] + 5
        assert limit.of(10 * pair[0]) >= pair[1]

    def test_a_tenth_with_longer_targets_counts(self):
        pairs = around(1, range(3, 50)) * 8 + around(5, range(3, 50))
        assert learn(pairs).of(49) >= 5 * 49

    def test_sources_longer_than_any_seen_have_what_a_tenth_needs(self):
        assert learn(around(1, range(3, 50)) * 8 + around(5, range(3, 50))).of(490) >= 5 * 490

    def test_many_wrong_pairs_of_short_sources_do_not_tilt_the_line(self):
        assert learn([(50, 50)] * 10 + [(2, 60)] * 3).of(1000) == LengthLimit.by_factor().of(1000)

    @pytest.mark.parametrize(
        ("source", "target", "counts"),
        [
            ([], [], None),
            ([1, 2], [1], None),
            ([1], [1], [1, 1]),
            ([0], [1], None),
            ([1], [0], None),
            ([[1]], [1], None),
        ],
    )
    def test_what_is_no_pair_of_lengths_is_refused(self, source, target, counts):
        with pytest.raises(ValueError, match=r"lengths of one pair or more, END counted. Received: \d sources"):
            LengthLimit.learn(source, target, counts)


class TestByFactor:
    @given(st.floats(0.1, 20), st.integers(0, 1000))
    def test_is_what_held_before(self, factor, tokens):
        assert LengthLimit.by_factor(factor).of(tokens + 1) == math.ceil(factor * tokens) + 10


def test_a_setting_chooses_a_factor_or_what_was_learnt():
    learnt = LengthLimit(((5.0, 3),))
    assert LengthLimit.chosen("learnt", learnt) is learnt
    assert LengthLimit.chosen("learnt") == LengthLimit.by_factor() == LengthLimit.by_factor(2.0)
    assert LengthLimit.chosen(1.5, learnt) == LengthLimit.chosen(1.5) == LengthLimit.by_factor(1.5)


def test_is_said_in_words():
    assert str(LengthLimit.by_factor(1.5)) == "1.5 n + 10 tokens for n of the source"
    assert str(LengthLimit(((2.0, 10), (6.0, 6)))) == "the highest of 2 n + 10 and 6 n + 6 tokens for n of the source"


class TestTable:
    @given(PAIRS)
    def test_comes_back_from_json(self, pairs):
        limit = learn(pairs)
        assert LengthLimit.from_table(json.loads(json.dumps(limit.to_table()))) == limit

    @pytest.mark.parametrize(
        "table",
        [
            {},
            [],
            None,
            {"lines": 2},
            {"lines": [2, 3]},
            {"lines": [[1.0]]},
            {"lines": [[1.0, 2, 3]]},
            {"lines": [["1", 2]]},
            {"lines": [[1.0, 2.5]]},
            {"lines": [[True, 2]]},
        ],
    )
    def test_another_table_is_refused(self, table):
        with pytest.raises(ValueError, match=r"table of lines, each a slope and a whole number. Received: "):
            LengthLimit.from_table(table)

    @pytest.mark.parametrize("lines", [[], [[-1.0, 5]], [[math.inf, 5]], [[math.nan, 5]], [[1.0, 0]]])
    def test_lines_that_cannot_be_are_refused(self, lines):
        with pytest.raises(ValueError, match=r"lines that do not fall and leave room for one token. Received: lines="):
            LengthLimit.from_table({"lines": lines})


def test_cannot_be_changed():
    with pytest.raises(AttributeError):
        LengthLimit.by_factor().lines = ()


def test_korean_spelling_to_sound_is_not_cut(data):
    from seq2seq.text.reading import read_corpus
    from seq2seq.text.tokenizer import Tokenizer

    corpus = read_corpus(data / "sigmorphon2020_g2p", "train/kor_train", source="0", target="1")
    lengths = [
        [len(ids) + 1 for ids in Tokenizer.train(side, kind="char").encode_batch(side)]
        for side in (corpus.sources, corpus.targets)
    ]
    pairs = sorted(zip(*lengths, strict=True))
    assert sum(LengthLimit.by_factor().of(source) < target for source, target in pairs) > 1200
    limit = learn(pairs)
    assert all(target < limit.of(source) <= 8 * source + 20 for source, target in pairs)
    shorter = learn([(source, target) for source, target in pairs if source <= 5])
    assert all(target < shorter.of(source) for source, target in pairs)
