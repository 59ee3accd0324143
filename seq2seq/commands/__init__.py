"""The `seq2seq` command, one file for each of its parts, and the command line of recipe scripts."""

from seq2seq.commands.script import main

__all__ = ["main"]
