import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.text.batches import Batches, StreamedBatches, encode_corpus
from seq2seq.text.length_limit import LengthLimit
from seq2seq.text.pairs import CorpusError

from .strategies import CORPUS

SETTINGS = st.fixed_dictionaries({"size": st.integers(10, 40), "unit": st.sampled_from(["sentences", "tokens"])})
LONGEST = 8  # so that some pairs are over-long


def build(corpus, **settings):
    sources, targets = zip(*corpus, strict=True)
    settings = {"max_source_length": LONGEST, "max_target_length": LONGEST} | settings
    return Batches(sources, targets, **settings)


def as_lists(batches):
    return [(inputs["source"].tolist(), inputs["target_in"].tolist(), out.tolist()) for inputs, out in batches]


def read(dataset):
    """One epoch of a dataset of TensorFlow as lists."""
    return as_lists(dataset.as_numpy_iterator())


SAME_LENGTH = [([i % 40 + 4] * 3, [i % 50 + 4] * 2) for i in range(100)]


class TestOrder:
    @given(CORPUS, SETTINGS, st.integers(0, 3), st.booleans())
    def test_each_pair_is_read_once_an_epoch(self, corpus, settings, epoch, shuffle):
        batches = build(corpus, shuffle=shuffle, **settings)
        kept = [i for i, (s, t) in enumerate(corpus) if s and t and max(len(s), len(t)) < LONGEST]
        assert sorted(int(i) for batch in batches.order(epoch) for i in batch) == kept
        assert batches.steps(epoch) == len(batches.order(epoch))

    @given(CORPUS, SETTINGS, st.integers(0, 3), st.data())
    def test_an_epoch_from_a_step_on_is_the_tail_of_the_epoch(self, corpus, settings, epoch, data):
        batches = build(corpus, **settings)
        step = data.draw(st.integers(0, batches.steps(epoch)))
        whole = as_lists(batches.run(epoch))
        # Built again, and after other epochs: nothing but seed, epoch and step counts.
        again = build(corpus, **settings)
        again.order(epoch + 1)
        assert as_lists(again.run(epoch, step)) == whole[step:]

    def test_epochs_and_seeds_differ(self):
        orders = {
            tuple(tuple(batch.tolist()) for batch in build(SAME_LENGTH, size=10, seed=seed).order(epoch))
            for seed in (0, 1)
            for epoch in (0, 1)
        }
        assert len(orders) == 4

    def test_without_shuffling_epochs_are_the_same_and_by_length(self):
        corpus = [([4] * (i % 7 + 1), [5] * (i % 5 + 1)) for i in range(50)]
        batches = build(corpus, size=8, shuffle=False)
        assert as_lists(batches.run(0)) == as_lists(batches.run(3))
        longest = [out.shape[1] for _, out in batches.run(0)]
        assert longest == sorted(longest)


class TestCounts:
    @given(CORPUS, SETTINGS)
    def test_are_those_of_the_batches(self, corpus, settings):
        batches = build(corpus, **settings)
        epoch = list(batches.run(0))
        real = sum(int((inputs["source"] != 0).sum() + (out != 0).sum()) for inputs, out in epoch)
        padded = sum(inputs["source"].size + out.size for inputs, out in epoch)
        assert batches.fill == pytest.approx(real / padded)
        assert batches.tokens == sum(int((out != 0).sum()) for _, out in epoch)
        empty = sum(not s or not t for s, t in corpus)
        long = sum(bool(s) and bool(t) and max(len(s), len(t)) >= LONGEST for s, t in corpus)
        assert batches.skipped == {"empty": empty, "over-long": long}

    def test_are_told(self):
        batches = build([([4], [5]), ([4] * 99, [5]), ([], [5]), ([4], [5, 6])], size=2)
        assert batches.report() == (
            "2 pairs in 1 batch of at most 2 sentences, 5 target tokens, 90.0 % filled, skipped: 1 empty, 1 over-long"
        )

    def test_lengths_count_the_end(self):
        sources, targets = [[4] * 4, [4] * 5], [[5]] * 2
        assert Batches(sources, targets, max_source_length=5).skipped["over-long"] == 1
        assert Batches(sources, targets, max_source_length=6).skipped["over-long"] == 0

    def test_the_limit_of_lengths_is_learnt_from_the_pairs_that_are_read(self):
        batches = build([([4], [5] * 6), ([4] * 2, [5] * 7), ([4] * 99, [5]), ([4], [5] * 99), ([], [5])])
        assert batches.length_limit == LengthLimit.learn([2, 3], [7, 8])
        assert batches.beyond(LengthLimit(((0.0, 7),))) == 1


