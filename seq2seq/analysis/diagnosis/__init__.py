"""What is wrong with a deep model: what its layers, gates and bridge do on one batch, and what to do about it."""

from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.analysis.diagnosis.doctor import Diagnosis, diagnose, examine
    from seq2seq.analysis.diagnosis.findings import ILLNESSES, Finding, find
    from seq2seq.models.signs import (
        EmbeddingSigns,
        GateSigns,
        LayerSigns,
        LeakSigns,
        PartSigns,
        RouteSigns,
        Signs,
    )

_WHERE = {
    "seq2seq.analysis.diagnosis.doctor": ["Diagnosis", "diagnose", "examine"],
    "seq2seq.analysis.diagnosis.findings": ["ILLNESSES", "Finding", "find"],
    "seq2seq.models.signs": [
        "EmbeddingSigns",
        "GateSigns",
        "LayerSigns",
        "LeakSigns",
        "PartSigns",
        "RouteSigns",
        "Signs",
    ],
}

__all__ = [
    "ILLNESSES",
    "Diagnosis",
    "EmbeddingSigns",
    "Finding",
    "GateSigns",
    "LayerSigns",
    "LeakSigns",
    "PartSigns",
    "RouteSigns",
    "Signs",
    "diagnose",
    "examine",
    "find",
]

__getattr__, __dir__ = lazily(__name__, _WHERE, keras=["seq2seq.analysis.diagnosis.doctor"])
