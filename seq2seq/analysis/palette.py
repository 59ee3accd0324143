"""Colours that tell routes and variants apart, on white."""

COLOURS = ("#1f6fb4", "#c0561a", "#2d8a46", "#8a3fa8", "#b3263a", "#0f8a8a", "#7a6a12", "#54616e")
"""One after the other; where more are needed, they come again."""
