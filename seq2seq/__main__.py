"""`python -m seq2seq`: the command, where the shell does not find it by its name."""

import sys

from seq2seq.commands.command import main

if __name__ == "__main__":
    sys.exit(main())
