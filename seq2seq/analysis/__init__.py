"""What can be said of a model or a run: its wiring, its speed, whether it resumes exactly."""
