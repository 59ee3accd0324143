"""A corpus: parallel text, in memory or streamed, from the hub, from files or from a list of pairs."""

import hashlib
import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from seq2seq.text.pairs import CorpusError, Pair
from seq2seq.text.texts import pairs_of

__all__ = ["Corpus", "CorpusError", "Pair", "corpus_from_pairs", "hold_out", "sample"]

_REST = " without what is held out"


class Corpus:
    """Parallel text as an iterable of `Pair`, read once into memory or again at every pass.

    A pair with an empty side (nothing, or white space only) is skipped and counted, whatever it was read from, unless
    the corpus is kept whole.

    Args:
        read: called without arguments, starts a new pass over the pairs. Called once if the corpus is kept in memory.
        name: what messages call the corpus.
        streamed: read again at every pass and keep nothing, so that memory stays flat.
        whole: keep pairs with an empty side too: text to be scored stays line by line what its file is.
        part_of: the corpus that the pairs are read from: what it skips is told here, too.

    Example:
        >>> corpus = Corpus(lambda: [Pair("un", "one"), Pair("", "two")], name="counting")
        >>> list(corpus), corpus.skipped
        ([Pair(source='un', target='one')], {'empty': 1})
    """

    def __init__(
        self,
        read: Callable[[], Iterable[Pair]],
        *,
        name: str,
        streamed: bool = False,
        whole: bool = False,
        part_of: "Corpus | None" = None,
    ) -> None:
        self._read = read
        self.name = name
        self.streamed = streamed
        self._whole = whole
        self._part_of = part_of
        self._skipped: Counter[str] = Counter()
        self._sources: list[str] = []
        self._targets: list[str] = []
        if not streamed:
            for source, target in self._pass():
                self._sources.append(source)
                self._targets.append(target)
            self._read = tuple  # the pairs are here: let go of whatever they were read from

    def __iter__(self) -> Iterator[Pair]:
        if self.streamed:
            return self._pass()
        return map(Pair, self._sources, self._targets)

    def __len__(self) -> int:
        self._need_memory("A length")
        return len(self._sources)

    def __repr__(self) -> str:
        return f"<Corpus {self.report()}>"

    @property
    def sources(self) -> list[str]:
        """The source texts in order; in memory only."""
        self._need_memory("A list of sources")
        return list(self._sources)

    @property
    def targets(self) -> list[str]:
        """The target texts in order; in memory only."""
        self._need_memory("A list of targets")
        return list(self._targets)

    @property
    def skipped(self) -> dict[str, int]:
        """How many pairs were skipped, by reason; of a streamed corpus, in the latest pass so far."""
        before = {} if self._part_of is None else self._part_of.skipped
        return dict(Counter(before) + self._skipped)

    def report(self) -> str:
        """Tell name, number of pairs and what was skipped, in one line.

        Example:
            >>> corpus_from_pairs([("un", "one"), ("deux", "")], name="counting").report()
            'counting: 1 pair, skipped: 1 empty'
        """
        pairs = len(self._sources)
        size = "streamed" if self.streamed else f"{pairs:,} pair{'s' * (pairs != 1)}"
        empty = sum(map(is_empty, self)) if self._whole else 0
        size += f", {empty:,} of them with an empty side" if empty else ""
        skipped = ", ".join(f"{count:,} {reason}" for reason, count in self.skipped.items())
        return f"{self.name}: {size}" + (f", skipped: {skipped}" if skipped else "")

    def _pass(self) -> Iterator[Pair]:
        skipped = self._skipped = Counter()
        for pair in self._read():
            if self._whole or not is_empty(pair):
                yield pair
            else:
                skipped["empty"] += 1

    def _need_memory(self, what: str) -> None:
        if self.streamed:
            raise TypeError(
                f"{what} needs a corpus in memory: a streamed one is only known after a pass over it. "
                f"Received: corpus={self.name!r}, streamed=True. Iterate over it, or read it with streaming=False."
            )


def corpus_from_pairs(pairs: Iterable[Iterable[str]], name: str = "memory") -> Corpus:
    r"""Make a corpus in memory from pairs of texts.

    Args:
        pairs: rows of a source and a target, both str, in any iterable: a list, a generator, `zip` of two columns or
            of two open files; in its order, read once. The end of a line (`\n`) is taken off.
        name: what messages call the corpus.

    Returns:
        The corpus; pairs with an empty side are skipped and counted.

    Raises:
        CorpusError: if something else is given than rows of two str, such as a DataFrame, rows that are dicts, or a
            cell that is NaN; the message says which row.

    Example:
        >>> len(corpus_from_pairs(zip(["un", "deux"], ["one", "two"])))
        2
    """
    return Corpus(lambda: pairs_of(pairs, "pairs"), name=name)


