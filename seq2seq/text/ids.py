"""Many lists of ids in two flat arrays: a fraction of the memory of Python lists, and ready for NumPy."""

import operator
import zlib
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt


class Ids:
    """An immutable list of lists of ids.

    Args:
        flat: all ids one after the other, int32 [tokens].
        starts: where each list begins in `flat`, and at the end the number of tokens, int64 [lists + 1].

    Example:
        >>> ids = Ids.pack([[5, 6], [], [7]])
        >>> len(ids), ids[0].tolist(), ids.lengths.tolist()
        (3, [5, 6], [2, 0, 1])
    """

    def __init__(self, flat: npt.NDArray[np.int32], starts: npt.NDArray[np.int64]) -> None:
        self.flat = flat
        self.starts = starts
        self.lengths: npt.NDArray[np.int64] = np.diff(starts)

    @classmethod
    def pack(cls, lists: "Ids | Sequence[Sequence[int]]") -> "Ids":
        """Copy lists of ids into flat arrays; what is packed already stays as it is.

        Raises:
            TypeError: Something is no whole number, such as text.
        """
        if isinstance(lists, Ids):
            return lists
        starts = np.zeros(len(lists) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, lists), np.int64, len(lists)), out=starts[1:])
        ids = chain.from_iterable(lists)
        try:
            return cls(np.fromiter(map(operator.index, ids), np.int32, int(starts[-1])), starts)
        except TypeError:
            wrong = next(each for each in chain.from_iterable(lists) if not hasattr(each, "__index__"))
            raise TypeError(
                f"Ids are lists of whole numbers, one for each text. Received: {wrong!r} among them. Give what a "
                "tokenizer makes of texts: tokenizer.encode_batch(texts)."
            ) from None

    def checksum(self, before: int = 0) -> int:
        """Give the CRC-32 of all ids and of where each list begins, going on from that of others."""
        return zlib.crc32(self.flat.tobytes(), zlib.crc32(self.lengths.tobytes(), before))

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> npt.NDArray[np.int32]:
        if not 0 <= index < len(self):
            raise IndexError(f"A list of ids needs an index from 0. Received: index={index}, {len(self)} lists.")
        return self.flat[self.starts[index] : self.starts[index + 1]]

    def __iter__(self) -> Iterator[npt.NDArray[np.int32]]:
        return map(self.__getitem__, range(len(self)))
