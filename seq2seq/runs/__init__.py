"""Runs: from a recipe to a measured translator, and the record of it."""

from seq2seq.runs.record import RunResult
from seq2seq.runs.running import run

__all__ = ["RunResult", "run"]