def hold_out(corpus: Corpus, count: int, seed: int = 0, *, purpose: str = "") -> tuple[Corpus, Corpus]:
    """Split a corpus so that no source text stands on both sides.

    Which sources are held out depends on their text and the seed alone, not on their order or on how the corpus is
    read. A streamed corpus is read once to choose; its rest stays streamed.

    Args:
        corpus: what to split; stays as it is.
        count: how many distinct source texts to hold out, with all their targets.
        seed: another seed holds out other sources.
        purpose: what the held-out corpus is for, such as `"test"`; for its name in messages.

    Returns:
        The rest and the held-out corpus, the latter in memory; both in the order of the corpus.

    Raises:
        CorpusError: if the corpus has no more than `count` distinct sources.

    Example:
        >>> rest, held = hold_out(corpus_from_pairs([("a", "1"), ("b", "2"), ("b", "3"), ("c", "4")]), 1, seed=0)
        >>> len(rest) + len(held), set(rest.sources) & set(held.sources)
        (4, set())
    """
    if count < 1:
        raise CorpusError(f"hold_out needs a positive number of sources. Received: count={count}.")
    chosen, more = _drawn(corpus, count, seed)
    if not more:
        raise CorpusError(
            f"hold_out needs more distinct sources than it holds out. Received: count={count}, "
            f"{len(chosen)} distinct sources in {corpus.name}. Hold out fewer (validation and test take as many each "
            "where they have no text of their own), or bring a larger corpus."
        )
    whole = corpus.name.removesuffix(_REST)
    rest = Corpus(
        lambda: (pair for pair in corpus if pair.source not in chosen),
        name=whole + _REST,
        streamed=corpus.streamed,
        part_of=corpus,
    )
    name = f"{whole}, held out{f' for {purpose}' if purpose else ''}"
    return rest, Corpus(lambda: (pair for pair in corpus if pair.source in chosen), name=name)


def sample(corpus: Corpus, count: int, seed: int = 0) -> Corpus:
    """Draw a smaller corpus, to see what more text is worth.

    Which sources are drawn depends on their text and the seed alone, as in `hold_out`; the sources of a smaller sample
    are among those of a larger one.

    Args:
        corpus: what to draw from; stays as it is.
        count: how many distinct source texts to draw, with all their targets.
        seed: another seed draws other sources.

    Returns:
        The sample, in memory, in the order of the corpus.

    Raises:
        CorpusError: if the corpus has fewer distinct sources.

    Example:
        >>> len(sample(corpus_from_pairs([("a", "1"), ("b", "2"), ("c", "3")]), 2))
        2
    """
    chosen, _ = _drawn(corpus, count, seed)
    if count < 1 or len(chosen) < count:
        raise CorpusError(
            f"A sample needs from one to all distinct sources. Received: count={count}, {len(chosen)} distinct sources "
            f"in {corpus.name}. Draw fewer, or bring a larger corpus."
        )
    name = f"{corpus.name}, a sample"
    return Corpus(lambda: (pair for pair in corpus if pair.source in chosen), name=name, part_of=corpus)


def is_empty(pair: tuple[str, str]) -> bool:
    """Tell whether a side of a pair holds nothing, or white space only."""
    return not pair[0] or not pair[1] or pair[0].isspace() or pair[1].isspace()


def _drawn(corpus: Corpus, count: int, seed: int) -> tuple[set[str], bool]:
    """Give `count` distinct sources of a corpus, or all where there are no more, and whether there are more."""
    salt = str(seed).encode()
    # A bounded heap of the `count` + 1 smallest digests keeps the memory flat for a streamed corpus.
    smallest: list[tuple[int, str]] = []
    chosen: set[str] = set()
    for source, _ in corpus:
        if source in chosen:
            continue
        entry = (-int.from_bytes(_digest(source, salt)), source)
        if len(smallest) <= count:
            heapq.heappush(smallest, entry)
            chosen.add(source)
        elif entry > smallest[0]:
            chosen.discard(heapq.heapreplace(smallest, entry)[1])
            chosen.add(source)
    more = len(smallest) > count
    if more:
        chosen.discard(smallest[0][1])
    return chosen, more


def _digest(text: str, salt: bytes) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=salt[:64]).digest()
