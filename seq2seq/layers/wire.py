"""How one decoder layer gets its first state, as data: what a bridge tells to tables and drawings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["routed", "mean", "trained", "zeros"]
"""What a decoder layer starts from: states of encoder layers, the mean of the memory, a trained vector, zeros."""

Way = Literal["taken", "projected", "replaced", "zero", "left_out", "dropped"]
"""How a named part of the state starts.

- `taken`: as it is.
- `projected`: through a trained projection of its own.
- `replaced`: the encoder has no such part; a trained projection of its hidden state.
- `zero`: the encoder has no such part; zeros.
- `left_out`: the setting `states` does not ask for it; zeros.
- `dropped`: the decoder has no such part.
"""


@dataclass(frozen=True, kw_only=True)
class Wire:
    """How one decoder layer gets its first state.

    A bridge of one's own gives `units`, the `sources` with their `source_units`, and a `label`; the rest where it fits.

    Attributes:
        units: The width of the decoder layer.
        kind: What it starts from.
        sources: The encoder layers that are routed to it.
        source_units: The width of each of them, directions joined, or that of the memory; empty where nothing of the
            source is read.
        merge: How several sources join, by a name of `MERGES`; None for fewer than two.
        directions: How the two directions of a source join, by a name of `DIRECTIONS`; None where no source has two.
        align: How its level was found, by a name of `ALIGN`; None where nobody asked.
        skipped: Whether it starts from zeros because only the first decoder layer is to get something.
        parts: How each named part of the state starts: those of the decoder's cell, then the others of the encoder's.
        activation: Of the projections: `"none"`, `"tanh"` or `"relu"`.
        label: A word or two for what no other field says; shown in the place of `merge`.

    Raises:
        ValueError: It is `"routed"`, and neither `sources` nor a `label` say from what.
    """

    units: int
    kind: Kind = "routed"
    sources: list[int] = field(default_factory=list)
    source_units: list[int] = field(default_factory=list)
    merge: str | None = None
    directions: str | None = None
    align: str | None = None
    skipped: bool = False
    parts: Mapping[str, Way] = field(default_factory=dict)
    activation: str = "none"
    label: str = ""

    def __post_init__(self) -> None:
        if self.kind == "routed" and not (self.sources or self.label):
            raise ValueError(
                "A wire says what its decoder layer starts from. Received: kind='routed', sources=[], label=''. "
                "Give the encoder layers as sources, or say it in a label."
            )

    @property
    def projected(self) -> bool:
        """Whether a trained projection lies between, for any part."""
        return bool(self.projected_parts)

    @property
    def projected_parts(self) -> list[str]:
        """The named parts of the state that come through a trained projection."""
        return [part for part, way in self.parts.items() if way in ("projected", "replaced")]
