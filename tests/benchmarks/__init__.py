"""Training and decoding timed beside live peers: `make benchmark JSON=FILE`, or `python -m tests.benchmarks --help`."""
