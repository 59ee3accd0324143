"""What it costs trained models to read their own tokens, for the table of docs/explanation/teacher-forcing.md.

    python docs/measure_exposure.py NAME=RUN NAME=RUN ... --to exposure.json
    python docs/results_table.py exposure NAME --commit HASH exposure.json

The test text of each run is gone through twice, greedily: with the right tokens before each token, as in training, and
with the model's own, as in translation. Counted is which tokens are those of the reference, place by place. Up to the
first wrong one both read the same; behind it they part. Runs with one name are seeds of one model.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from measuring import runs_to_measure, write

BATCH = 64  # sentences

Written = tuple[list[int], list[int], list[int]]  # right tokens, what is chosen after right ones, and after own ones
Counts = list[list[int]]  # for each place: tokens, right ones after right tokens, right ones after own tokens


def main() -> None:
    """Measure and write."""
    runs, to = runs_to_measure(__doc__.splitlines()[0])
    import seq2seq
    from seq2seq.recipe import read_corpora

    models: list[dict[str, Any]] = []
    for name, record in runs:
        test = read_corpora(record.recipe, record.data).test
        if test is None:
            raise SystemExit(f"This is a run without a test text. Received: {record.folder}. Name another one.")
        written = list(both_ways(seq2seq.load(record.folder / "model.s2s"), test))
        models.append({
            "name": name,
            "seed": record.recipe.seed,
            "sentences": len(written),
            "wrong": sum(first_wrong(right, own) is not None for right, _, own in written),
            "by_place": by_place(written),
            "behind": behind(written),
        })  # fmt: skip
        print(f"{record.folder}: {models[-1]['wrong']:,} of {len(written):,} have a wrong token", flush=True)
    write(to, {"models": models})


def both_ways(translator: Any, pairs: Any) -> Iterator[Written]:
    """Give of each pair the ids of its target, those chosen after right tokens, and those chosen after own ones.

    All are as long as the target: what ends too early has padding behind its end.
    """
    from seq2seq.search import Greedy
    from seq2seq.text.bucketing import pad_batch
    from seq2seq.text.ids import Ids

    source = Ids.pack(translator.source_tokenizer.encode_batch(pairs.sources))
    target = Ids.pack(translator.target_tokenizer.encode_batch(pairs.targets))
    order = np.argsort([len(ids) for ids in target], kind="stable")
    for start in range(0, len(order), BATCH):
        inputs, right = pad_batch(source, target, order[start : start + BATCH])
        lengths = (right != 0).sum(axis=1).tolist()
        forced = np.argmax(translator.model(inputs, training=False), axis=-1)
        own = np.asarray(translator.model.decode(inputs["source"], max(lengths), Greedy()).tokens)[:, 0]
        for row, length in enumerate(lengths):
            written = np.resize(np.append(own[row], np.zeros(length, own.dtype)), length)  # may have ended early
            yield right[row, :length].tolist(), forced[row, :length].tolist(), written.tolist()


def first_wrong(right: Sequence[int], own: Sequence[int]) -> int | None:
    """Give the place of the first token that is not that of the reference; None where all are.

    Example:
        >>> first_wrong([5, 6, 2], [5, 7, 2]), first_wrong([5, 2], [5, 2])
        (1, None)
    """
    return next((place for place, (one, other) in enumerate(zip(right, own, strict=True)) if one != other), None)


def by_place(written: Iterable[Written]) -> Counts:
    """Count right tokens by place in the reference, from its first token on.

    Example:
        >>> by_place([([5, 6, 2], [5, 7, 2], [5, 7, 7])])
        [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
    """
    return _counted((0, *each) for each in written)


def behind(written: Iterable[Written]) -> Counts:
    """Count right tokens by how far they stand behind the first wrong one, from the next token on.

    Example:
        >>> behind([([5, 6, 2], [5, 7, 2], [5, 7, 7]), ([5, 2], [5, 2], [5, 2])])
        [[1, 1, 0]]
    """
    wrong = ((first_wrong(right, own), right, forced, own) for right, forced, own in written)
    return _counted((place + 1, *each) for place, *each in wrong if place is not None)


def _counted(written: Iterable[tuple[Any, ...]]) -> Counts:
    counts: Counts = []
    for start, *each in written:
        for place, (right, forced, own) in enumerate(zip(*(ids[start:] for ids in each), strict=True)):
            if place == len(counts):
                counts.append([0, 0, 0])
            counts[place][0] += 1
            counts[place][1] += right == forced
            counts[place][2] += right == own
    return counts


if __name__ == "__main__":
    main()
