"""The page about runs."""

from __future__ import annotations

import dataclasses
import math
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from seq2seq.analysis.comparison import Comparison, compare_runs, resample
from seq2seq.analysis.comparison.measured import MeasuredRun, Texts, read_measured
from seq2seq.analysis.diagnosis.page import section as diagnosis_section
from seq2seq.analysis.pages.charts import draw_alignment, draw_bars, draw_curves
from seq2seq.analysis.pages.document import document, figure, grid, paragraph, table
from seq2seq.analysis.report.insight import Insight, gather, read_insight
from seq2seq.analysis.report.sentences import faults, picks, qualities
from seq2seq.analysis.report.training_text import Side, read_training_text
from seq2seq.metrics import HIGHER_IS_BETTER, count, surest
from seq2seq.recipe import Recipe
from seq2seq.runs.record import RunRecord, comparable, model_file, monitored, read_run
from seq2seq.settings import write_value
from seq2seq.system.files import replacing
from seq2seq.system.lock import is_held
from seq2seq.system.picture import Picture
from seq2seq.system.terminal import tell
from seq2seq.training.run_folder import RunFolder

_LONGEST = 60  # tokens of a side of a drawn alignment
_LIVE = 10  # seconds from one page to the next
_NARROW = 440  # pixels


def write_report(folders: Sequence[str | Path], path: str | Path, *, live: bool = False) -> Path:
    """Write the page about runs.

    Args:
        folders: Run folders. Of a finished one, the model is asked for what only it can tell, unless it was before.
        path: The file.
        live: Whether to write it anew every 10 seconds until all runs have ended, for a browser that reads it again
            by itself.

    Returns:
        The file.

    Raises:
        ValueError: A folder holds no run, or its record is damaged.
    """
    path = Path(path)
    while True:
        waited = [_record(Path(folder)) for folder in folders] if live else []
        waited = [record for record in waited if _waited_for(record)]
        waiting = [record for record in waited if is_held(RunFolder(record.folder).lock)]
        if waited and not waiting:
            tell(f"Nobody works in {', '.join(str(record.folder) for record in waited)}, which has no result yet.")
        page = report_page(folders, refresh=_LIVE if waiting else 0)
        with replacing(path) as temporary:
            temporary.write_text(page, encoding="utf-8")
        if not waiting:
            return path
        time.sleep(_LIVE)


def report_page(folders: Iterable[str | Path], *, refresh: int = 0) -> str:
    """Lay runs out as one page of HTML, which loads nothing.

    Args:
        folders: Run folders, of runs that have ended or go on.
        refresh: Seconds after which a browser reads the page again; 0: never.

    Raises:
        ValueError: A folder holds no run, or its record is damaged.
    """
    records = [_record(Path(folder)) for folder in folders]
    parts = [part for record in records for part in _run(record)]
    title = ", ".join(dict.fromkeys(record.recipe.name for record in records))
    return document(f"Report: {title}", parts, refresh=refresh)


def _record(folder: Path) -> RunRecord:
    record = read_run(folder)
    if record is None:
        raise ValueError(f"There is no run to report on. Received: {folder}. Name run folders.")
    return record


def _run(record: RunRecord) -> list[str]:
    recipe, events = record.recipe, list(record.log())
    direction = " → ".join(_languages(recipe))
    parts = [f"<h1>{escape(recipe.name)}</h1>", paragraph(f"{direction} · seed {recipe.seed} · {record.folder}")]
    if record.result is None:
        parts += [paragraph(_how_far(record, events)), *_curves(recipe, events), *diagnosis_section(events)]
        return [*parts, *_repeat(record)]
    run = read_measured(record.folder)
    part = "test" if "test" in run.scores else "validation"
    texts, untold = _texts(run, part)
    insight, why = _insight(record.folder, texts)
    if not _measured(record, events):
        parts.append(paragraph(f"Training has gone on since this result. {_how_far(record, events)}"))
    parts += [_summary(record), *_scores(run, part, texts), *_curves(recipe, events), *_wiring(insight, why)]
    parts += diagnosis_section(events)
    parts += _training_text(record)
    if texts is None:
        return [*parts, "<h2>Translations</h2>", paragraph(untold), *_repeat(record)]
    cut = record.result.get("cuts", {}).get(part, {}).get("cut")
    parts += [*_classes(compare_runs([record.folder])), *_surest(recipe, texts, insight)]
    return [*parts, *_sentences(recipe, texts, insight, why, cut), *_repeat(record)]


