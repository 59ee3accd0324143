"""What the states that a model passes are worth and hold: altered, read by linear functions, fed with its own words."""

from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.analysis.probes.forcing import Position
    from seq2seq.analysis.probes.linear import LinearProbe
    from seq2seq.analysis.probes.probing import Probes, StateLoss, probe

_WHERE = {
    "seq2seq.analysis.probes.forcing": ["Position"],
    "seq2seq.analysis.probes.linear": ["LinearProbe"],
    "seq2seq.analysis.probes.probing": ["Probes", "StateLoss", "probe"],
}

__all__ = ["LinearProbe", "Position", "Probes", "StateLoss", "probe"]

__getattr__, __dir__ = lazily(__name__, _WHERE, keras=_WHERE)
