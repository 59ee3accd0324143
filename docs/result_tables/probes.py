"""The tables of what `seq2seq probe --json` found in the states of a model."""

from collections.abc import Mapping
from typing import Any

from result_tables import files
from result_tables.files import LABELS, markdown

KIND = "probes"
PARTS = ("states", "linear", "positions")
_POSITIONS = (1, 2, 3, 4, 6, 8, 10, 12, 15, 20, 25, 30)  # that are told


def table(name: str, part: str) -> str:
    """Make a table of what was found in the states of a model: what they are worth, what is read, or by position.

    Raises:
        ValueError: There are no such probes, or no such part.
    """
    probed = files.need(KIND, name)
    if part not in PARTS:
        raise ValueError(f"Probes are told by {', '.join(PARTS)}. Received: {name} {part}.")
    metric, names = LABELS[probed["metric"]], probed["lengths"]["names"]
    if part == "states":
        head = ["state", "altered", metric, "lost", *names]
        rows = [
            [each["where"], each["how"], f"{each['score']:.2f}", *map(_lost, [each["lost"], *each["by_length"]])]
            for each in probed["states"]
        ]
    elif part == "linear":
        asked = list(dict.fromkeys(each["what"] for each in probed["linear"]))
        head, rows = ["state", *asked], []
        for where in dict.fromkeys(each["where"] for each in probed["linear"]):
            found = [each for each in probed["linear"] if each["where"] == where]
            rows.append(
                [where, *(f"{each['score']:z.0f} [{each['low']:z.0f} … {each['high']:z.0f}]" for each in found)]
            )
        first = probed["linear"][: len(asked)]
        rows.append([f"{first[0]['where']}, shuffled labels", *(f"{each['shuffled']:z.0f}" for each in first)])
        rows.append(["always the same", *(f"{each['constant']:z.0f}" for each in first)])
    else:
        head = ["position", "references", "right after the reference so far", "right after its own words"]
        rows = [
            [f"{each['place']}", f"{each['sentences']:,}", f"{each['forced']:.1f} %", f"{each['free']:.1f} %"]
            for each in probed["positions"]
            if each["place"] in _POSITIONS and each["sentences"] * 20 >= probed["sentences"]
        ]
    if part != "states":
        return markdown(head, rows)
    how = f"{probed['score']:.2f} {metric} on {probed['sentences']:,} sentences with {probed['search']}"
    below = f"As it is: {how}, `{probed['signature']}`, commit {probed['commit']}."
    return f"{markdown(head, rows)}\n\n{below}"


def _lost(found: Mapping[str, Any] | None) -> str:
    return "–" if found is None else f"{found['value']:z.2f} ± {found['high'] - found['value']:.2f}"