def _texts(run: MeasuredRun, part: str) -> tuple[Texts | None, str]:
    """Give what was translated, and why nothing can be told of it."""
    if missing := run.missing_texts(part):
        again = f"Runs of older versions did not write them. To measure again, without training: {run.measure_again()}"
        return None, f"Texts are missing: {', '.join(path.name for path in missing)}. {again}"
    try:
        texts = run.texts(part)
    except ValueError as error:
        return None, str(error)
    return (texts, "") if texts.sources else (None, f"There is no sentence in the files of {part}.")


def _insight(folder: Path, texts: Texts | None) -> tuple[Insight | None, str]:
    """Give what the model tells, and why it tells nothing."""
    try:
        found = read_insight(folder)
        if found is None and model_file(RunFolder(folder)).exists():
            found = gather(folder, texts)
    except Exception as error:  # TensorFlow may not be there, or have no memory: a page without it is a page
        return None, f"The model could not be asked. {error}"
    return found, "" if found else "The model was not asked, because it is not in the run folder."


# --- parts of the page --------------------------------------------------------------------------------------------


def _summary(record: RunRecord) -> str:
    result = record.result or {}
    said = [f"{result['minutes']:,.1f} minutes of training, {_ended(result['stopped'])}"]
    if result.get("parameters"):
        said.insert(0, f"{result['parameters']:,} parameters")
    if result.get("epochs"):
        said.append(f"{result['epochs']} epochs, best {result.get('best_epoch') or 0:g}")
    for why, number in (result.get("skipped_pairs", {}).get("train") or {}).items():
        if number:
            said.append(f"{number:,} training pairs skipped: {why}")
    if result.get("skipped"):
        said.append(f"{result['skipped']:,} batches skipped as not finite")
    return paragraph(" · ".join(said))


def _scores(run: MeasuredRun, part: str, texts: Texts | None) -> list[str]:
    scores, tiles = run.scores[part], []
    intervals = ["" if texts is None else _interval(name, run.recipe, texts) for name in scores]
    for (name, value), interval in zip(scores.items(), intervals, strict=True):
        way = "higher" if HIGHER_IS_BETTER[name] else "lower"
        tiles.append(
            f'<div class="tile">{escape(name)} on {part}<b>{value:.2f}</b>'
            f"<span>{interval}</span><small>{way} is better<br>{escape(run.signatures[name])}</small></div>"
        )
    other = [each for each in run.scores if each != part]
    rows = [[each, *(f"{value:.2f}" for value in run.scores[each].values())] for each in other]
    more = [table(["", *scores], rows, range(1, 9))] if rows else []
    drawn = any(each.startswith("[") for each in intervals)
    how = paragraph("In brackets: the interval of 95 % over sentences drawn anew (bootstrap)." if drawn else "")
    return [f'<div class="tiles">{"".join(tiles)}</div>', how, *more]


def _interval(name: str, recipe: Recipe, texts: Texts) -> str:
    """Give how far the score moves with the sentences; nothing where lines of one source are one sentence."""
    import numpy as np

    evaluation = recipe.evaluation
    if evaluation.several_references or len(texts.sources) < 2:
        return ""
    counts = count(
        name, texts.translations, texts.references, lowercase=evaluation.lowercase, tokenize=evaluation.tokenize
    )
    low, high = np.quantile(resample([counts], resamples=1000)[:, 0], (0.025, 0.975))
    if math.isnan(low):
        return "(no interval: some sentences alone have no score)"
    return f"[{low:.2f} … {high:.2f}]" if low < high else "(no interval: the same whichever sentences are drawn)"


