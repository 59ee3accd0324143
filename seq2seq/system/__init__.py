"""The machine and the process: quiet TensorFlow, memory, files, terminal, choices by name."""
