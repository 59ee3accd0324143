"""From a translator to files that translate elsewhere: ONNX, proved to be the same.

The names below are imported when they are first used; exporting needs `pip install 'seq2seq[export]'`.
"""

from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.export.folder import Exported, export
    from seq2seq.export.parity import Parity

_WHERE = {
    "seq2seq.export.folder": ["Exported", "export"],
    "seq2seq.export.parity": ["Parity"],
}

__all__ = ["Exported", "Parity", "export"]

__getattr__, __dir__ = lazily(__name__, _WHERE)
