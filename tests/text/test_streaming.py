import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.text.batches import Batches, StreamedBatches, encode_corpus
from seq2seq.text.corpus import Corpus, Pair, corpus_from_pairs
from seq2seq.text.length_limit import LengthLimit
from seq2seq.text.pairs import CorpusError
from seq2seq.text.tokenizer import Tokenizer

LONGEST = 8

TEXT = st.lists(st.sampled_from("abcdef"), max_size=9).map(" ".join)
CORPUS = st.lists(st.tuples(TEXT, TEXT), max_size=40).map(lambda pairs: [*pairs, ("a", "b c")])
SETTINGS = st.fixed_dictionaries(
    {
        "size": st.integers(LONGEST, 40),
        "unit": st.sampled_from(["sentences", "tokens"]),
        "window": st.integers(1, 30),
    }
)


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train(["a b c d e f"], kind="word")


def build(pairs, tokenizer, **settings):
    stream = Corpus(lambda: map(Pair._make, pairs), name="stream", streamed=True)
    settings = {"max_source_length": LONGEST, "max_target_length": LONGEST} | settings
    return StreamedBatches(stream, tokenizer, tokenizer, **settings)


def as_lists(batches):
    return [(inputs["source"].tolist(), inputs["target_in"].tolist(), out.tolist()) for inputs, out in batches]


def rows(batches):
    """The pairs of batches without padding, sorted."""
    return sorted(
        (inputs["source"][i][inputs["source"][i] > 0].tolist(), out[i][out[i] > 0].tolist())
        for inputs, out in batches
        for i in range(len(out))
    )


@given(pairs=CORPUS, settings=SETTINGS, epoch=st.integers(0, 2))
def test_reads_what_batches_in_memory_read(tokenizer, pairs, settings, epoch):
    streamed = build(pairs, tokenizer, **settings)
    corpus = corpus_from_pairs(pairs)
    settings = {name: settings[name] for name in ("size", "unit")}
    ids = encode_corpus(corpus, tokenizer, tokenizer, None)
    memory = Batches(*ids, max_source_length=LONGEST, max_target_length=LONGEST, **settings)
    assert rows(streamed.run(epoch)) == rows(memory.run(epoch))
    assert (streamed.tokens, streamed.skipped) == (memory.tokens, memory.skipped)
    assert streamed.length_limit == memory.length_limit
    short = LengthLimit(((0.5, 2),))
    assert streamed.beyond(short) == memory.beyond(short)


@given(pairs=CORPUS, settings=SETTINGS)
def test_one_window_is_as_batches_in_memory(tokenizer, pairs, settings):
    settings = settings | {"window": 100}
    streamed = build(pairs, tokenizer, **settings)
    del settings["window"]
    corpus = corpus_from_pairs(pairs)
    ids = encode_corpus(corpus, tokenizer, tokenizer, None)
    memory = Batches(*ids, max_source_length=LONGEST, max_target_length=LONGEST, **settings)
    # Of a corpus in memory its own report tells them.
    empty = f"; skipped in the stream: {corpus.skipped['empty']} empty" if corpus.skipped else ""
    assert streamed.report() == memory.report() + empty
    assert (streamed.steps(), streamed.fill) == (memory.steps(), memory.fill)


def test_all_that_is_in_no_batch_is_told(tokenizer):
    batches = build([("a", "b"), ("", "b"), ("a " * 20, "b"), ("a", " "), ("a", "\u200b")], tokenizer)
    assert batches.report().endswith(", skipped: 1 empty, 1 over-long; skipped in the stream: 2 empty")


@pytest.mark.parametrize("counted", [False, True])
@given(pairs=CORPUS, settings=SETTINGS, epoch=st.integers(0, 2), data=st.data())
def test_an_epoch_from_a_step_on_is_the_tail_of_the_epoch(tokenizer, counted, pairs, settings, epoch, data):
    whole = as_lists(build(pairs, tokenizer, **settings).run(epoch))
    step = data.draw(st.integers(0, len(whole)))
    again = build(pairs, tokenizer, **settings)
    if counted:
        assert again.steps(epoch) == len(whole)
    assert as_lists(again.run(epoch, step)) == whole[step:]


def test_the_dataset_goes_on_and_seeks(tokenizer):
    pairs = [("a b"[: 1 + 2 * (i % 2)], "c") for i in range(50)]
    batches = build(pairs, tokenizer, size=4, window=20)
    dataset = batches.dataset()
    for epoch in range(2):
        assert as_lists(dataset.as_numpy_iterator()) == as_lists(batches.run(epoch))
    batches.seek(4, 7)
    assert as_lists(dataset.as_numpy_iterator()) == as_lists(batches.run(4))[7:]
    assert as_lists(dataset.as_numpy_iterator()) == as_lists(batches.run(5))


def test_epochs_and_seeds_differ(tokenizer):
    pairs = [(letter, other) for letter in "abcdef" for other in "abcdef"]
    orders = {
        str(as_lists(build(pairs, tokenizer, size=4, window=18, seed=seed).run(epoch)))
        for seed in (0, 1)
        for epoch in (0, 1)
    }
    assert len(orders) == 4
    still = build(pairs, tokenizer, size=4, window=18, shuffle=False)
    assert as_lists(still.run(0)) == as_lists(still.run(1))


def test_every_window_is_drawn_for_itself_and_counts_in_the_checksum(tokenizer):
    pairs = [(letter, other) for letter in "abcdef" for other in "abc"]
    epoch = as_lists(build(2 * pairs, tokenizer, size=3, window=18).run(0))
    assert epoch[:6] != epoch[6:]
    one, other = (build([*first, *pairs], tokenizer, window=1).checksum for first in (pairs[:1], pairs[1:2]))
    assert one != other


def test_no_more_than_a_window_is_read_ahead(tokenizer):
    read = []
    stream = Corpus(lambda: (read.append(i) or Pair("a", "b") for i in range(1000)), name="long", streamed=True)
    batches = StreamedBatches(stream, tokenizer, tokenizer, size=10, window=50).run(0)
    for step in range(12):
        next(batches)
        assert len(read) == 50 * (step // 5 + 1)


def test_windows_before_the_step_are_not_tokenised(tokenizer, monkeypatch):
    batches = build([("a", "b")] * 100, tokenizer, size=5, window=10)
    assert batches.steps() == 20
    seen = []
    plain = Tokenizer.encode_batch
    monkeypatch.setattr(Tokenizer, "encode_batch", lambda self, texts: seen.extend(texts) or plain(self, texts))
    assert len(list(batches.run(1, 19))) == 1
    assert len(seen) == 2 * 10


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"unit": "tokens", "size": 7}, "size=7 tokens, max_source_length=8, max_target_length=8"),
        ({"window": 0}, "window=0"),
        ({"unit": "words"}, "unit='words'"),
    ],
)
def test_wrong_settings_are_refused(tokenizer, settings, message):
    with pytest.raises(ValueError, match=message):
        build([("a", "b")], tokenizer, **settings)


def test_a_stream_without_a_pair_that_fits_is_refused(tokenizer):
    batches = build([("a " * 20, "b"), ("", "b")], tokenizer)
    with pytest.raises(CorpusError, match=r"at least one pair. Received: stream: streamed, skipped: 1 empty"):
        batches.steps()
