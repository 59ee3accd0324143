from itertools import chain, islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.text import Batches, Corpus, LengthLimit, MixedBatches, Pair, StreamedBatches, Tokenizer


def batches_of(first: int, pairs: int, size: int = 2, unit: str = "sentences", seed: int = 3) -> Batches:
    """Pairs of increasing length whose ids tell from which corpus they are."""
    ids = [[first + number] * (1 + number % 4) for number in range(pairs)]
    return Batches(ids, ids, size=size, unit=unit, seed=seed)


def read(batches, epoch: int, step: int = 0) -> list[list[list[int]]]:
    return [target_out.tolist() for _, target_out in batches.run(epoch, step)]


@settings(max_examples=30)
@given(
    st.tuples(*[st.integers(1, 9)] * 3), st.floats(0.1, 3), st.sampled_from(["sentences", "tokens"]), st.data()
)  # fmt: skip
def test_an_epoch_has_all_of_the_first_and_goes_through_the_others(pairs, weight, unit, data) -> None:
    size = 2 if unit == "sentences" else 8
    first, *others = (batches_of(100 * n, each, size, unit) for n, each in enumerate(pairs, start=1))
    mixed = MixedBatches(first, others, [weight, 1.0], seed=5)
    counts = [max(1, round(each * first.steps())) for each in (weight, 1.0)]
    assert mixed.steps() == first.steps() + sum(counts)
    epochs = [read(mixed, epoch) for epoch in range(3)]
    assert all(len(epoch) == mixed.steps() for epoch in epochs)

    def of(number: int) -> list:
        found = [[batch for batch in epoch if batch[0][0] // 100 == number] for epoch in epochs]
        return found if number == 1 else [*chain.from_iterable(found)]

    assert of(1) == [read(first, epoch) for epoch in range(3)]
    for number, (other, count) in enumerate(zip(others, counts, strict=True), start=2):
        passes = chain.from_iterable(read(other, number) for number in range(10_000))
        assert of(number) == [*islice(passes, 3 * count)]
    epoch, step = data.draw(st.integers(0, 2)), data.draw(st.integers(0, mixed.steps()))
    assert read(mixed, epoch, step) == epochs[epoch][step:]


def test_a_stream_is_mixed_as_what_is_in_memory() -> None:
    pairs = [Pair("a b", "b"), Pair("b", "a"), Pair("c", "c c")]
    tokenizer = Tokenizer.train(["a b c"], kind="word")
    stream = StreamedBatches(Corpus(lambda: iter(pairs), name="s", streamed=True), tokenizer, tokenizer, size=1)
    mixed = MixedBatches(batches_of(100, 4, size=1), [stream], [0.5])
    seen = [batch for epoch in range(3) for batch in read(mixed, epoch) if batch[0][0] < 100]
    assert sorted(seen[:3]) == sorted(read(stream, 0)) and seen[3:] == read(stream, 1)


def test_fill_is_of_both_sides_whatever_their_lengths() -> None:
    first, other = batches_of(100, 4), Batches([[200] * 9, [201]], [[5], [6]], size=2)
    mixed = MixedBatches(first, [other], [0.5])
    arrays = [array for inputs, target_out in mixed.run(0) for array in (inputs["source"], target_out)]
    assert mixed.fill == sum((array != 0).sum() for array in arrays) / sum(array.size for array in arrays)


def test_what_is_known_of_the_whole() -> None:
    first, other = batches_of(100, 4), batches_of(200, 4, size=1)
    mixed = MixedBatches(first, [other], [1.0])
    assert mixed.steps() == 4 and mixed.tokens == first.tokens + other.tokens // 2
    assert 0 < mixed.fill <= 1 and mixed.skipped == {"empty": 0, "over-long": 0}
    assert mixed.length_limit.of(9) == max(first.length_limit.of(9), other.length_limit.of(9))
    assert isinstance(mixed.length_limit, LengthLimit)
    assert mixed.beyond(mixed.length_limit) == 0 and mixed.beyond(LengthLimit(((0.0, 1),))) == 8
    again, less = MixedBatches(first, [other], [1.0]), MixedBatches(first, [other], [0.5])
    assert (
        mixed.checksum
        == again.checksum
        != less.checksum
        != MixedBatches(first, [batches_of(300, 4, size=1)], [1.0]).checksum
    )
    assert not np.array_equal(mixed._order(0), mixed._order(1))
    mixed.seek(1, 2)
    found = [target_out.numpy().tolist() for _, target_out in mixed.dataset()]
    assert found == read(mixed, 1, 2)


@pytest.mark.parametrize("weights", [[], [1.0, 1.0], [0.0], [-1.0], [float("nan")], [float("inf")]])
def test_each_of_the_others_has_a_weight_above_0(weights: list[float]) -> None:
    with pytest.raises(ValueError, match=r"has a weight above 0\. Received: 1 others, weights=\["):
        MixedBatches(batches_of(100, 4), [batches_of(200, 4)], weights)
