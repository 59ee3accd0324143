"""What README, docs and recipes tell of results, made of the files in docs/results."""
