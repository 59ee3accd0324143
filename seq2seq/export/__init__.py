"""From a translator to files that translate elsewhere: ONNX, proved to be the same.

The names below are imported when they are first used; exporting needs `pip install 'seq2seq[export]'`.
"""

from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.export.folder import Exported, export
    from seq2seq.export.litert import export_litert
    from seq2seq.export.parity import Parity
    from seq2seq.export.saved_model import export_saved_model

_WHERE = {
    "seq2seq.export.folder": ["Exported", "export"],
    "seq2seq.export.litert": ["export_litert"],
    "seq2seq.export.parity": ["Parity"],
    "seq2seq.export.saved_model": ["export_saved_model"],
}

__all__ = ["Exported", "Parity", "export", "export_litert", "export_saved_model"]

__getattr__, __dir__ = lazily(__name__, _WHERE)
