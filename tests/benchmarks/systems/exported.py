"""This toolkit's export on onnxruntime: no TensorFlow in the process that decodes, a batch for each core."""

import functools
import json
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.runtime.graphs import Graphs
from seq2seq.runtime.search import search
from seq2seq.search import Beam
from seq2seq.text.bucketing import pad
from seq2seq.text.ids import Ids
from tests.benchmarks.job import Architecture
from tests.benchmarks.turns import Turns


def main() -> None:
    """Do the job of standard input."""
    decoding(Turns())


def decoding(turns: Turns) -> None:
    """Decode all test sentences, `</s>` made impossible; as `seq2seq translate` does with an export."""
    job = turns.job
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        graphs = Graphs(*pool.submit(_written, job.architecture, job.precision).result())
    text = json.loads(Path(job.text).read_text("utf-8"))["test"]
    batches = [pad(Ids.pack(text["source"]), np.array(places))[0].astype(np.int64) for places in text["batches"]]
    pool = ThreadPoolExecutor(graphs.at_a_time)

    def one(source: Any, beam: int) -> None:
        for best, *_ in search(Beam(beam), graphs, *graphs.start(source), [job.steps] * len(source)):
            if len(best.tokens) != job.steps:
                raise RuntimeError(f"Every sentence takes {job.steps} steps. Received: {len(best.tokens)}.")

    def decode(beam: int) -> None:
        list(pool.map(functools.partial(one, beam=beam), batches))

    works = {f"beam {beam}": (len(text["source"]), functools.partial(decode, beam)) for beam in job.beams}
    turns.repeat(works)


def _written(architecture: Architecture, precision: str) -> tuple[bytes, bytes, list[str], list[str]]:
    """Write the graphs of a model, in a process of its own."""
    from seq2seq.export.folder import quantised
    from seq2seq.export.graphs import write_graphs
    from tests.benchmarks.systems.ours import _without_end, build

    graphs = write_graphs(_without_end(build(architecture, "float32")))
    encoder, step = (each.SerializeToString() for each in graphs[:2])
    if precision == "int8":
        encoder, step = quantised(encoder), quantised(step)
    return encoder, step, graphs.state, graphs.memory


if __name__ == "__main__":
    main()