def _curves(recipe: Recipe, events: Sequence[Mapping[str, Any]]) -> list[str]:
    """Draw how the run learnt."""
    epochs = [event for event in events if event["event"] == "epoch"]
    validations = comparable(events)
    monitor = monitored(events)
    smoothing = recipe.training.label_smoothing
    smoothed = f", with label smoothing of {smoothing:g}" if smoothing else ""
    charts = []
    for title, lines in (
        (f"loss, nats per token{smoothed}", [("training", epochs, "loss"), ("validation", validations, "val_loss")]),
        (f"{monitor} on validation, by real decoding", [(monitor, validations, f"val_{monitor}")]),
        ("learning rate", [("learning rate", epochs, "learning_rate")]),
        ("target tokens per second", [("tokens/s", epochs, "tokens_per_second")]),
    ):
        if title.startswith("loss ") and "loss" in monitor:
            continue
        drawn = [(name, points) for name, found, key in lines if (points := _points(found, key))]
        if drawn:
            picture = draw_curves([name for name, _ in drawn], [[each] for _, each in drawn], title, wide=_NARROW)
            charts.append(figure(title, picture))
    skipped = sum(event["event"] == "skipped" for event in events)
    told = [paragraph(f"{skipped:,} batches were skipped because their loss was not finite.")] if skipped else []
    if not charts:
        return ["<h2>Learning</h2>", paragraph("No epoch has ended yet.")]
    return ["<h2>Learning</h2>", grid(charts), *told]


def _points(events: Sequence[Mapping[str, Any]], key: str) -> list[tuple[int, float]]:
    points = [(int(event["update"]), float(event[key])) for event in events if key in event and "update" in event]
    return [point for point in points if math.isfinite(point[1])]


def _wiring(insight: Insight | None, why: str) -> list[str]:
    head = "<h2>How states are passed</h2>"
    if insight is None:
        return [head, paragraph(why)]
    if not insight.wiring:
        return [head, paragraph("The bridge of this model has no wires, which would say it.")]
    # As an image, so that the style of the page does not reach into it.
    image = Picture(insight.wiring).image("encoder, state bridge and decoder")
    return [head, f'<div class="wiring" tabindex="0">{image}</div>']


def _training_text(record: RunRecord) -> list[str]:
    found, head = read_training_text(record), "<h2>Training text</h2>"
    if isinstance(found, str):
        return [head, paragraph(found)]
    charts, rows = [], []
    for place, (what, side) in enumerate(zip(_languages(record.recipe), (found.source, found.target), strict=True)):
        title = f"{what}: sentences by tokens"
        charts.append(figure(title, draw_bars(side.classes, side.sizes, title, colour=place)))
        rows.append([what, *_side(side)])
    header = ["", "tokens", "unknown", "pieces that occur", "of the vocabulary"]
    return [
        head, paragraph(found.corpus), paragraph(f"Batches: {found.batches}"),
        grid(charts), table(header, rows, range(1, 5)),
    ]  # fmt: skip


def _side(side: Side) -> list[str]:
    share = f"{100 * side.unknown / max(side.tokens, 1):.2f} %"
    return [f"{side.tokens:,}", f"{side.unknown:,} ({share})", f"{side.pieces:,}", f"{side.vocabulary:,}"]


