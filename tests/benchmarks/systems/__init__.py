"""One program per system. Each runs in an environment of its own and imports nothing of the others."""