class TestRefusals:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"unit": "words"}, "unit is one of: sentences, tokens. Received: unit='words'"),
            ({"size": 0}, "size=0 sentences"),
            ({"max_target_length": 1}, "at least one token and END. .* max_target_length=1"),
            ({"unit": "tokens", "size": 3}, "room for the longest pair. Received: size=3 tokens, a pair of 4 tokens"),
            ({"max_source_length": 2}, "at least one pair. Received: 100 pairs, skipped: 100 over-long.*Raise them"),
        ],
    )
    def test_are_in_words(self, settings, message):
        with pytest.raises(ValueError, match=message):
            build(SAME_LENGTH, **settings)

    @pytest.mark.parametrize("sources", [["3120"], ["a b"], "3120", [[4], "5"], [["12", "13"]], [[4.0]], [[None]]])
    def test_text_is_no_ids(self, sources):
        with pytest.raises(
            TypeError, match=r"whole numbers, one for each text\. Received: .* Give what a tokenizer makes"
        ):
            Batches(sources, [[4]] * len(sources))

    @pytest.mark.parametrize("special", [0, 1, 2, -1])
    def test_ids_that_batches_put_in_themselves(self, special):
        with pytest.raises(ValueError, match=rf"Ids of text begin at 3.*target_ids\[2\]=\[5, {special}\]\. Leave"):
            Batches([[4]] * 4, [[4], [], [5, special], [3]])

    def test_nothing_to_raise_where_nothing_was_too_long(self):
        with pytest.raises(CorpusError, match=r"Received: 0 pairs, skipped: none, .* tokens\.$"):
            Batches([], [])

    def test_unequal_sides(self):
        with pytest.raises(ValueError, match="2 sources, 1 targets"):
            Batches([[4], [5]], [[4]])

    @pytest.mark.parametrize(("epoch", "step"), [(-1, 0), (0, -1), (0, 11)])
    def test_a_step_that_is_not_there(self, epoch, step):
        with pytest.raises(ValueError, match=f"0 to 10. Received: epoch={epoch}, step={step}"):
            build(SAME_LENGTH, size=10).seek(epoch, step)


class TestDataset:
    @pytest.fixture
    def batches(self):
        return build(SAME_LENGTH, size=7, seed=3)

    def test_each_iteration_is_the_next_epoch(self, batches):
        dataset = batches.dataset()
        for epoch in range(3):
            assert read(dataset) == as_lists(batches.run(epoch))

    @pytest.mark.parametrize("step", [0, 1, 14, 15])
    def test_seek_gives_exactly_the_tail(self, batches, step):
        dataset = batches.dataset()
        read(dataset)
        batches.seek(5, step)
        whole = as_lists(batches.run(5))
        # From the end of an epoch on, the next one begins.
        assert read(dataset) == (whole[step:] if step < len(whole) else as_lists(batches.run(6)))
        following = 6 if step < len(whole) else 7
        assert read(dataset) == as_lists(batches.run(following))

    def test_an_iteration_left_early_does_not_disturb_the_next(self, batches):
        dataset = batches.dataset()
        next(iter(dataset))
        assert read(dataset) == as_lists(batches.run(1))

    def test_two_datasets_share_one_place(self, batches):
        first, second = batches.dataset(), batches.dataset()
        assert read(first) == as_lists(batches.run(0))
        assert read(second) == as_lists(batches.run(1))

    def test_one_trace_for_all_shapes(self):
        import tensorflow as tf

        batches = build([([4] * (i % 7 + 1), [5] * (i % 5 + 1)) for i in range(60)], size=8)
        traces = []

        @tf.function(autograph=False)
        def step(iterator):  # as Keras' own training step takes its data
            inputs, target_out = next(iterator)
            traces.append((inputs["source"].shape.as_list(), target_out.shape.as_list()))
            return tf.concat([tf.shape(inputs["source"]), tf.shape(target_out)], 0)

        iterator = iter(batches.dataset())
        shapes = {tuple(step(iterator).numpy()) for _ in range(batches.steps())}
        assert len(shapes) > 3
        assert traces == [([None, None], [None, None])]
        assert batches.dataset().cardinality() == batches.steps()

    def test_keras_reads_every_epoch_whole(self):
        import keras

        class Count(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                if epoch == 0 and late:
                    batches.seek(0, late)
                steps.append(0)

            def on_train_batch_end(self, batch, logs=None):
                steps[-1] += 1

        source, target_in = (keras.Input([None], dtype="int32", name=name) for name in ("source", "target_in"))
        context = keras.layers.GlobalAveragePooling1D(keepdims=True)(keras.layers.Embedding(60, 4)(source))
        logits = keras.layers.Dense(60)(keras.layers.Embedding(60, 4)(target_in) + context)
        model = keras.Model({"source": source, "target_in": target_in}, logits)
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        batches = build([([4] * (i % 7 + 1), [5] * (i % 5 + 1)) for i in range(60)], size=30, unit="tokens")
        steps, late = [], 0
        model.fit(batches.dataset(), epochs=3, shuffle=False, verbose=0, callbacks=[Count()])
        assert steps == [batches.steps()] * 3
        # A run that goes on in the middle of an epoch must not cut the later epochs short.
        steps, late = [], batches.steps() - 1
        with pytest.warns(UserWarning, match="ran out of data"):
            model.fit(batches.dataset(), epochs=3, shuffle=False, verbose=0, callbacks=[Count()])
        assert steps == [1, batches.steps(), batches.steps()]


class TestMulti30k:
    @pytest.mark.slow
    def test_batches_are_full(self, multi30k):
        corpus, tokenizer = multi30k
        assert (len(corpus), tokenizer.vocab_size) == (29_000, 8_000)
        ids = encode_corpus(corpus, tokenizer, tokenizer, None)
        for settings in ({"size": 64}, {"size": 2000, "unit": "tokens"}):
            assert Batches(*ids, **settings, pool=0).fill >= 0.9
            batches = Batches(*ids, **settings)
            assert batches.fill >= 0.68
            assert sum(batches.skipped.values()) == 0
            assert sorted(np.concatenate(batches.order(1)).tolist()) == list(range(29_000))

    def test_a_stream_is_as_good(self, multi30k, data):
        from seq2seq.text.reading import read_corpus

        _, tokenizer = multi30k
        stream = read_corpus(data / "multi30k" / "raw", "train", source="de", target="en", streaming=True)
        batches = StreamedBatches(stream, tokenizer, tokenizer, size=64, pool=0)
        assert batches.fill >= 0.9
        assert batches.steps() == -(-20_000 // 64) + -(-9_000 // 64)
