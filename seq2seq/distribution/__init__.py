"""Several devices, several workers: who they are, what they share, how they are started."""
