"""Freed memory is given back."""

import ctypes
import sys
from pathlib import Path

import pytest

from seq2seq.training.memory import EVERY, ReleaseMemory


def resident():
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have another C library")
def test_freed_pieces_leave_the_process_after_the_first_step_and_every_so_many():
    library = ctypes.CDLL(None)
    if not hasattr(library, "malloc_trim"):
        pytest.skip("the C library is not glibc")
    library.malloc.restype = ctypes.c_void_p
    release = ReleaseMemory()

    def fragment():
        """Take pieces and free all but a few, which keep the heap from shrinking by itself."""
        pieces = [library.malloc(ctypes.c_size_t(64 << 10)) for _ in range(2000)]
        for piece in pieces:
            ctypes.memset(piece, 1, 64 << 10)
        for place, piece in enumerate(pieces):
            if place % 100 != 99:
                library.free(ctypes.c_void_p(piece))

    gone = []
    for step in range(EVERY + 1):
        if step in (0, 1):
            fragment()
        before = resident()
        release.on_train_batch_end(step)
        gone.append(before - resident())
    assert gone[0] > 50 << 20 and gone[EVERY] > 50 << 20
    assert max(gone[1:EVERY]) < 10 << 20
