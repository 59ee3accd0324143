"""What `seq2seq translate` tells of all translations at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from seq2seq.system.terminal import tell

if TYPE_CHECKING:
    from seq2seq.translation import Translation


@dataclass(frozen=True)
class Told:
    """What is told."""

    translations: int = 0
    cut: int = 0
    in_parts: int = 0
    missing: int = 0
    lost: int = 0
    first_lost: str = ""

    def and_of(self, found: Sequence[Translation], missing: int) -> Told:
        """Count some more, with those of their terms that did not find a place."""
        from seq2seq.translation import Cuts

        cuts = Cuts(self.translations, self.cut, self.in_parts) + Cuts.of(each.hypotheses for each in found)
        lost = [
            f"line {line:,}: {piece!r}"
            for line, each in enumerate(found, start=self.translations + 1)
            for piece in each.hypotheses[0].lost
        ]
        first = self.first_lost or next(iter(lost), "")
        return Told(**asdict(cuts), missing=self.missing + missing, lost=self.lost + len(lost), first_lost=first)

    def tell(self) -> None:
        """Tell it."""
        from seq2seq.translation import Cuts
        from seq2seq.translation.hypothesis import lost_pieces

        if self.missing:
            told = f"{self.missing:,} translation{'s' * (self.missing != 1)} of terms did not find a place."
            tell(f"seq2seq: warning: {told}")
        if self.lost:
            tell(f"seq2seq: warning: {lost_pieces(self.lost)}, the first of {self.first_lost}.")
        if cuts := Cuts(self.translations, self.cut, self.in_parts):
            tell(f"seq2seq: warning: {cuts}")
