"""Runs: from a recipe to a measured translator, and the record of it."""

from seq2seq.runs.experiment import RunResult, run

__all__ = ["RunResult", "run"]
