"""A corpus as ids: tokenised once, kept on disk under a name made of its content."""

import hashlib
import os
import re
import time
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np

from seq2seq.system.files import replacing
from seq2seq.system.terminal import tell
from seq2seq.text.corpus import Corpus
from seq2seq.text.ids import Ids
from seq2seq.text.tokenizer import Tokenizer

_FORMAT = b"seq2seq ids 1"

# The cache holds so many bytes at most, and in any case what the last two runs need: training and validation text each.
_BYTES, _FILES = 4 << 30, 4
_DAY = 86_400  # seconds


def encode_corpus(
    corpus: Corpus, source_tokenizer: Tokenizer, target_tokenizer: Tokenizer, cache: str | Path | None = None
) -> tuple[Ids, Ids]:
    """Tokenise a corpus in memory, or fetch it from the cache if the same text met the same tokenizers before.

    The name of a file in the cache is the fingerprint of all texts and both tokenizers, so that nothing old is ever
    taken for something new. A file that is damaged, or not ours, is written again. Where the folder grows beyond 4 GiB,
    those files go that were not used for longest.

    Args:
        corpus: pairs in memory.
        source_tokenizer: for the sources.
        target_tokenizer: for the targets; the same object for a joint vocabulary.
        cache: a folder, made if need be; None keeps nothing.

    Returns:
        Ids of the sources and ids of the targets, pair by pair, without special ids.

    Raises:
        TypeError: if the corpus is streamed; `StreamedBatches` tokenises as it reads.

    Example:
        >>> from seq2seq.text import corpus_from_pairs
        >>> corpus = corpus_from_pairs([("un", "one"), ("deux", "two")])
        >>> tokenizer = Tokenizer.train(corpus.sources + corpus.targets, kind="char")
        >>> sources, targets = encode_corpus(corpus, tokenizer, tokenizer)
        >>> len(sources), tokenizer.decode(targets[1])
        (2, 'two')
    """
    sources, targets = corpus.sources, corpus.targets
    if cache is None:
        return Ids.pack(source_tokenizer.encode_batch(sources)), Ids.pack(target_tokenizer.encode_batch(targets))
    fingerprint = _fingerprint(sources, targets, source_tokenizer, target_tokenizer)
    path = Path(cache) / f"{fingerprint}.npz"
    kept = _read(path, len(corpus), (source_tokenizer.vocab_size, target_tokenizer.vocab_size))
    if kept is not None:
        _used(path)
        return kept
    ids = Ids.pack(source_tokenizer.encode_batch(sources)), Ids.pack(target_tokenizer.encode_batch(targets))
    _write(path, ids)
    _clean(path.parent)
    return ids


def _fingerprint(
    sources: Iterable[str], targets: Iterable[str], source_tokenizer: Tokenizer, target_tokenizer: Tokenizer
) -> str:
    digest = hashlib.sha256(_FORMAT)
    for texts, tokenizer in ((sources, source_tokenizer), (targets, target_tokenizer)):
        data = [text.encode("utf-8", "surrogatepass") for text in texts]
        digest.update(tokenizer.fingerprint.encode())
        # The lengths keep ["ab", "c"] and ["a", "bc"] apart.
        digest.update(np.array([len(data), *map(len, data)], "<i8").tobytes())
        digest.update(b"".join(data))
    return digest.hexdigest()


def _read(path: Path, count: int, vocab_sizes: tuple[int, int]) -> tuple[Ids, Ids] | None:
    """Read ids, if the file is whole and could have come from this corpus; the zip's checksums tell damage."""
    try:
        # Opened here: NumPy would leave the file open where it is no zip.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            source = Ids(arrays["source"], arrays["source_starts"])
            target = Ids(arrays["target"], arrays["target_starts"])
    except (OSError, ValueError, KeyError, EOFError, TypeError, AttributeError, zipfile.BadZipFile):
        return None
    if all(_fits(ids, count, size) for ids, size in zip((source, target), vocab_sizes, strict=True)):
        return source, target
    return None


def _fits(ids: Ids, count: int, vocab_size: int) -> bool:
    flat, starts = ids.flat, ids.starts
    return bool(
        flat.dtype == np.int32
        and starts.dtype == np.int64
        and flat.ndim == starts.ndim == 1
        and len(starts) == count + 1
        and starts[0] == 0
        and starts[-1] == len(flat)
        and (ids.lengths >= 0).all()
        and (not len(flat) or (flat.min() >= 0 and flat.max() < vocab_size))
    )


def _write(path: Path, ids: tuple[Ids, Ids]) -> None:
    source, target = ids
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            source=source.flat,
            source_starts=source.starts,
            target=target.flat,
            target_starts=target.starts,
        )


def _used(path: Path) -> None:
    """Note that a file was used now, where its file system may not: as the time of access."""
    with suppress(OSError):  # it is another user's
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))


def _clean(folder: Path) -> None:
    """Delete the files that were not used for longest, until the rest is small enough; and parts that were left."""
    found = []
    for path in folder.iterdir():
        if re.fullmatch(r"[0-9a-f]{64}\.npz", path.name):
            with suppress(OSError):  # another process deletes it at this moment
                found.append((path.stat(), path))
        elif re.fullmatch(r"\.\w{8}[0-9a-f]{64}\.npz", path.name):  # as `replacing` writes; it was killed meanwhile
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _DAY:
                    path.unlink()
    found.sort(key=lambda entry: entry[0].st_atime_ns, reverse=True)
    held, freed, deleted = 0, 0, 0
    for number, (status, path) in enumerate(found):
        held += status.st_size
        if held > _BYTES and number >= _FILES:
            with suppress(OSError):  # it is another user's, or gone
                path.unlink()
                freed, deleted = freed + status.st_size, deleted + 1
    if deleted:
        tell(
            f"Tokenised text that was not used for longest is deleted: {deleted:,} of {len(found):,} files in "
            f"{folder}, {freed >> 20:,} MiB."
        )
