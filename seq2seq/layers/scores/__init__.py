"""Scores of attention: how a query is compared with a key, one file each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from seq2seq.system.exports import LazyTable

if TYPE_CHECKING:
    from seq2seq.layers.scores.score import AttentionScore

SCORES: Mapping[str, type[AttentionScore]] = LazyTable(
    {
        "dot": "seq2seq.layers.scores.dot:DotScore",
        "scaled_dot": "seq2seq.layers.scores.scaled_dot:ScaledDotScore",
        "general": "seq2seq.layers.scores.general:GeneralScore",
        "additive": "seq2seq.layers.scores.additive:AdditiveScore",
    }
)
"""The scores of attention by name."""
