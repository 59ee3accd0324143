"""Text in, text out: the translator and its one file."""

from seq2seq.translation.translator import Hypothesis, Translator, load, read_about

__all__ = ["Hypothesis", "Translator", "load", "read_about"]
