"""The tables of what docs/measure_decoding.py measured: options of decoding, terms, the surest translations."""

from result_tables import files
from result_tables.files import NOT_YET, beside_the_first, markdown, processor

KIND = "decoding"
PARTS = ("options", "terms", "surest")


def table(name: str, part: str) -> str:
    """Make a table of what options of decoding are worth and cost, of terms, or of the surest translations.

    Raises:
        ValueError: There is no such table.
    """
    if part not in PARTS:
        raise ValueError(f"What is told of decoding is {', '.join(PARTS)}. Received: {name} {part}.")
    found = files.read(KIND, name)
    if found is None:
        return f"{NOT_YET.capitalize()}."
    below: list[str] = []
    if part == "options":
        head = ["option", "BLEU", "difference", "p", "chrF", "time"]
        rows = [
            [each["what"], f"{each['bleu']:.2f}", *beside_the_first(each), f"{each['chrf']:.2f}", _times(each["cost"])]
            for each in found["options"]
        ]
        times = (
            f"times of {found['timed']} sentences, the quickest of {found['rounds']}, by that of the first line, on "
            f"{found['machine']['cores']} cores ({processor(found)})"
            if found["rounds"]
            else "times not measured yet"
        )
        below = [
            "",
            f"On {found['sentences']:,} sentences, `{found['signature']}`; {times}; commit {found['commit']}.",
        ]
    elif part == "terms":
        head = ["", "terms in the translation, as whole words"]
        told = found["terms"]
        rows = [
            ["without", f"{told['beam']:.1f} % of {told['terms']:,}"],
            ["given as terms", f"{told['given']:.1f} %"],
        ]
    else:
        head = ["the surest", "sentences", "log p from", "chrF expected", "chrF", "BLEU"]
        rows = [
            [f"{each['share']} %", f"{each['sentences']:,}", f"{each['least']:.2f}",
             *(f"{each[name]:.2f}" for name in ("expected", "chrf", "bleu"))]
            for each in found["surest"]
        ]  # fmt: skip
    return "\n".join([markdown(head, rows), *below])


def _times(cost: float | None) -> str:
    return "–" if cost is None else f"{cost:.2f} ×"