def _classes(comparison: Comparison) -> list[str]:
    """Draw the first metric by length of the source, and how well words are translated by their frequency."""
    variant, name = comparison.variants[0], next(iter(comparison.signatures))
    charts = []
    if comparison.lengths:
        title = f"{name} by {comparison.lengths.what}"
        charts.append(figure(title, draw_bars(comparison.lengths.names, variant.metrics[name].by_length, title)))
    if comparison.frequencies:
        title, names = f"F1 of {comparison.frequencies.what}", comparison.frequencies.names
        # Of "1,000–9,999" only where it begins, or the names would not fit side by side.
        names = [f"{first}+" if last else first for first, _, last in (each.partition("–") for each in names)]
        charts.append(figure(title, draw_bars(names, variant.by_frequency, title, colour=2)))
    notes = [paragraph(note) for note in comparison.notes]
    return ["<h2>Where it is good</h2>", grid(charts), *notes]


def _surest(recipe: Recipe, texts: Texts, insight: Insight | None) -> list[str]:
    """Draw how good the translations are that the model is the surest of."""
    known = (
        [] if insight is None else [(place, each) for place, each in enumerate(insight.confidence) if each is not None]
    )
    if not known:
        return []
    (name, *_) = recipe.evaluation.metrics
    of_known = ([side[place] for place, _ in known] for side in (texts.translations, texts.references, texts.sources))
    translations, references, sources = of_known
    evaluation = dataclasses.replace(recipe.evaluation, metrics=(name,))
    found = surest([each for _, each in known], translations, references, evaluation, sources)
    title = f"{name} of the surest … % of the translations"
    drawn = draw_bars([str(each.share) for each in found], [each.scores[name].value for each in found], title)
    return ["<h2>How good the surest are</h2>", grid([figure(title, drawn)])]


def _sentences(recipe: Recipe, texts: Texts, insight: Insight | None, why: str, cut: int | None) -> list[str]:
    quality = qualities(texts, recipe.evaluation)
    confidence: Sequence[float | None] = insight.confidence if insight else [None] * len(quality)
    found, total = faults(texts), len(quality)
    rows = [
        [what, f"{number:,}", f"{100 * number / max(total, 1):.1f} %"]
        for what, number in (
            ("say one to four words three times in a row (the reference does not)", len(found.repeated)),
            ("are shorter than 0.6 of the reference (under-translation)", len(found.short)),
            ("are longer than 1.6 of the reference (over-translation)", len(found.long)),
            ("are empty", len(found.empty)),
            *([] if cut is None else [("were cut at the limit of length", cut)]),
        )
    ]
    parts = ["<h2>Translations</h2>", table([f"of {total:,} translations", "number", "share"], rows, (1, 2))]
    chosen, head = picks(texts, quality, confidence), ""
    if insight is None:
        parts.append(paragraph(why))
    elif not insight.alignments:
        parts.append(
            paragraph(
                "A model without attention has no alignments to draw."
                if recipe.model.attention.kind == "none"
                else "There is no translation whose alignment could be drawn."
            )
        )
    for pick in chosen:
        if pick.why != head:
            head = pick.why
            parts.append(f"<h3>{head[0].upper()}{head[1:]}</h3>")
            if head == "worst" and quality[pick.place] > 99.99:
                parts.append(
                    paragraph("Every translation equals its reference: these are just the longest of the rest.")
                )
        parts.append(_sentence(texts, pick.place, quality[pick.place], confidence[pick.place], insight))
    return parts


def _sentence(texts: Texts, place: int, quality: float, confidence: float | None, insight: Insight | None) -> str:
    sure = (
        "" if confidence is None else f" · probability of a token {100 * math.exp(confidence):.0f} % (geometric mean)"
    )
    lines = (("source", texts.sources), ("translation", texts.translations), ("reference", texts.references))
    told = "".join(f"<dt>{what}</dt><dd>{escape(side[place])}</dd>" for what, side in lines)
    seen = insight.alignments.get(str(place)) if insight else None
    drawn = ""
    if seen and max(len(seen["source"]), len(seen["target"])) <= _LONGEST:
        title = f"What each token of translation {place + 1} looked at"
        picture = draw_alignment(seen["source"], seen["target"], seen["weights"], title)
        drawn = f'<div class="map" tabindex="0">{picture}</div>'
    elif seen:
        drawn = paragraph(f"Longer than {_LONGEST} tokens: not drawn.")
    head = f'<p class="words">line {place + 1} · chrF {quality:.1f}{sure}</p>'
    return f'<div class="sentence">{head}<dl>{told}</dl>{drawn}</div>'


