"""What else is to be known of runs that are compared: what their tables do not show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seq2seq.analysis.comparison.variants import Variant


def notes_on(variants: Sequence[Variant], part: str, metrics: Sequence[str]) -> list[str]:
    """Say what would mislead if it were not said.

    Args:
        variants: What is compared.
        part: What was scored.
        metrics: What is compared by.
    """
    return [note for each in (_validation, _metrics, _seeds, _data, _cut, _skipped, _machines)
            for note in each(variants, part, metrics)]  # fmt: skip


def _validation(variants: Sequence[Variant], part: str, _: Sequence[str]) -> Iterator[str]:
    if part != "test":
        without = next(run.folder for variant in variants for run in variant.runs if "test" not in run.scores)
        yield (
            f"Scored on validation, because {without} has no test text. Validation chose the weights of each run, "
            "which flatters all of them: a claim needs sentences that nothing was chosen by."
        )


def _metrics(variants: Sequence[Variant], part: str, metrics: Sequence[str]) -> Iterator[str]:
    known = dict.fromkeys(name for variant in variants for run in variant.runs for name in run.scores[part])
    if left := [name for name in known if name not in metrics]:
        yield f"Not compared: {', '.join(left)}, which some of the runs were not scored by."


def _seeds(variants: Sequence[Variant], *_: object) -> Iterator[str]:
    single = [variant.name for variant in variants if len(variant.runs) == 1]
    if single and len(variants) > 1:
        yield (
            f"Of one seed: {', '.join(single)}. That shows nothing of what the seed does, so no difference from it is "
            "judged: interval and p hold the chance of the sentences, and of the seeds of the other side if it has "
            "several. They tell these runs apart, not the settings. Train with --seeds 3 or more."
        )


def _data(variants: Sequence[Variant], *_: object) -> Iterator[str]:
    places = {
        variant.name: list(dict.fromkeys(run.data or "that of the recipe" for run in variant.runs))
        for variant in variants
    }
    for name, paths in places.items():
        if len(paths) > 1:
            yield f"The runs of {name} name more than one place of their text: {', '.join(paths)}."
    if all(len(paths) == 1 for paths in places.values()) and len({path for (path,) in places.values()}) > 1:
        told = ", ".join(f"{name} {path}" for name, (path,) in places.items())
        yield f"The variants name more than one place of their text, and may have learnt from other sentences: {told}."


def _cut(variants: Sequence[Variant], part: str, _: Sequence[str]) -> Iterator[str]:
    told = []
    for each in variants:
        counts = [run.cuts.get(part, {}) for run in each.runs]
        cut, all_ = (sum(count.get(name, 0) for count in counts) for name in ("cut", "translations"))
        if cut:
            told.append(f"{each.name} {cut:,} of {all_:,}")
    if told:
        yield f"Translations that were cut at the limit of length, all seeds together: {', '.join(told)}."


def _skipped(variants: Sequence[Variant], *_: object) -> Iterator[str]:
    skipped = {each.name: sum(run.skipped for run in each.runs) / len(each.runs) for each in variants}
    if len(set(skipped.values())) > 1:
        told = ", ".join(f"{number:,.0f} of {name}" for name, number in skipped.items())
        yield f"Training pairs left out as empty or over-long, a run: {told}."


def _machines(variants: Sequence[Variant], *_: object) -> Iterator[str]:
    machines = dict.fromkeys(run.processor for variant in variants for run in variant.runs if run.processor)
    if len(machines) > 1:
        yield f"Minutes and tokens per second are those of several machines: {'; '.join(machines)}."
