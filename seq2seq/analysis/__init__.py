"""What can be said of a model or a run: its wiring, its speed, how good it is, whether it resumes exactly.

Runs are put side by side by :mod:`seq2seq.analysis.comparison`, without TensorFlow.
"""

from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.analysis.evaluation import BadSentence, ClassScores, HeldOut, Said
    from seq2seq.analysis.operations import Operations, count_operations
    from seq2seq.analysis.speed.decoding import DecodingBenchmark, SearchSpeed, benchmark_decoding
    from seq2seq.analysis.speed.report import Setting, Spread
    from seq2seq.analysis.speed.training import TrainingBenchmark, benchmark_training
    from seq2seq.analysis.verify import Compared, DifferentError, Verdict, verify_resume
    from seq2seq.models.drawing import draw
    from seq2seq.models.kernels import KERNEL_COLUMNS, kernel_table
    from seq2seq.models.unrolled import unroll
    from seq2seq.models.wiring import LAYER_COLUMNS, STATE_COLUMNS, layer_table, state_table
    from seq2seq.system.terminal import format_table

_KERAS = {
    "seq2seq.analysis.operations": ["Operations", "count_operations"],
    "seq2seq.analysis.speed.decoding": ["DecodingBenchmark", "SearchSpeed", "benchmark_decoding"],
    "seq2seq.analysis.speed.report": ["Setting", "Spread"],
    "seq2seq.analysis.speed.training": ["TrainingBenchmark", "benchmark_training"],
    "seq2seq.analysis.verify": ["Compared", "DifferentError", "Verdict", "verify_resume"],
    "seq2seq.models.drawing": ["draw"],
    "seq2seq.models.unrolled": ["unroll"],
    "seq2seq.models.wiring": ["LAYER_COLUMNS", "STATE_COLUMNS", "layer_table", "state_table"],
    "seq2seq.models.kernels": ["KERNEL_COLUMNS", "kernel_table"],
    "seq2seq.system.terminal": ["format_table"],
}
_WHERE = {"seq2seq.analysis.evaluation": ["BadSentence", "ClassScores", "HeldOut", "Said"], **_KERAS}

__all__ = [
    "KERNEL_COLUMNS",
    "LAYER_COLUMNS",
    "STATE_COLUMNS",
    "BadSentence",
    "ClassScores",
    "Compared",
    "DecodingBenchmark",
    "DifferentError",
    "HeldOut",
    "Operations",
    "Said",
    "SearchSpeed",
    "Setting",
    "Spread",
    "TrainingBenchmark",
    "Verdict",
    "benchmark_decoding",
    "benchmark_training",
    "count_operations",
    "draw",
    "format_table",
    "kernel_table",
    "layer_table",
    "state_table",
    "unroll",
    "verify_resume",
]

__getattr__, __dir__ = lazily(__name__, _WHERE, keras=_KERAS)
