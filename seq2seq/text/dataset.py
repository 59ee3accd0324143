"""What `fit` reads: a `tf.data` pipeline over epochs whose place is known and can be set."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from seq2seq.text.bucketing import Batch, share_of

if TYPE_CHECKING:
    import tensorflow as tf

_AHEAD = 4  # batches prepared while the model computes


class Feed:
    """The place in the order of the data, and the pipeline that starts there.

    Args:
        run: gives the batches of an epoch from a step on.
        steps: gives the number of batches of a whole epoch, the same for every epoch.
    """

    def __init__(self, run: Callable[[int, int], Iterator[Batch]], steps: Callable[[], int]) -> None:
        self._run = run
        self._steps = steps
        self._next = (0, 0)

    def seek(self, epoch: int, step: int) -> None:
        """Set where the next iteration starts."""
        steps = self._steps()
        if epoch < 0 or not 0 <= step <= steps:
            raise ValueError(
                f"seek needs an epoch from 0 and a step of it, 0 to {steps}. Received: epoch={epoch}, step={step}."
            )
        # The end of an epoch is the beginning of the next one.
        self._next = (epoch + 1, 0) if step == steps else (epoch, step)

    def dataset(self, shares: Sequence[int] = (0,), of: int = 1) -> "tf.data.Dataset":
        """Build the pipeline; each new iteration of it goes on with the next epoch.

        Args:
            shares: which shares of each batch to give, one after the other.
            of: how many shares a batch is cut into.

        Keras believes an unknown length to be that of the first epoch it saw, even if that was the tail of a stopped
        one, and would cut all later epochs short. So the length is known: `take` bounds what calls itself endless. It
        calls itself so for the sake of what is appended, which is nothing at all: an epoch that starts late ends at its
        end. The place is read once per iteration, before its first batch: an iteration that nobody reads any more,
        whose batches ahead are still being prepared, takes no part in a later `seek`.
        """
        import tensorflow as tf

        ids = tf.TensorSpec([None, None], tf.int32)
        kind = ({"source": ids, "target_in": ids}, ids)
        batches = tf.data.Dataset.from_generator(lambda: self._generate(shares, of), output_signature=kind)
        nothing = tf.data.Dataset.from_generator(lambda: iter(()), output_signature=kind).repeat()
        return batches.concatenate(nothing).take(self._steps() * len(shares)).prefetch(_AHEAD * len(shares))

    def _generate(self, shares: Sequence[int], of: int) -> Iterator[tuple[dict[str, Any], Any]]:
        epoch, step = self._next
        self._next = (epoch + 1, 0)
        for batch in self._run(epoch, step):
            for share in shares:
                yield share_of(batch, share, of)
