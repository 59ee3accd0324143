"""Greedy search, beam search and sampling over a bare step function: nothing here knows a model."""

from seq2seq.search.beam import beam_search
from seq2seq.search.greedy import greedy_search
from seq2seq.search.hypotheses import Hypotheses
from seq2seq.search.sampling import sample_search
from seq2seq.search.step import Step

__all__ = ["Hypotheses", "Step", "beam_search", "greedy_search", "sample_search"]
