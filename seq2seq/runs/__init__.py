"""Runs: from a recipe to a measured translator, and the record of it."""

from seq2seq.runs.averaging import average_run
from seq2seq.runs.record import RunRecord, RunResult, default_folder, finished_run, read_run
from seq2seq.runs.running import run, train_only

__all__ = ["RunRecord", "RunResult", "average_run", "default_folder", "finished_run", "read_run", "run", "train_only"]
