"""The `seq2seq` command, and the command line of recipe scripts."""
