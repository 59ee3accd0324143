"""Which jobs there are: who takes part in what."""

from collections.abc import Iterator, Sequence

from tests.benchmarks.environments import SYSTEMS
from tests.benchmarks.job import CELL_SIZES, LAYER_SIZES, Architecture, Job, Point

CURVES = ("depth", "width", "length", "vocabulary", "beam-size", "steps")
PARTS = ("layer", "cells", "training", "recipes", "decoding", "curves")
RECIPES = ("quickstart", "g2p")
PRECISIONS = ("float32", "bfloat16", "int8")
"""Of training the first two, of decoding all."""
# What a system does not have. JoeyNMT's LSTM is far behind in float32 already.
WITHOUT_FEEDING = ("keras_layers",)
WITHOUT = {"float32": (), "bfloat16": ("joeynmt", "exported"), "int8": ("ours", "joeynmt", "eole")}


def groups(
    parts: Sequence[str],
    systems: Sequence[str],
    precisions: Sequence[str],
    feedings: Sequence[bool],
    curves: Sequence[str] = CURVES,
    *,
    text: str,
    threads: int,
    scratch: str,
) -> Iterator[list[Job]]:
    """Give the jobs, those that are measured in turn together.

    Args:
        parts: Of `PARTS`.
        systems: Of `SYSTEMS`.
        precisions: Of `PRECISIONS`.
        feedings: Whether to train with input feeding. Decoding is measured without.
        curves: Of `CURVES`.
        text: File of ids.
        threads: Processors that may be used.
        scratch: A folder for files of the systems.
    """
    everywhere = {"text": text, "threads": threads, "scratch": scratch}
    for part in parts:
        able = [system for system in systems if part in SYSTEMS[system].parts]
        if part in ("layer", "cells"):
            sizes = LAYER_SIZES if part == "layer" else CELL_SIZES
            yield [Job(system, part, sizes=sizes, **everywhere) for system in able]
        elif part == "recipes":
            for recipe in RECIPES:
                yield [Job(system, part, recipe=recipe, updates=40, **everywhere) for system in able]
        elif part == "curves":
            for curve in curves:
                chosen = tuple(point for point in points() if point.curve == curve)
                yield [Job(system, part, points=chosen, **everywhere) for system in able]
        else:
            for precision in precisions:
                if part == "training" and precision == "int8":
                    continue
                for feeding in feedings if part == "training" else (False,):
                    yield [
                        Job(system, part, precision, Architecture(input_feeding=feeding), **everywhere)
                        for system in able
                        if not (feeding and system in WITHOUT_FEEDING) and system not in WITHOUT[precision]
                    ]


def points() -> Iterator[Point]:
    """The points of the cost curves. What does not grow along a curve is as in `Architecture` and `Point`."""
    for depth in (1, 2, 3, 4, 6, 8):
        yield Point("depth", depth, Architecture(encoder=(256,) * depth, decoder=(512,) * depth))
    for width in (128, 256, 512, 768, 1024):
        yield Point("width", width, Architecture(encoder=(width // 2,) * 2, decoder=(width,) * 2))
    for length in (8, 16, 32, 64, 96):
        yield Point("length", length, Architecture(), source_time=length, target_time=length)
    for vocab in (2000, 8000, 16_000, 32_000, 64_000):
        yield Point("vocabulary", vocab, Architecture(vocab=vocab))
    for beam in (1, 2, 3, 5, 8, 12, 16):
        yield Point("beam-size", beam, Architecture(), beam=beam)
    for steps in (8, 16, 32, 64, 96):
        yield Point("steps", steps, Architecture(), target_time=steps, beam=5)
