"""Several devices, several workers: who they are, what they share, how they are started."""

from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.distribution.cluster import ClusterError
    from seq2seq.distribution.devices import STRATEGIES, Devices, open_devices
    from seq2seq.distribution.workers import WorkerLostError, Workers

_WHERE = {
    "seq2seq.distribution.cluster": ["ClusterError"],
    "seq2seq.distribution.devices": ["STRATEGIES", "Devices", "open_devices"],
    "seq2seq.distribution.workers": ["WorkerLostError", "Workers"],
}

__all__ = [
    "STRATEGIES",
    "ClusterError",
    "Devices",
    "WorkerLostError",
    "Workers",
    "open_devices",
]

__getattr__, __dir__ = lazily(__name__, _WHERE, keras=_WHERE)