def _repeat(record: RunRecord) -> list[str]:
    """What differs from the defaults, the versions, and the command that makes the run again."""
    data = record.recipe.data
    needed = {"path": data.path, "source": data.source, "target": data.target}
    plain = Recipe.from_table({"name": record.recipe.name, "data": needed})
    rows = [[name, write_value(value)] for name, value in plain.changes(record.recipe).items()]
    settings = table(["setting", "value"], rows) if rows else paragraph("All settings are the defaults.")
    versions = table(["", "version"], [list(each) for each in record.versions.items()])
    folder = shlex.quote(str(record.folder))
    command = record.command or f"seq2seq train {folder}/recipe.toml --out {folder}-again"
    return [
        "<h2>To repeat it</h2>", f"<pre>{escape(command)}</pre>",
        "<h3>Settings that differ from the defaults</h3>", settings, "<h3>Versions</h3>", versions,
    ]  # fmt: skip


_ENDED = {"finished": "all epochs", "patience": "ended early, as it got no better", "callback": "ended by a callback"}


def _ended(stopped: str) -> str:
    return _ENDED.get(stopped, f"stopped by {stopped}")


def _languages(recipe: Recipe) -> tuple[str, str]:
    """Name both sides of the text; a column of a table that has no name by its number."""
    source, target = (
        f"column {name}" if name.isdecimal() else name for name in (recipe.data.source, recipe.data.target)
    )
    return source, target


def _last_time(events: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Give the events since training last began or was taken up again."""
    begun = [place for place, event in enumerate(events) if event["event"] in ("start", "resume")]
    return events[begun[-1] :] if begun else []


def _measured(record: RunRecord, events: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether there is a result of all the training that there was: a run that goes on keeps its old one."""
    if record.result is None:
        return False
    now = _last_time(events)
    ends = [round(event["minutes"], 2) for event in now if event["event"] == "end"]
    return not now or now[0]["event"] == "start" or record.result["minutes"] in ends


def _waited_for(record: RunRecord) -> bool:
    """Tell whether more may come of a run by itself: it has no result, and was not stopped."""
    events = list(record.log())
    stopped = any(event["event"] == "not_finite" or _interrupted(event) for event in _last_time(events))
    return not stopped and not _measured(record, events)


def _interrupted(event: Mapping[str, Any]) -> bool:
    return event["event"] == "end" and event["stopped"].startswith("SIG")


def _how_far(record: RunRecord, events: Sequence[Mapping[str, Any]]) -> str:
    now, folder = _last_time(events), shlex.quote(str(record.folder))
    if not now:
        return "Training has not begun."
    last = now[-1]
    place = f"Epoch {last.get('epoch', 0)} of at most {record.recipe.training.epochs}"
    resume = f"seq2seq train {folder}/recipe.toml --out {folder} --resume"
    for event in now:
        if event["event"] == "not_finite":
            return f"Training broke off. {event['message']}"
        if _interrupted(event):
            return f"{place}; {_ended(event['stopped'])}. To go on: {resume}"
    if last["event"] == "end":
        return f"Training is over ({_ended(last['stopped'])}); nothing was measured yet. To measure it: {resume}"
    return f"No result yet. {place}, last written at {last.get('time', '–')}."


def try_report(folder: Path) -> None:
    """Write the page of a run that has just ended, into its folder; where that fails, say so and no more."""
    try:
        tell(f"The report: {write_report([folder], folder / 'report.html')}")
    except Exception as error:  # a training that went well never fails by its picture
        tell(
            f"seq2seq: warning: no report was written: {error}. To try again: seq2seq report {shlex.quote(str(folder))}"
        )
